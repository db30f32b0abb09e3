"""Progress of a run on the terminal; a listener like any other."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol, Self, TextIO

from djsb.cli.streams import copy_of_stderr
from djsb.report.format import duration, number
from djsb_core.errors import JobCancelledError
from djsb_core.hookspecs import JobInfo, hookimpl
from djsb_core.metrics import MetricKind
from djsb_core.text import visible

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import TaskID


class Display(Protocol):
    """Shows jobs as they run, each by its title."""

    def start(self, title: str) -> None:
        """Show a job that starts."""

    def metric(self, title: str, text: str) -> None:
        """Show a running job's newest metric."""

    def end(self, title: str, outcome: str) -> None:
        """Show how a job ended."""

    def print(self, text: str) -> None:
        """Show a line."""

    def stop(self) -> None:
        """Leave the terminal as it was."""


class Progress(AbstractContextManager["Progress"]):
    """One line per job: live on a terminal, plain lines elsewhere.

    Writes to a copy of standard error made at the start: while a job runs, descriptors 1 and 2
    point at the job's log.
    """

    def __init__(self, jobs: int, *, iterations: bool = False, pipelines: bool = False) -> None:
        """Show a run with this many jobs per iteration.

        :param iterations: whether titles name the iteration, because there may be several
        :param pipelines: whether titles name the pipeline, because there are several
        """
        sys.stderr.flush()
        terminal = sys.stderr.isatty()
        self._stream = copy_of_stderr()
        spinner = "line" if self._stream.lacks_unicode else "dots"
        self._display: Display = (
            LiveLines(self._stream, spinner) if terminal else PlainLines(self._stream)
        )
        self._width = len(str(jobs))
        self._jobs = jobs
        self._iterations = iterations
        self._pipelines = pipelines

    @hookimpl
    def djsb_job_started(self, job: JobInfo) -> None:
        """Show the job."""
        self._display.start(self._title(job))

    @hookimpl
    def djsb_metric_logged(
        self, job: JobInfo, name: str, value: float | str, step: int | None
    ) -> None:
        """Show the newest value of a series of scores, such as the loss of a training run."""
        short = name.removeprefix(f"{job.meta_name}.")
        is_score = job.declarations.find(short).kind is MetricKind.SCORE
        if step is not None and isinstance(value, float) and is_score:
            self._display.metric(
                self._title(job),
                visible(f"step {step}  {short} {number(value)}", one_line=True),
            )

    @hookimpl
    def djsb_job_finished(self, job: JobInfo, seconds: float, cached: bool) -> None:  # noqa: FBT001
        """Show the time that the job took."""
        outcome = "cached" if cached else f"finished in {duration(seconds)}"
        self._display.end(self._title(job), outcome)

    @hookimpl
    def djsb_preparing(self, text: str) -> None:
        """Show what is prepared."""
        self._display.print(visible(text))

    @hookimpl
    def djsb_job_silent(self, job: JobInfo, seconds: float) -> None:
        """Warn of an unresponsive job."""
        warning = f"unresponsive for {duration(seconds)}; it may hang, see its log"
        self._display.print(f"{self._title(job)} {warning}")

    @hookimpl
    def djsb_job_warned(self, job: JobInfo, text: str) -> None:
        """Show the warning."""
        self._display.print(visible(f"{self._title(job)} {text}"))

    @hookimpl
    def djsb_job_failed(self, job: JobInfo, error: BaseException, seconds: float) -> None:
        """Show that the job failed, or was cancelled."""
        if isinstance(error, JobCancelledError):
            outcome = f"cancelled after {duration(seconds)}: {error}"
        else:
            word = "interrupted" if isinstance(error, KeyboardInterrupt) else "FAILED"
            outcome = f"{word} after {duration(seconds)}"
        self._display.end(self._title(job), visible(outcome))

    def stop(self) -> None:
        """Leave the terminal as it was."""
        self._display.stop()

    def __enter__(self) -> Self:
        """Return the progress itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the display."""
        self.stop()
        self._stream.close()

    def _title(self, job: JobInfo) -> str:
        place = f"{job.position + 1:>{self._width}}/{self._jobs}"
        iteration = f"iter {job.iteration} " if self._iterations else ""
        pipeline = f"{job.pipeline}: " if self._pipelines else ""
        label = f"{job.stage}: {job.meta_name} ({job.component or job.hook})"
        return visible(f"{iteration}[{place}] {pipeline}{label}", one_line=True)


class PlainLines:
    """A line when a job starts and one when it ends; for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        """Write to ``stream``."""
        self._stream = stream

    def start(self, title: str) -> None:
        """Write that the job starts."""
        self._write(f"{title} …")

    def metric(self, title: str, text: str) -> None:
        """Write nothing: one line per step would bury the rest."""

    def end(self, title: str, outcome: str) -> None:
        """Write how the job ended."""
        self._write(f"{title} {outcome}")

    def print(self, text: str) -> None:
        """Write the line."""
        self._write(text)

    def stop(self) -> None:
        """Do nothing: every line is written."""

    def _write(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()


class LiveLines:
    """One line per running job, with its elapsed time; for terminals."""

    def __init__(self, stream: TextIO, spinner: str = "dots") -> None:
        """Draw on the terminal behind ``stream``."""
        from rich.console import Console
        from rich.progress import Progress as Bars
        from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

        self._console = Console(file=stream, highlight=False)
        self._bars = Bars(
            SpinnerColumn(spinner),
            TextColumn("{task.description}", markup=False),
            TextColumn("{task.fields[metric]}", style="cyan", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._tasks: dict[str, TaskID] = {}
        self._bars.start()

    def start(self, title: str) -> None:
        """Draw the job's line."""
        self._tasks[title] = self._bars.add_task(title, total=None, metric="")

    def metric(self, title: str, text: str) -> None:
        """Draw the metric into the job's line."""
        if title in self._tasks:
            self._bars.update(self._tasks[title], metric=text)

    def end(self, title: str, outcome: str) -> None:
        """Replace the live line with a permanent one."""
        if title in self._tasks:
            self._bars.remove_task(self._tasks.pop(title))
        failed = outcome.startswith(("FAILED", "interrupted", "cancelled"))
        sign, style = ("✗", "red") if failed else ("✓", "green")
        self._console.print(f"[{style}]{sign}[/] {_escape(title)}  [dim]{_escape(outcome)}[/]")

    def print(self, text: str) -> None:
        """Print the line above the live ones."""
        self._console.print(text, markup=False)

    def stop(self) -> None:
        """Restore the terminal."""
        self._bars.stop()


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)
