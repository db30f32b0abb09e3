"""One job executed: again if it fails and may, and going on from what an attempt left."""

from contextlib import closing
from pathlib import Path

import pytest

from djsb.cache.cache import Cache
from djsb_core.errors import JobError

TRY = """
import signal
import os
from pathlib import Path

from djsb_core.api import ComponentConfig, Hook, OutputPath


class Config(ComponentConfig):
    fail: int = 0
    how: str = "raise"
    out: OutputPath | None = None


class Try(Hook):
    '''Fails so many times; each attempt adds a line to what it finds in its folder.'''

    config_type = Config
    output_names = ("lines", "folder")
    asks_for_metrics = False
    kept = False

    def resumes(self):
        return self.kept

    def run(self, context):
        folder = self.workspace.folder
        tries = Path("tries.txt")
        with tries.open("a") as file:
            file.write(f"{folder}\\n")
        number = len(tries.read_text().splitlines())
        os.write(1, f"this is attempt {number}\\n".encode())
        path = self.config.out or folder / "lines.txt"
        before = path.read_text() if path.exists() else ""
        path.write_text(f"{before}{number} ")
        context.watcher.watch(float(number), "number", number)
        context.watcher.watch_samples([number, number], f"samples_{number}")
        if number <= self.config.fail:
            if self.config.how == "exit":
                raise SystemExit(3)
            if self.config.how == "interrupt":
                signal.raise_signal(signal.SIGINT)
            if self.config.how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise ValueError(f"it broke {number}")
        return path.read_text(), folder


class GoOn(Try):
    kept = True


class Keep(Try):
    keeps_partial_results = True
"""

TEXT = """
work_dir: w
execution_job_configs:
- hook: {hook}
  meta_name: j
  retries: {retries}
  cache: {cache}
  extra_configs: {{fail: {fail}, how: {how}{more}}}
"""


@pytest.fixture
def attempt(install, lab, monkeypatch):
    """Return a function that runs one job which fails a few times."""
    install(
        "trying", TRY, "[djsb.hooks]\nTry = trying:Try\nGoOn = trying:GoOn\nKeep = trying:Keep\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(lab.folder.parent / "site-packages"))

    def run(options=None, **values):
        base = {"hook": "Try", "retries": 0, "fail": 0, "how": "raise", "cache": "true", "more": ""}
        return lab.jobs(lab.run(TEXT.format(**(base | values)), **(options or {})))["j"]

    return run


def folders():
    return [Path(line) for line in Path("tries.txt").read_text().splitlines()]


def log_of(job):
    return (job.folder / "log.txt").read_text()


@pytest.mark.parametrize("cache", ["true", "false"])
@pytest.mark.parametrize("how", ["raise", "exit"])
def test_a_job_that_fails_is_run_again_in_a_new_folder(attempt, cache, how):
    job = attempt(fail=2, retries=2, cache=cache, how=how)
    assert (job.status, job.error) == ("finished", None)
    assert job.outputs["lines"] == "3 "
    assert len(set(folders())) == 3
    assert job.files == Path(job.outputs["folder"]) == folders()[-1]
    lines = log_of(job).splitlines()
    said = "ValueError: it broke" if how == "raise" else "SystemExit: 3"
    for number in (1, 2):
        (line,) = [one for one in lines if one.startswith(f"attempt {number} of 3 failed: ")]
        assert said in line
        assert lines.index(line) > lines.index(f"this is attempt {number}")
    assert lines[-1] == "this is attempt 3"


def test_a_job_that_fails_each_time_fails(attempt, last_run, lab):
    with pytest.raises(JobError, match="job 'j' failed: ValueError: it broke 3"):
        attempt(fail=3, retries=2)
    job = lab.jobs(last_run())["j"]
    assert (job.status, job.error) == ("failed", "it broke 3")
    assert len(folders()) == 3
    assert log_of(job).count("attempt 2 of 3 failed: ") == 1
    assert "attempt 3 of 3" not in log_of(job)


def test_without_retries_there_is_one_attempt(attempt):
    with pytest.raises(JobError):
        attempt(fail=1)
    assert len(folders()) == 1


def test_an_interruption_is_no_reason_to_try_again(attempt, last_run, lab):
    with pytest.raises(KeyboardInterrupt):
        attempt(fail=1, retries=5, how="interrupt")
    assert len(folders()) == 1
    assert lab.statuses(last_run()) == ["interrupted"]


@pytest.mark.parametrize("cache", ["true", "false"])
def test_what_failed_attempts_measured_is_forgotten(attempt, lab, cache):
    job = attempt(fail=2, retries=2, cache=cache)
    with closing(lab.store(lab_run(lab, job))) as store:
        assert store.metrics(job.id) == {"number": 3.0}
        assert list(store.samples(job.id)) == ["samples_3"]


def lab_run(lab, job):
    return type("Run", (), {"folder": lab.folder / "w" / "runs" / job.run_id})


def test_a_reused_job_replays_its_last_attempt(attempt, lab):
    first = attempt(fail=2, retries=2)
    job = attempt(fail=2, retries=2)
    assert (job.status, job.outputs) == ("cached", first.outputs)
    assert log_of(job) == log_of(first)
    with closing(lab.store(lab_run(lab, job))) as store:
        assert store.points(job.id) == store.points(first.id)
        assert list(store.samples(job.id)) == ["samples_3"]


def test_failed_attempts_leave_nothing_in_the_cache(attempt, lab):
    attempt(fail=2, retries=2)
    cache = Cache(lab.folder / "w" / "cache")
    with closing(cache.digests):
        assert cache.leftovers() == []
        assert [entry.folder for entry in cache.entries()] == folders()[2:]


def test_a_job_that_may_not_be_kept_works_in_the_run(attempt):
    job = attempt(cache="false")
    assert job.files == job.folder / "files"
    assert not job.files.is_symlink()
    assert attempt(cache="false").status == "finished"
    assert attempt(cache="true").status == "finished"


def test_a_job_that_is_kept_is_linked_into_the_run(attempt, lab):
    job = attempt()
    link = job.folder / "files"
    assert link.is_symlink()
    assert link.resolve() == job.files.resolve()
    moved = lab.folder.parent / "moved"
    lab.folder.rename(moved)
    assert (moved / link.relative_to(lab.folder) / "lines.txt").read_text() == "1 "


# -- going on --------------------------------------------------------------------------------------


@pytest.mark.parametrize("cache", ["true", "false"])
@pytest.mark.parametrize("hook", ["GoOn", "Keep"])
def test_it_goes_on_from_a_failed_attempt(attempt, hook, cache):
    job = attempt(hook=hook, fail=2, retries=2, cache=cache)
    assert job.outputs["lines"] == "1 2 3 "
    assert Path(job.outputs["folder"], "lines.txt").read_text() == "1 2 3 "


def test_it_goes_on_in_the_next_run(attempt, lab, last_run):
    with pytest.raises(JobError):
        attempt(hook="GoOn", fail=1)
    job = attempt(hook="GoOn", fail=1)
    assert job.outputs["lines"] == "1 2 "
    assert attempt(hook="GoOn", fail=1).status == "cached"


def test_it_goes_on_after_an_interruption(attempt):
    with pytest.raises(KeyboardInterrupt):
        attempt(hook="GoOn", fail=1, how="interrupt")
    assert attempt(hook="GoOn", fail=1, how="interrupt").outputs["lines"] == "1 2 "


@pytest.mark.parametrize("hook", ["GoOn", "Keep"])
def test_it_goes_on_after_its_process_was_killed(attempt, hook):
    with pytest.raises(JobError, match=r"SIGKILL|killed"):
        attempt({"workers": 1}, hook=hook, fail=1, how="kill")
    job = attempt({"workers": 1}, hook=hook, fail=1, how="kill")
    assert job.outputs["lines"] == "1 2 "


def test_a_job_with_other_settings_begins_anew(attempt):
    with pytest.raises(JobError):
        attempt(hook="GoOn", fail=1)
    assert attempt(hook="GoOn", fail=0).outputs["lines"] == "2 "


def test_it_begins_anew_when_it_is_forced(attempt):
    attempt(hook="GoOn")
    assert attempt({"force": True}, hook="GoOn").outputs["lines"] == "2 "


def test_others_do_not_go_on(attempt):
    with pytest.raises(JobError):
        attempt(fail=1)
    assert attempt(fail=1).outputs["lines"] == "2 "


def test_it_works_at_the_place_that_its_settings_name(attempt, lab):
    with pytest.raises(JobError):
        attempt(hook="GoOn", fail=1, more=", out: out/lines.txt")
    assert Path("out/lines.txt").read_text() == "1 "
    job = attempt(hook="GoOn", fail=1, more=", out: out/lines.txt")
    assert job.outputs["lines"] == Path("out/lines.txt").read_text() == "1 2 "
    assert job.exports == {str(lab.folder / "out/lines.txt"): str(lab.folder / "out/lines.txt")}
    assert attempt(hook="GoOn", fail=1, more=", out: out/lines.txt").status == "cached"
    Path("out/lines.txt").write_text("tampered ")
    again = attempt(hook="GoOn", fail=1, more=", out: out/lines.txt")
    assert (again.status, again.outputs["lines"]) == ("finished", "tampered 3 ")


def test_what_is_kept_in_its_own_folder_is_exported_at_the_end(attempt, lab):
    with pytest.raises(JobError):
        attempt(hook="Keep", fail=1, more=", out: out/lines.txt")
    assert not Path("out/lines.txt").exists()
    job = attempt(hook="Keep", fail=1, more=", out: out/lines.txt")
    assert job.outputs["lines"] == Path("out/lines.txt").read_text() == "1 2 "


def test_a_damaged_entry_is_gone_on_from_and_old_logs_stay(attempt):
    first = attempt(hook="GoOn")
    (first.files / "DONE.json").write_text("{")
    second = attempt(hook="GoOn")
    assert second.outputs["lines"] == "1 2 "
    assert log_of(first).splitlines() == ["this is attempt 1"]
    assert log_of(second).splitlines() == ["this is attempt 2"]
    third = attempt(hook="GoOn")
    assert (third.status, log_of(third)) == ("cached", log_of(second))


def test_at_another_place_it_begins_anew(attempt):
    attempt(hook="GoOn", more=", out: one/lines.txt")
    job = attempt(hook="GoOn", more=", out: two/lines.txt")
    assert (job.status, job.outputs["lines"]) == ("finished", "2 ")
    assert Path("two/lines.txt").read_text() == "2 "
    assert attempt(hook="GoOn", more=", out: one/lines.txt").status == "cached"


@pytest.fixture
def iterations(attempt):
    """The experiment as text, with up to nine iterations."""
    assert attempt
    values = {"hook": "GoOn", "retries": 1, "cache": "true", "fail": 1, "how": "raise"}
    text = TEXT.replace("work_dir: w", "work_dir: w\nmax_iter_num: %s")
    return text.format(**values, more=", out: out/lines.txt")


def test_it_works_at_its_own_place_in_each_iteration(iterations, lab):
    read = "- {hook: Echo, meta_name: read, extra_configs: {file: out/lines.txt}}\n"
    run = lab.run((iterations + read) % 2)
    with closing(lab.store(run)) as store:
        jobs = [job for job in store.jobs(run.id) if job.meta_name == "read"]
    assert [job.outputs["text"] for job in jobs] == ["1 2 ", "3 "]
    assert Path("out/iter_2/lines.txt").read_text() == "3 "


def test_other_places_alone_need_no_further_iteration(iterations, lab):
    assert lab.run(iterations % 9).reason == "another iteration would repeat iteration 2"
