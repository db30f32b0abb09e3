"""Recorded runs: their metrics and jobs as pandas data frames, comparisons and reports."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import UTC, datetime
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from djsb.lab.arguments import wrong_type
from djsb.lab.notebook import Page, overview
from djsb.query.facts import facts_of, last_iteration
from djsb.query.locate import open_store
from djsb.query.select import select_metrics, select_part, select_run, select_side
from djsb.query.status import status_of
from djsb.report.reporters import HTML, load_reporter
from djsb.store.store import Store
from djsb_core.errors import RequestError, suggest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from djsb.store.records import JobRecord, RunRecord

    Where = str | os.PathLike[str] | None


class History(NamedTuple):
    """All values of one metric, in the order in which they were reported."""

    steps: list[int | None]
    values: list[float | str]
    seconds: list[float]
    """Since the start of the job."""


class Run:
    """One run of a work_dir. Everything is read on access: the run may still be in progress."""

    def __init__(self, work_dir: Path, run_id: str) -> None:
        """Open a run by its full id."""
        self.work_dir = work_dir
        self.id = run_id

    def __repr__(self) -> str:
        """Return the run's id and status."""
        return f"<djsb run {self.id}: {self.status}>"

    def _repr_html_(self) -> str:
        """Show jobs and scores as tables; :meth:`report` shows everything."""
        return overview(self._store, self._record)

    @cached_property
    def _store(self) -> Store:
        return Store(self.work_dir, create=False)

    @property
    def _record(self) -> RunRecord:
        return self._store.run(self.id)

    @property
    def status(self) -> str:
        """``running``, ``finished``, ``failed``, ``interrupted`` or ``killed``."""
        return status_of(self._record)

    @property
    def error(self) -> str | None:
        """Why it failed, if it did."""
        record = self._record
        return record.reason if record.status == "failed" else None

    @property
    def folder(self) -> Path:
        """Where the run's files are."""
        return self._record.folder

    @property
    def settings(self) -> dict[str, Any]:
        """The experiment as it was read, overrides applied."""
        return dict(self._record.settings)

    def query(self, name: str) -> float | str | dict[str, float | str]:
        """Return the last value of a metric, or of all metrics below a name.

        :param name: ``train.loss``; or ``train``, which gives ``{"loss": …, "eval.f1": …}``;
            prefixed with the pipeline if several have such a job. The last iteration is used.
        :raises RequestError: if nothing has that name, or metrics of several pipelines have it
        """
        job, metric = select_metrics(self._store, self._record, name)
        measured = self._store.metrics(job.id)
        if not metric or metric in measured:
            return measured[metric] if metric else measured
        start = f"{metric}."
        return {k.removeprefix(start): v for k, v in measured.items() if k.startswith(start)}

    def history(self, metric: str) -> History:
        """Return all values of a metric.

        :param metric: ``train.loss``, as for :meth:`query`
        :raises RequestError: if there is no such metric
        """
        job, name = select_metrics(self._store, self._record, metric)
        points = self._store.points(job.id, name)
        if not points:
            names = sorted({point.name for point in self._store.points(job.id)})
            raise RequestError(f"'{metric}' is not one metric; {suggest(name, names)}")
        return History(
            [point.step for point in points],
            [point.value for point in points],
            [point.seconds for point in points],
        )

    @property
    def jobs(self) -> pd.DataFrame:
        """One row per job; ``seconds`` is the time of its execution."""
        columns = ("pipeline", "iteration", "stage", "meta_name", "hook", "component", "status")
        rows = [
            {
                **{column: getattr(job, column) for column in columns},
                "started": _moment(job.started),
                "seconds": job.seconds,
                "error": job.error,
                "folder": str(job.folder),
            }
            for job in self._store.jobs(self.id)
        ]
        more = ("started", "seconds", "error", "folder")
        return _frame(rows, (*columns, *more)).rename(columns={"meta_name": "job"})

    @property
    def metrics(self) -> pd.DataFrame:
        """One row per reported value, in order.

        ``step`` is missing where a value has none, ``seconds`` are since the start of the job;
        strings are in ``text`` instead of ``value``.
        """
        rows = [
            (
                *(job.pipeline, job.iteration, job.meta_name, point.name, point.step),
                float("nan") if isinstance(point.value, str) else float(point.value),
                point.seconds,
                point.value if isinstance(point.value, str) else None,
            )
            for job in self._store.jobs(self.id)
            for point in self._store.points(job.id)
        ]
        columns = ("pipeline", "iteration", "job", "metric", "step", "value", "seconds", "text")
        return _frame(rows, columns).astype({"step": "Int64", "value": float, "seconds": float})

    @property
    def results(self) -> pd.DataFrame:
        """The last value of each metric: one row per pipeline and iteration."""
        rows: dict[tuple[str, int], dict[str, float | str]] = {}
        for job in self._store.jobs(self.id):
            row = rows.setdefault((job.pipeline, job.iteration), {})
            for name, value in self._store.metrics(job.id).items():
                row[f"{job.meta_name}.{name}"] = value
        pandas = _pandas()
        index = pandas.MultiIndex.from_tuples(rows, names=["pipeline", "iteration"])
        return pandas.DataFrame(list(rows.values()), index=index if rows else None)

    def samples(self, job: str, metric: str) -> pd.Series:
        """Return a metric's value per sample; its weights, if any, are in ``attrs``.

        :param job: a ``meta_name``, or ``pipeline.meta_name``; the last iteration is used
        :raises RequestError: if the job has no such values
        """
        pandas = _pandas()
        known: set[str] = set()
        for record in self._jobs(job):
            samples = self._store.samples(record.id)
            known |= set(samples)
            if metric in samples:
                series = pandas.Series(samples[metric].values, name=metric, dtype=float)
                series.index.name = "sample"
                if samples[metric].weights is not None:
                    series.attrs["weights"] = samples[metric].weights
                return series
        hint = suggest(metric, known)
        raise RequestError(f"no per-sample values of '{metric}' in job '{job}'; {hint}")

    def outputs(self, job: str) -> dict[str, Any]:
        """Return a job's outputs by name.

        :param job: a ``meta_name``, or ``pipeline.meta_name``; the last iteration is used
        :raises RequestError: if there is no such job
        """
        return {
            key: value for record in self._jobs(job) for key, value in record.named_outputs.items()
        }

    @property
    def comparison(self) -> pd.DataFrame:
        """What the last iteration measured twice: before, after, their difference, its verdict.

        The rows of the table printed at the end of a run.
        """
        from djsb.evidence.changes import changes_of
        from djsb.report.summary import CHANGE_HEADERS, change_rows

        jobs = last_iteration(self._store.jobs(self.id))
        return _frame(list(change_rows(changes_of(self._store, jobs))), CHANGE_HEADERS)

    def compare(self, *others: Run | str, part: str = "") -> pd.DataFrame:
        """Compare this run with others, as ``djsb compare`` does: a row per metric of each of them.

        ``first`` is this run's value, ``value`` the other's; their ``difference`` with its 95 %
        interval (``low``, ``high``), how it was computed (``method``), and the verdict.

        :param others: runs of the same work_dir, or pipelines or jobs of runs (``last:refined``)
        :param part: the pipeline or job of this run that they are compared with; all by default
        :raises RequestError: if there is no such run or part
        """
        from djsb.evidence.comparison import compare_sides
        from djsb.report.comparison_text import CSV_HEADERS, comparison_rows

        names = [other.id if isinstance(other, Run) else other for other in others]
        sides = [select_side(self._store, name) for name in (f"{self.id}:{part}", *names)]
        return _frame(list(comparison_rows(compare_sides(self._store, sides))), CSV_HEADERS)

    def report(self, reporter: str = HTML, *, note: str = "", with_inputs: bool = False) -> Page:
        """Return the whole report, to be shown inside the notebook or saved to a file.

        If what HTML needs is not installed, the overview preceded by the error message.

        :param reporter: name of the format, not of a file
        :param note: your words, to stand beside the verdict
        :param with_inputs: whether to read your own files that the run's jobs read, outside the
            work_dir, for the samples that a recipe dropped
        :raises RequestError: if no installed package has the format, or something it needs is
            missing
        """
        try:
            renderer = load_reporter(reporter)
            store = Store(self.work_dir, create=False, with_inputs=with_inputs)
            with closing(store):
                text = renderer.render(store, self._record, note=note)
            if renderer.suffix == ".html":
                return Page(text)
            return Page(f"<pre>{escape(text)}</pre>", text)
        except RequestError as error:
            if Path(reporter).suffix:
                hint = f"to write a file: run.report().save({reporter!r})"
                raise RequestError(f"{error} {hint}") from error
            if reporter != HTML:
                raise
            return Page(f"<p>{escape(str(error))}</p>\n{self._repr_html_()}")

    def _jobs(self, name: str) -> Sequence[JobRecord]:
        jobs = select_part(self._record, last_iteration(self._store.jobs(self.id)), name)
        names = {f"{job.pipeline}.{job.meta_name}" for job in jobs}
        if len(names) > 1:
            raise RequestError(f"'{name}' is not one job; write one of {', '.join(sorted(names))}")
        return jobs


def open_run(run: str = "last", where: Where = None) -> Run:
    """Open a recorded run.

    :param run: an id, a unique beginning of one, ``last`` or ``last~1`` (the one before)
    :param where: an experiment file or a work_dir; ``None``: ``sandbox.yaml`` here
    :raises RequestError: if there is no such run
    """
    if not isinstance(run, str):
        raise wrong_type("run", run, "the id of a run, or 'last'")
    with closing(open_store(_place(where))) as store:
        return Run(store.work_dir.absolute(), select_run(store, run).id)


def runs(where: Where = None) -> pd.DataFrame:
    """Return one row per run, newest first: its settings and the last values of its metrics.

    :param where: an experiment file or a work_dir; ``None``: ``sandbox.yaml`` here
    :raises RequestError: if there is no such place
    """
    with closing(open_store(_place(where))) as store:
        all_facts = [facts_of(store, run) for run in store.runs()]
    rows = [
        {**facts.head, "started": _moment(facts.run.started), **facts.settings, **facts.metrics}
        for facts in all_facts
    ]
    heads = ("id", "project_name", "experiment_name", "status", "started", "seconds")
    return _frame(rows, None if rows else heads)


# -- inside ----------------------------------------------------------------------------------------


def _place(where: Where) -> Path | None:
    if where is not None and not isinstance(where, str | os.PathLike):
        raise wrong_type("where", where, "the path of an experiment file or a work_dir")
    return None if where is None else Path(where)


def _pandas() -> Any:  # noqa: ANN401 (a module)
    try:
        import pandas as pd
    except ImportError as error:
        raise RequestError("pandas is missing: pip install djsb") from error
    return pd


def _frame(rows: Sequence[object], columns: Sequence[str] | None) -> pd.DataFrame:
    return _pandas().DataFrame(rows, columns=None if columns is None else list(columns))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
