"""What runs of one session share, and what the end of one means for the others."""

import os
import shutil
import signal
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from djsb.config.reader import read_experiment
from djsb.planner.plan import plan
from djsb.runner import session as session_module
from djsb.runner.options import RunOptions
from djsb.runner.session import Session
from djsb.store.store import Store
from djsb_core.api import hookimpl
from djsb_core.errors import JobError, RequestError

PATIENCE = 60  # seconds until something that must happen counts as not happening
ENTRY_POINTS = "[djsb.hooks]\nLook = looking:Look"
LOOKING = """
    import os
    import time
    from pathlib import Path
    from djsb_core.api import ComponentConfig, Hook
    from pydantic import Field

    open("imported", "a").write("x")

    class LookConfig(ComponentConfig):
        word: str = Field("", description="Decides the key.")
        wait: str = Field("", description="File to be there before it ends.")
        fail: bool = False
        stubborn: bool = False

    class Look(Hook[LookConfig, object]):
        config_type = LookConfig
        output_names = ("pid", "folder", "variable")

        def run(self, context):
            try:
                self.wait()
            except KeyboardInterrupt:  # there is only one
                if not self.config.stubborn:
                    raise
                self.wait()
            if self.config.fail:
                raise ValueError("it broke")
            return os.getpid(), os.getcwd(), os.environ.get("LOOK", "")

        def wait(self):
            wait = self.config.wait
            if wait:
                Path(f"{wait}.begun").touch()
            while wait and not os.path.exists(wait):
                time.sleep(0.02)
"""


@pytest.fixture
def looking(lab, install):
    install("looking", LOOKING, ENTRY_POINTS)
    return lab


@pytest.fixture
def session(looking):
    with Session(1, looking.listeners) as session:
        yield session


def planned(*jobs, work_dir="w"):
    """Plan an experiment of one pipeline for each job, given by its settings."""
    text = f"work_dir: {work_dir}\npipelines:\n" + "".join(
        f"- p{i}: {{execution_job_configs: "
        f"[{{hook: Look, meta_name: j, extra_configs: {{{job}}}}}]}}\n"
        for i, job in enumerate(jobs)
    )
    path = Path(f"experiment-{threading.get_ident()}.yaml")
    path.write_text(text)
    return plan(read_experiment(path))


def jobs_of(record):
    with closing(Store(record.folder.parents[1])) as store:
        return store.jobs(record.id)


def outputs(session, *jobs, work_dir="w", **options):
    record = session.run(planned(*jobs, work_dir=work_dir), RunOptions(**options))
    return [job.outputs for job in jobs_of(record)]


def pids(session, *jobs, **options):
    return [found["pid"] for found in outputs(session, *jobs, **options)]


def wait_for(condition):
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)


# -- what is there for the next run ----------------------------------------------------------------


def test_the_next_run_has_the_process_of_the_last_one_and_imports_nothing_again(session):
    first = pids(session, "word: a", "word: b")
    imports = len(Path("imported").read_text())
    assert pids(session, "word: c") == pids(session, "word: d") == first[:1] == first[1:]
    assert first[0] != os.getpid()
    assert len(Path("imported").read_text()) == imports


def test_a_second_worker_starts_no_process_while_the_first_is_idle(looking):
    with Session(2, looking.listeners) as session:
        found = [pids(session, f"word: {word}") for word in "abc"]
    assert found[0] == found[1] == found[2]


def test_in_this_process_runs_share_the_process_too(looking):
    with Session(0, looking.listeners) as session:
        assert pids(session, "word: a") == pids(session, "word: b") == [os.getpid()]


def test_a_job_that_a_run_of_the_session_has_done_comes_from_the_cache(session):
    record = session.run(planned("word: a"))
    assert [job.status for job in jobs_of(record)] == ["finished"]
    again = session.run(planned("word: a"))
    assert [(job.status, job.source_run) for job in jobs_of(again)] == [("cached", record.id)]


def test_work_dirs_have_stores_and_caches_of_their_own(session, looking):
    for work_dir in ("one", "two", "one"):
        (found,) = jobs_of(session.run(planned("word: a", work_dir=work_dir)))
        assert found.folder.is_relative_to(looking.folder / work_dir)
    assert session.store(Path("one")) is session.store(looking.folder / "one")
    statuses = [[job.status for run in session.store(Path(d)).runs() for job in jobs_of(run)]
                for d in ("one", "two")]  # fmt: skip
    assert statuses == [["cached", "finished"], ["finished"]]


def test_a_work_dir_that_was_removed_begins_again(session, looking):
    session.run(planned("word: a"))
    shutil.rmtree(looking.folder / "w")
    record = session.run(planned("word: a"))
    assert [job.status for job in jobs_of(record)] == ["finished"]


def test_a_reused_process_takes_over_what_has_changed_around_it(session, looking, monkeypatch):
    (first,) = outputs(session, "word: a")
    monkeypatch.setenv("LOOK", "here")
    (looking.folder / "below").mkdir()
    monkeypatch.chdir(looking.folder / "below")
    (second,) = outputs(session, "word: b", work_dir=looking.folder / "w")
    monkeypatch.delenv("LOOK")
    (third,) = outputs(session, "word: c", work_dir=looking.folder / "w")
    assert first["pid"] == second["pid"] == third["pid"]
    assert [one["variable"] for one in (first, second, third)] == ["", "here", ""]
    assert second["folder"] == str(looking.folder / "below")


def test_a_process_does_not_find_modules_where_this_one_no_longer_does(
    session, tmp_path, monkeypatch
):
    before = pids(session, "word: a")
    monkeypatch.syspath_prepend(tmp_path)
    assert pids(session, "word: b") != before


def test_a_process_is_reused_although_a_relative_folder_of_the_path_is_absent_everywhere(
    session, looking, monkeypatch
):
    monkeypatch.setattr(sys, "path", [*sys.path, "./thirdparty/models"])  # as Data-Juicer does
    before = pids(session, "word: a")
    (looking.folder / "below").mkdir()
    monkeypatch.chdir(looking.folder / "below")
    assert pids(session, "word: b", work_dir=looking.folder / "w") == before


def test_the_snapshot_of_packages_is_made_once(session, monkeypatch):
    made = []
    machine = session_module.machine_facts
    monkeypatch.setattr(session_module, "machine_facts", lambda: made.append(1) or machine())
    runs = [session.run(planned(f"word: {word}")) for word in "ab"]
    assert len(made) == 1
    files = [(run.folder / "environment.json").read_text() for run in runs]
    assert files[0] == files[1]
    assert '"packages"' in files[0]


def test_changed_code_is_refused_rather_than_run_as_it_was(session, install, looking):
    session.run(planned("word: a"))
    module = Path(sys.modules["looking"].__file__)
    module.write_text(textwrap.dedent(LOOKING) + "\n# changed\n")
    with pytest.raises(RequestError, match=r"the code of looking has changed since .* restart"):
        session.run(planned("word: a"))
    module.write_text(textwrap.dedent(LOOKING))
    assert [job.status for job in jobs_of(session.run(planned("word: a")))] == ["cached"]


def test_listeners_of_a_run_hear_of_no_other(session):
    class Ear:
        def __init__(self):
            self.heard = []

        @hookimpl
        def djsb_run_started(self, run_id):
            self.heard.append(run_id)

    everyone, own = Ear(), Ear()
    session.listeners.register(everyone)
    first = session.run(planned("word: a"), None, [own])
    second = session.run(planned("word: b"))
    assert (own.heard, everyone.heard) == ([first.id], [first.id, second.id])


def test_a_closed_session_runs_nothing(looking):
    session = Session(0, looking.listeners)
    session.close()
    session.close()
    with pytest.raises(ValueError, match="the session is closed"):
        session.run(planned("word: a"))


def test_a_failure_leaves_the_session_as_it_was(session):
    before = pids(session, "word: a")
    with pytest.raises(JobError, match="it broke"):
        session.run(planned("fail: true"))
    assert pids(session, "word: b") == before


# -- side by side ----------------------------------------------------------------------------------


@pytest.fixture
def side_by_side(looking):
    with Session(2, looking.listeners) as session, ThreadPoolExecutor(3) as threads:
        yield session, lambda *jobs, **keys: threads.submit(outputs, session, *jobs, **keys)


def test_a_failure_does_not_harm_the_run_beside_it(side_by_side):
    _, start = side_by_side
    waiting = start("word: a, wait: go")
    wait_for(Path("go.begun").exists)
    with pytest.raises(JobError, match="it broke"):
        start("fail: true", work_dir="other").result(PATIENCE)
    Path("go").touch()
    assert len(waiting.result(PATIENCE)) == 1


def test_more_runs_than_workers_take_turns(side_by_side):
    _, start = side_by_side
    runs = [start(f"word: {word}", work_dir=word) for word in "abc"]
    processes = {run.result(PATIENCE)[0]["pid"] for run in runs}
    assert 1 <= len(processes) <= 2


def test_an_interrupt_ends_all_runs_and_the_session_can_be_used_again(side_by_side):
    session, start = side_by_side
    runs = [start(f"wait: {word}.go", work_dir=word) for word in ("one", "two")]
    wait_for(lambda: Path("one.go.begun").exists() and Path("two.go.begun").exists())
    session.interrupt()
    for run in runs:
        with pytest.raises(KeyboardInterrupt):
            run.result(PATIENCE)
    for work_dir in ("one", "two"):
        assert [run.status for run in session.store(Path(work_dir)).runs()] == ["interrupted"]
    assert len(outputs(session, "word: a", "word: b")) == 2


def test_a_second_interrupt_kills_what_does_not_end(side_by_side):
    session, start = side_by_side
    run = start("wait: go, stubborn: true")
    wait_for(Path("go.begun").exists)
    session.interrupt()
    time.sleep(0.3)
    assert not run.done()
    session.interrupt()
    with pytest.raises(KeyboardInterrupt):
        run.result(PATIENCE)
    assert len(outputs(session, "word: a")) == 1


def test_closing_interrupts_the_runs_of_other_threads(looking):
    session = Session(1, looking.listeners)
    with ThreadPoolExecutor(1) as threads:
        run = threads.submit(outputs, session, "wait: go")
        wait_for(Path("go.begun").exists)
        session.close()
        with pytest.raises(KeyboardInterrupt):
            run.result(PATIENCE)
    assert [job.status for job in jobs_of(last_run("w"))] == ["interrupted"]


def last_run(work_dir):
    with closing(Store(Path(work_dir).absolute())) as store:
        return store.run("last")


# -- signals ---------------------------------------------------------------------------------------


def interrupt_when(path, number=signal.SIGINT):
    """Send this process a signal as soon as a file is there."""

    def send():
        wait_for(Path(path).exists)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_interrupts_the_run_and_the_handlers_come_back(looking, workers, number):
    handlers = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    session = Session(workers, looking.listeners)  # no block: only its runs take signals
    with closing(session):
        sender = interrupt_when("go.begun", number)
        with pytest.raises(KeyboardInterrupt):
            session.run(planned("wait: go"))
        sender.join()
        assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == handlers
        assert [job.status for job in jobs_of(last_run("w"))] == ["interrupted"]
        assert len(outputs(session, "word: a")) == 1
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == handlers


class Stop(BaseException):
    """What a process with a handler of its own may raise there."""


@pytest.fixture
def own_handler():
    def handle(number, frame):
        raise Stop

    before = signal.signal(signal.SIGINT, handle)
    yield handle
    assert signal.getsignal(signal.SIGINT) is handle
    signal.signal(signal.SIGINT, before)


def test_a_handler_of_the_process_stays_and_what_it_raises_ends_the_run(looking, own_handler):
    with Session(1, looking.listeners) as session:
        assert signal.getsignal(signal.SIGINT) is own_handler
        sender = interrupt_when("go.begun")
        with pytest.raises(Stop):
            session.run(planned("wait: go"))
        sender.join()
        assert last_run("w").status == "failed"
        assert [job.status for job in jobs_of(last_run("w"))] == ["interrupted"]
        assert len(outputs(session, "word: a")) == 1


def test_a_handler_of_the_process_can_end_the_runs_in_good_order(looking):
    with Session(1, looking.listeners) as session:
        before = signal.signal(signal.SIGUSR1, lambda *_: session.interrupt())
        try:
            sender = interrupt_when("go.begun", signal.SIGUSR1)
            with pytest.raises(KeyboardInterrupt):
                session.run(planned("wait: go"))
            sender.join()
        finally:
            signal.signal(signal.SIGUSR1, before)
    assert last_run("w").status == "interrupted"
