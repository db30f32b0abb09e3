import io
import os
import re
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pluggy
import pytest

from djsb.cli.progress import LiveLines, PlainLines, Progress
from djsb_core import hookspecs
from djsb_core.discovery import notify
from djsb_core.hookspecs import JobInfo
from djsb_core.identity import JobId
from djsb_core.job.capture import capture_output
from djsb_core.metrics import Declarations, Metric, MetricKind

DECLARED = Declarations(
    (Metric("lr", kind=MetricKind.DETAIL), Metric("tokens", kind=MetricKind.COUNT))
)
TRAIN = JobId("anonymous", "execution", 1, "train", 2)
LOOK = JobId("anonymous", "probe", 0, "[red]look[/red]")
JOB = JobInfo("r", TRAIN, "TrainModelHook", "lab_trainer", Path(), DECLARED)
ALONE = JobInfo("r", LOOK, "Echo", None, Path())


@pytest.fixture
def begin():
    """Return a function that begins a display of 12 jobs and gives a way to tell it moments."""
    with ExitStack() as stack:

        def begin_display():
            listeners = pluggy.PluginManager(hookspecs.NAMESPACE)
            listeners.add_hookspecs(hookspecs)
            listeners.register(stack.enter_context(Progress(12)))
            listeners.check_pending()
            return partial(notify, listeners)

        yield begin_display


def test_plain_lines(begin, capfd):
    tell = begin()
    tell("djsb_job_started", job=JOB)
    tell("djsb_metric_logged", job=JOB, name="train.loss", value=1.0, step=3, seconds=0.1)
    tell("djsb_job_finished", job=JOB, outputs={}, seconds=65.0, cached=False)
    tell("djsb_job_finished", job=ALONE, outputs={}, seconds=65.0, cached=True)
    tell("djsb_job_failed", job=JOB, error=ValueError("x"), seconds=1.0)
    tell("djsb_job_failed", job=JOB, error=KeyboardInterrupt(), seconds=1.0)
    assert capfd.readouterr().err.splitlines() == [
        "[ 2/12] execution: train (lab_trainer) …",
        "[ 2/12] execution: train (lab_trainer) finished in 1 min 05 s",
        "[ 1/12] probe: [red]look[/red] (Echo) cached",
        "[ 2/12] execution: train (lab_trainer) FAILED after 1.0 s",
        "[ 2/12] execution: train (lab_trainer) interrupted after 1.0 s",
    ]


def test_iterations_and_pipelines_are_told_apart(capfd):
    with Progress(12, iterations=True, pipelines=True) as progress:
        progress.djsb_job_started(JOB)
    assert capfd.readouterr().err == "iter 2 [ 2/12] anonymous: execution: train (lab_trainer) …\n"


def test_lines_reach_the_terminal_while_a_job_holds_the_descriptors(begin, capfd, tmp_path):
    tell = begin()
    with capture_output(tmp_path / "log.txt"):
        os.write(2, b"of the job\n")
        tell("djsb_job_started", job=JOB)
    assert capfd.readouterr().err.splitlines() == ["[ 2/12] execution: train (lab_trainer) …"]
    assert (tmp_path / "log.txt").read_text() == "of the job\n"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def visible(stream):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())


@pytest.fixture
def live(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    stream = Terminal()
    display = LiveLines(stream)
    yield display, stream
    display.stop()


def test_live_lines_keep_one_line_a_job(live):
    display, stream = live
    display.start("[1/2] probe: [bold]look")
    display.metric("[1/2] probe: [bold]look", "step 3  loss 0.5")
    display._bars.refresh()
    assert "step 3  loss 0.5" in visible(stream)
    display.start("[2/2] train")  # jobs run side by side
    display.end("[1/2] probe: [bold]look", "finished in 1.0 s")
    display.metric("[2/2] train", "loss 2")
    display._bars.refresh()
    assert "loss 2" in visible(stream)
    display.end("[2/2] train", "FAILED after 1.0 s")
    display.stop()
    text = visible(stream)
    assert "✓ [1/2] probe: [bold]look  finished in 1.0 s" in text
    assert "✗ [2/2] train  FAILED after 1.0 s" in text


def test_a_metric_or_an_end_without_a_job_is_no_failure(live):
    display, stream = live
    display.metric("job", "loss 1")
    display.end("job", "cached")
    assert "job  cached" in visible(stream)


@pytest.mark.parametrize(("terminal", "display"), [(True, LiveLines), (False, PlainLines)])
def test_live_on_a_terminal_only(monkeypatch, terminal, display):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    with Progress(1) as progress:
        assert isinstance(progress._display, display)


@pytest.mark.parametrize(
    ("name", "value", "step", "shown"),
    [
        ("train.loss", 0.5, 3, ["step 3  loss 0.5"]),
        ("train.eval.loss", 2.0, 1, ["step 1  eval.loss 2"]),
        ("train.loss", 0.5, None, []),
        ("train.regret", 0.5, 3, ["step 3  regret 0.5"]),
        ("train.lr", 0.5, 3, []),
        ("train.tokens", 5.0, 3, []),
        ("train.loss", "text", 3, []),
    ],
)
def test_the_newest_score_of_a_series_is_shown(monkeypatch, name, value, step, shown):
    with Progress(1) as progress:
        texts = []
        monkeypatch.setattr(progress._display, "metric", lambda _, text: texts.append(text))
        progress.djsb_metric_logged(JOB, name, value, step)
    assert texts == shown
