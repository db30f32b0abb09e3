"""Display a recorded run in a notebook: tables, and the report in a frame of its own."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from djsb.query.status import status_of
from djsb.report.format import date, duration, number
from djsb_core.errors import RequestError
from djsb_core.text import size_text
from djsb_core.whole_files import write_whole

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from djsb.store.records import RunRecord
    from djsb.store.store import Store

HEIGHT = "85vh"
"""Of the report inside a notebook."""


@dataclass(frozen=True)
class Page:
    """A page of HTML that a notebook shows in a frame of its own."""

    html: str
    source: str = ""
    """The report itself, if its format is not HTML."""

    def __repr__(self) -> str:
        """Return the size instead of the whole page."""
        return f"<djsb page: {size_text(len((self.source or self.html).encode()))}>"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the report to a file, replacing it; return its path.

        :raises RequestError: if the file cannot be written
        """
        target = Path(path).expanduser()
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write_whole(target, self.source or self.html)
        except OSError as error:
            raise RequestError(f"cannot write {target}: {error.strerror}") from error
        return target

    def _repr_html_(self) -> str:
        """Put the page into a frame that isolates its styles and scripts from the notebook."""
        style = f"width:100%;height:{HEIGHT};border:0"
        frame = f'<iframe sandbox="allow-scripts" style="{style}"'
        return f'{frame} srcdoc="{escape(self.html)}"></iframe>'


def overview(store: Store, run: RunRecord) -> str:
    """Format the jobs and scores of a run as tables."""
    jobs = store.jobs(run.id)
    names = f"{run.project_name} / {run.experiment_name}"
    head = f"{names}, {status_of(run)}, started {date(run.started)}, {duration(run.seconds)}"
    steps = [
        (job.pipeline, job.iteration, job.meta_name, job.component or job.hook, job.status,
         duration(job.seconds))
        for job in jobs
    ]  # fmt: skip
    scores = [
        (job.pipeline, job.iteration, job.meta_name, name, number(value))
        for job in jobs
        for name, value in store.metrics(job.id).items()
        if job.is_score(name)
    ]
    return (
        f"<p><b>Run {escape(run.id)}</b> {escape(head.removesuffix(', '))}</p>"
        + _table(("pipeline", "iteration", "job", "component", "status", "time"), steps)
        + _table(("pipeline", "iteration", "job", "score", "value"), scores)
    )


def _table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Format a table; with pipeline and iteration only if there are several."""
    columns = [
        i
        for i, header in enumerate(headers)
        if header not in ("pipeline", "iteration") or len({row[i] for row in rows}) > 1
    ]
    if not rows:
        return ""
    lines = [_row("th", [headers[i] for i in columns])]
    lines += [_row("td", [row[i] for i in columns]) for row in rows]
    return f"<table>{''.join(lines)}</table>"


def _row(tag: str, cells: Iterable[object]) -> str:
    style = ' style="text-align:left"'
    return f"<tr>{''.join(f'<{tag}{style}>{escape(str(cell))}</{tag}>' for cell in cells)}</tr>"
