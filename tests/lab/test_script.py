"""Runs that a user's own script records: what is kept, what listeners hear, what is read again."""

import argparse
import json
import math
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from djsb import SandboxWatcher
from djsb.store.environment import EXPERIMENT, read_environment
from djsb.store.store import Store
from djsb_core.errors import RequestError
from djsb_core.job.reports import ArtifactKind
from djsb_report.reporter import HtmlReporter

pytestmark = pytest.mark.usefixtures("no_trackers")

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "record-from-a-script.md"


def begin(name="e", **more):
    return SandboxWatcher("w", "p", name, **more)


def jobs(run="last"):
    store = Store(Path("w"), create=False)
    return store, {job.meta_name: job for job in store.jobs(store.run(run).id)}


def script(text, *arguments, **options):
    """Run a script in a process of its own."""
    Path("script.py").write_text(textwrap.dedent(text))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "script.py", *arguments]
    return subprocess.Popen(command, env=environment, text=True, **options)


# -- values ----------------------------------------------------------------------------------------


def test_what_is_watched_is_there_at_once_and_for_others():
    with begin() as watcher:
        watcher.watch({"loss": 0.5, "eval": {"f1": 0.9}}, "train", step=0)
        watcher.watch({"loss": 0.25}, "train", step=np.int64(1))
        watcher.watch(np.float32(0.5), "train.lr")
        watcher.watch("fine", "note.text")
        watcher.watch({"auc": {"macro": math.inf}, "n": 3})
        watcher.watch(math.nan, "score")
        for run in (watcher, SandboxWatcher.open("last", "w")):
            assert run.query("train") == {"eval.f1": 0.9, "loss": 0.25, "lr": 0.5}
            assert run.query("train.loss") == 0.25
            assert run.query("train.eval") == {"f1": 0.9}
            assert run.query("note.text") == "fine"
            assert run.query("auc.macro") == math.inf
            assert run.query("n") == 3.0
            assert math.isnan(run.query("score"))
            steps, values, seconds = run.history("train.loss")
            assert (steps, values) == ([0, 1], [0.5, 0.25])
            assert 0 <= seconds[0] <= seconds[1]
        assert SandboxWatcher.open("last", "w").status == "running"
    assert watcher.query("train.loss") == 0.25
    assert SandboxWatcher.open(watcher.id, "w").status == "finished"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("trian.loss", r"nothing in run .* is 'trian.loss'; did you mean 'train.loss'\?"),
        ("train.los", "did you mean 'train.loss'"),
        ("", "nothing in run"),
    ],
)
def test_what_is_not_there_is_suggested(name, message):
    with begin() as watcher:
        watcher.watch(1, "train.loss")
        for ask in (watcher.query, watcher.history):
            with pytest.raises(RequestError, match=message):
                ask(name)
        with pytest.raises(RequestError, match=r"'train' is not one metric; known: loss"):
            watcher.history("train")


def test_a_name_may_be_a_value_and_the_beginning_of_others():
    with begin() as watcher:
        watcher.watch({"a.b": 1, "a.b.c": 2}, "train")
        assert watcher.query("train.a.b") == 1
        assert watcher.query("train.a") == {"b": 1, "b.c": 2}


def test_what_is_no_number_records_nothing():
    with begin() as watcher:
        with pytest.raises(TypeError, match=r"metric 'train\.b': neither number nor text"):
            watcher.watch({"a": 1, "b": object()}, "train")
        with pytest.raises(RequestError):
            watcher.query("train")


def test_samples_histograms_and_media(heard):
    Path("a.png").write_bytes(b"x")
    with begin() as watcher:
        watcher.watch_samples([1, 2], "eval.loss", [3, 4])
        watcher.watch_histogram(range(10), "data.len", 3)
        watcher.watch_media("a.png", "shown", 1)
        with pytest.raises(ValueError, match="neither image nor video"):
            watcher.watch_media("a.txt", "shown")
    store, found = jobs()
    assert store.samples(found["eval"].id)["loss"].weights == [3, 4]
    (histogram,) = store.artifacts(found["data"].id)
    assert (histogram.kind, histogram.step) == (ArtifactKind.HISTOGRAM, 3)
    assert sum(json.loads(histogram.path.read_text())["counts"]) == 10
    (image,) = store.artifacts(found["script"].id)
    assert (image.name, image.path) == ("shown", Path("a.png").absolute())
    assert ("data.len", "histogram", 3) in heard
    assert ("script.shown", "image", 1) in heard


def test_threads_share_a_watcher():
    with begin() as watcher:

        def work(number):
            for i in range(50):
                watcher.watch(i, f"job{i % 3}.m{number}", step=i)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = [watcher.history(f"job{j}.m{n}").steps for j in range(3) for n in range(4)]
    assert sum(map(len, found)) == 200
    assert all(steps == sorted(steps) for steps in found)
    assert len(jobs()[1]) == 3


def test_another_process_cannot_report():
    with begin() as watcher:
        watcher.watch(1, "a.b")
        child = os.fork()
        if child == 0:
            try:
                watcher.watch(2, "a.b")
            except RuntimeError:
                watcher.close()
                os._exit(7)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert watcher.history("a.b").values == [1]
    assert SandboxWatcher.open("last", "w").status == "finished"


# -- settings --------------------------------------------------------------------------------------


@dataclass
class Train:
    lr: float = 0.1
    api_key: str = "sk-0123456789"


def test_settings_are_recorded_without_secrets(heard):
    with begin() as watcher:
        watcher.watch_cfgs([(Train(), "train"), (None, "none")])
        watcher.watch_cfgs([(argparse.Namespace(steps=3, nested={"token": "hf_123456"}), "more")])
        watcher.watch("it is sk-0123456789", "note.text")
        watcher.watch_cfgs([({"late": True}, "more")])
        assert watcher.query("note.text") == "it is ***"
    settings = SandboxWatcher.open("last", "w").settings
    told = {
        "train.lr": 0.1,
        "train.api_key": "***",
        "more.steps": 3,
        "more.nested": {"token": "***"},
    }
    names = {"project_name": "p", "experiment_name": "e", "work_dir": str(Path("w").absolute())}
    assert settings == {**names, **told, "more.late": True}
    assert heard[0] == ("started", {**names, **told}, True, None)
    assert [one for one in heard if one[0] == "added"] == [("added", {"more.late": True})]
    assert json.loads((watcher.folder / EXPERIMENT).read_text()) == settings
    for path in Path("w").rglob("*"):
        assert not path.is_file() or b"sk-0123456789" not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("pair", "error"),
    [
        (
            ("recipe.yaml", "recipe"),
            "settings must be a mapping, a namespace or a dataclass, not str",
        ),
        ((Train, "train"), "not type"),
        (({}, ""), "needs a prefix"),
    ],
)
def test_settings_that_are_none(pair, error):
    with begin() as watcher, pytest.raises((TypeError, ValueError), match=error):
        watcher.watch_cfgs([pair])


# -- the life of a run -----------------------------------------------------------------------------


def test_listeners_hear_a_run_as_any_other(heard):
    with begin() as watcher:
        watcher.watch({"loss": 0.5}, "train", 3)
        watcher.watch(1, "n")
    assert [one for one in heard if one[0] != "started"] == [
        ("job", "train", True),
        ("train.loss", 0.5, 3),
        ("job", "script", True),
        ("script.n", 1.0, None),
        ("job finished", "train", {}, False),
        ("job finished", "script", {}, False),
        ("finished", True),
    ]
    with begin():
        pass
    assert [one[0] for one in heard[-2:]] == ["started", "finished"]


def fail(watcher):
    watcher.watch(1, "train.loss")
    raise KeyError("no such column")


def test_a_script_that_raises_leaves_a_failed_run(heard):
    watcher = begin()
    with pytest.raises(KeyError), watcher:
        fail(watcher)
    store, found = jobs()
    run = store.run("last")
    assert (run.status, run.reason) == ("failed", "KeyError: 'no such column'")
    assert (found["train"].status, found["train"].error) == ("failed", run.reason)
    assert "in fail\n" in (found["train"].folder / "log.txt").read_text()
    assert heard[-2:] == [("job failed", "train", "KeyError"), ("failed", "KeyError")]
    assert watcher.query("train.loss") == 1
    with pytest.raises(ValueError, match=f"the run {watcher.id} has ended"):
        watcher.watch(2, "train.loss")


@pytest.mark.parametrize(
    ("error", "status"),
    [(KeyboardInterrupt(), "interrupted"), (SystemExit(0), "finished"), (SystemExit(3), "failed")],
)
def test_other_ends(error, status):
    with pytest.raises(type(error)), begin():
        raise error
    assert SandboxWatcher.open("last", "w").status == status


def test_without_a_block_it_is_closed():
    watcher = begin()
    watcher.watch(1, "a.b")
    watcher.close()
    watcher.close()
    assert SandboxWatcher.open("last", "w").status == "finished"


def test_a_script_that_is_killed(tmp_path):
    process = script(
        """
        import sys
        from djsb import SandboxWatcher
        with SandboxWatcher("w", "p", "killed") as watcher:
            watcher.watch(0.5, "train.loss", 1)
            print("ready", flush=True)
            sys.stdin.read()
        """,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout.readline() == "ready\n"
        run = SandboxWatcher.open("last", "w")
        assert (run.status, run.query("train")) == ("running", {"loss": 0.5})
        process.send_signal(signal.SIGKILL)
    assert (run.status, run.query("train.loss")) == ("killed", 0.5)
    assert Store(Path("w")).run("last").experiment == "script.py"
    assert read_environment(run.folder)["command"] == ["script.py"]


def test_the_report_draws_its_curves():
    with begin() as watcher:
        watcher.watch_cfgs([({"lr": 0.1}, "train")])
        for step in range(5):
            watcher.watch({"loss": 1 / (1 + step)}, "train", step)
    store = Store(Path("w"))
    page = HtmlReporter().render(store, store.run("last"))
    assert 'id="curves"' in page
    assert "train.lr: 0.1" in page


def test_runs_that_cannot_be_read():
    with pytest.raises(RequestError, match="no runs in"):
        SandboxWatcher.open("last", Path.cwd())
    with begin(), pytest.raises(RequestError, match="no run 'x'"):
        SandboxWatcher.open("x", "w")


# -- the page --------------------------------------------------------------------------------------


def test_the_page_runs_from_top_to_bottom():
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    checks = [
        "assert best == run.query('train.loss') == 0.1",
        "assert run.query('train') == {'loss': 0.1, 'grad.norm': 0.5}",
        "assert (steps[-1], values[-1], run.status) == (9, 0.1, 'finished')",
        "assert SandboxWatcher.open('last', 'outputs/own').query('train.loss') == 0.02",
    ]
    assert len(blocks) == 3
    ran = script("\n".join([*blocks, *checks]), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said = ran.communicate()
    assert ran.returncode == 0, said[1]
