"""What wandb's own inspector reads in the files that the real library wrote."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from djsb import SandboxWatcher

from .conftest import MIXED, SERIES, same, wait_for

wandb = pytest.importorskip("wandb", reason="wandb is not installed")

NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
PLANTED = "sk-0123456789abcdef"


class Inspected:
    """One run's file."""

    def __init__(self, folder):
        (self.file,) = Path(folder).glob("wandb/offline-run-*/run-*.wandb")
        self.summary = json.loads(self._read("--summary"))
        records = list(map(json.loads, self._read().splitlines()))
        self.run = next(one["run"] for one in records if one["type"] == "run")
        self.rows = [one["history"] for one in records if one["type"] == "history"]
        self.defined = {
            one["metric"]["name"].replace(r"\.", "."): one["metric"]
            for one in records
            if one["type"] == "metric"
        }

    def _read(self, *options):
        from wandb.util import get_core_path

        command = [get_core_path(), "leet", "inspect", "--no-observability", "--json", *options]
        command += ["--run-file", self.file, self.file.parents[1]]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def series(self):
        """Return name -> [(step on the job's axis, value)], without the axes themselves."""
        found = {}
        for row in self.rows:
            axes = {name: step for name, step in row["item"].items() if name.startswith("step/")}
            assert len(axes) <= 1
            for name, value in row["item"].items():
                if name.startswith(("step/", "_")):
                    continue
                ((axis, step),) = axes.items()
                assert self.defined[name]["step_metric"].replace(r"\.", ".") == axis
                assert name.rpartition(".")[0].startswith(axis.removeprefix("step/"))
                found.setdefault(name, []).append((step, number(value)))
        return found

    def results(self):
        return {name: number(value) for name, value in self.summary["summary"].items()}

    def steps(self):
        return [row["step"]["num"] for row in self.rows]


def number(value):
    return NUMBERS.get(value, value) if isinstance(value, str) else value


def read_note(run):
    return json.loads((run.folder / "wandb.json").read_text())


def test_every_metric_is_there(two_pipelines):
    run = two_pipelines.run("wandb")
    assert run.status == "finished"
    written, (series, results) = Inspected(run.folder), two_pipelines.stored(run)
    assert same(written.series(), series)
    assert len(series) == 12
    found = written.results()
    assert same({name: found[name] for name in results}, results)
    last = {name: values[-1][1] for name, values in series.items()}
    assert same({name: found[name] for name in last}, last)
    own = found.keys() - results.keys() - last.keys()
    assert {name.split("/")[0] for name in own} == {"_runtime", "_step", "_timestamp", "step"} | {
        "jobs", "run"
    }  # fmt: skip
    assert found["run/status"] == "finished"
    assert found["run/id"] == run.id
    assert found["jobs/iter_1/long/train.status"] == "finished"
    assert found["jobs/iter_2/long/train.status"] == "cached"
    assert written.steps() == list(range(len(written.rows)))
    assert (written.summary["state"], written.summary["exit_code"]) == ("finished", 0)
    assert (written.run["project"], written.run["display_name"]) == ("a project", "an experiment")


def test_names_without_pipelines_and_settings_without_secrets(lab, monkeypatch):
    monkeypatch.setenv("OTHER_API_KEY", f"{PLANTED}-of-the-environment")
    monkeypatch.setattr(sys, "argv", ["djsb", f"--key={PLANTED}"])
    told = f"with {PLANTED} and {PLANTED}-of-the-environment"
    points = [*MIXED["points"], ["note", told, None], ["note", told, 0]]
    lab.write(("train", {"points": points, "api_key": PLANTED}))
    run = lab.run("wandb")
    written = Inspected(run.folder)
    assert set(written.series()) == {"train.loss", "train.note"}
    assert written.results()["train.note"].startswith("with ***")
    job = written.summary["config"]["execution_job_configs"][0]
    assert job["extra_configs"]["api_key"] == "***"
    assert "host" not in written.run
    folder = written.file.parent
    for path in [*folder.rglob("*"), *run.folder.glob("wandb.*")]:
        assert not path.is_file() or PLANTED.encode() not in path.read_bytes(), path
    assert not [*folder.rglob("requirements.txt")]
    assert not (run.folder / "wandb.log").exists()


def test_a_run_goes_on_after_one_that_failed(lab, tmp_path):
    mended = tmp_path / "mended"
    failing = {"points": [["loss", 1.0, 0], ["n", 1, None]], "act": "raise", "unless": str(mended)}
    lab.write(("train", {"points": SERIES}), ("eval", failing))
    first = lab.run("wandb")
    assert first.status == "failed"
    written = Inspected(first.folder)
    assert (written.summary["state"], written.results()["jobs/eval.status"]) == ("failed", "failed")
    assert written.results()["jobs/train.status"] == "finished"
    mended.touch()
    second = lab.run("wandb")
    assert second.status == "finished"
    again = Inspected(second.folder)
    assert read_note(second)["id"] == read_note(first)["id"] == again.run["run_id"]
    assert again.run["resume"] is True
    assert again.steps()[0] == written.steps()[-1] + 1
    assert again.steps() == sorted(again.steps())
    assert same(again.series(), lab.stored(second)[0])
    assert again.results()["jobs/train.status"] == "cached"
    third = lab.run("wandb")
    assert read_note(third)["id"] != read_note(first)["id"]
    assert Inspected(third.folder).steps()[0] == 0


def test_the_trials_of_a_sweep_are_a_group_of_runs_of_their_own(lab):
    lab.write(("train", {**MIXED, "act": "raise"}))
    sweep = lab.sweep("learning rates")
    runs = [lab.run("wandb", sweep=sweep) for _ in range(2)]
    found = [Inspected(run.folder) for run in runs]
    assert [one.run["run_group"] for one in found] == ["learning rates"] * 2
    assert [one.run["job_type"] for one in found] == ["trial"] * 2
    assert len({one.run["run_id"] for one in found}) == 2
    assert found[0].results()["run/sweep"] == "learning rates"
    alone = Inspected(lab.run("wandb").folder)
    assert alone.run["run_id"] not in {one.run["run_id"] for one in found}
    assert not {"run_group", "job_type"} & alone.run.keys()


def fail(watcher):
    """Tell of a run that breaks."""
    watcher.watch_cfgs([({"lr": 0.1, "deep": {"api_key": PLANTED}}, "train")])
    for step in range(3):
        watcher.watch({"loss": 1 / (1 + step), "at": {"lr": 0.1}}, "train", step)
    watcher.watch(0.5, "score")
    watcher.watch_cfgs([({"lr": 0.2, "api_key": PLANTED}, "train"), ({"late": [1, 2]}, "more")])
    raise ValueError(PLANTED)


def test_a_script_is_shown_like_any_run(monkeypatch):
    monkeypatch.setenv("DJSB_TRACKERS", "wandb")
    watchers = [SandboxWatcher("w", "a project", "own") for _ in range(2)]
    for watcher in watchers:
        with pytest.raises(ValueError, match=PLANTED), watcher:
            fail(watcher)
    found = [Inspected(watcher.folder) for watcher in watchers]
    assert len({one.run["run_id"] for one in found}) == 2  # it begins anew, it does not go on
    config = found[1].summary["config"]
    assert (config["train.lr"], config["train.deep"]) == (0.2, {"api_key": "***"})
    assert (config["train.api_key"], config["more.late"]) == ("***", [1, 2])
    series = {name: values for name, values in found[1].series().items() if "." in name}
    assert series["train.loss"] == [(0, 1.0), (1, 0.5), (2, 1 / 3)]
    assert found[1].results()["script.score"] == 0.5
    assert found[1].results()["run/status"] == found[1].results()["jobs/train.status"] == "failed"
    assert PLANTED.encode() not in found[1].file.read_bytes()


def test_an_interrupted_run_is_not_finished(lab):
    lab.write(("train", {**MIXED, "act": "interrupt"}))
    run = lab.run("wandb")
    assert run.status == read_note(run)["status"] == "interrupted"
    assert Inspected(run.folder).summary["state"] == "failed"
    assert Inspected(run.folder).results()["run/status"] == "interrupted"


def test_a_run_that_is_killed_has_what_it_measured(lab):
    points = [["loss", 0.5, i] for i in range(1500)]
    lab.write(("train", {"points": [*points, ["n", 1, None]], "act": "wait"}))
    code = "from djsb.cli import main; main()"
    command = [sys.executable, "-c", code, "run", "sandbox.yaml", "--workers", "0"]
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "PYTHONPATH": path, "DJSB_TRACKERS": "wandb"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        noted = wait_for(lambda: [*Path("w").glob("runs/*/wandb.json")])[0]
        wait_for(lambda: json.loads(noted.read_text())["next_step"] > 1500)
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    note = wait_for(lambda: (n := json.loads(noted.read_text()))["status"] == "unknown" and n)
    written = Inspected(noted.parent)
    assert len(written.series()["train.loss"]) == 1500
    Path("go").touch()
    again = lab.run("wandb")
    assert read_note(again)["id"] == note["id"]
    assert Inspected(again.folder).steps()[0] == note["next_step"]


def test_histograms_and_media(lab, image, tmp_path):
    video = tmp_path / "clip.mp4"
    video.write_bytes(bytes(1000))
    damaged = tmp_path / "damaged.png"
    damaged.write_text("no image")
    media = [str(image), str(video), str(damaged)]
    lab.write(("look", {"histogram": [1, 2, 2, 3], "media": media, "points": MIXED["points"]}))
    run = lab.run("wandb")
    written = Inspected(run.folder)
    rows = [row["item"] for row in written.rows]
    (spread,) = [row for row in rows if "look.spread._type" in row]
    assert spread["look.spread._type"] == "histogram"
    assert sum(spread["look.spread.values"]) == 4
    assert len(spread["look.spread.bins"]) == len(spread["look.spread.values"]) + 1
    shown = {row["look.shown._type"]: row for row in rows if "look.shown._type" in row}
    assert set(shown) == {"image-file", "video-file"}
    assert shown["video-file"]["step/look"] == 1
    for kept in shown.values():
        assert (written.file.parent / "files" / kept["look.shown.path"]).is_file()
    assert "damaged.png" in (run.folder / "wandb.log").read_text()
    assert same(written.results()["look.score"], 0.75)


def test_it_is_not_even_started_where_it_is_disabled(lab, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    lab.write(("train", MIXED))
    run = lab.run("wandb")
    assert not [*run.folder.glob("wandb*")]


def test_without_a_server_the_run_is_kept_for_later(lab, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WANDB_INIT_TIMEOUT", "2")
    lab.write(("train", MIXED))
    run = lab.run("wandb")
    written = Inspected(run.folder)
    assert written.summary["state"] == "finished"
    assert same(written.series(), lab.stored(run)[0])
    assert "0" * 40 not in (run.folder / "wandb.log").read_text()
