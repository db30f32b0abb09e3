"""Run a plan: its iterations, in each its pipelines, in each its jobs; record how it ends."""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from djsb.cache.cache import Cache, cache_root
from djsb.placement.pool import ExecutorPool
from djsb.runner.context_infos import write_context_infos
from djsb.runner.facts import run_facts
from djsb.runner.history import History
from djsb.runner.job_run import JobRun
from djsb.runner.options import RunOptions
from djsb.runner.places import Places
from djsb.runner.schedule import Outcome, Schedule
from djsb.runner.state import RunState
from djsb.runner.targets import measure_targets, reason_to_stop
from djsb.store.environment import write_environment
from djsb.store.store import Store
from djsb_core.discovery import notify
from djsb_core.errors import JobError, JobsError
from djsb_core.masking import Masker

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pluggy

    from djsb.planner.planned import Plan, PlannedJob
    from djsb.store.records import RunRecord


def run(
    plan: Plan, listeners: pluggy.PluginManager, options: RunOptions | None = None
) -> RunRecord:
    """Run every job of a plan that no earlier run has done.

    :raises RequestError: if the options do not fit the plan, or name a sweep that is not there;
        then nothing ran
    :raises JobError: if a job fails; the finished jobs are kept
    :raises KeyboardInterrupt: if the user ends the run; likewise
    """
    options = options or RunOptions()
    options.check(plan)
    schema = plan.experiment.schema
    work_dir = Path(schema.work_dir).expanduser().absolute()
    cache = Cache(cache_root(work_dir))
    masker = _masker(plan)
    pool = ExecutorPool(options.workers)
    places = Places(plan, pool, partial(_tell_preparation, listeners, masker))
    # Ctrl-C is heard before the run is recorded, and until its processes have ended: no record of a
    # run stays without its end.
    with (
        closing(Store(work_dir)) as store,
        closing(cache.digests),
        pool.interrupt.listening(),
        closing(places),
        closing(pool),
    ):
        if options.sweep is not None:
            store.sweep(options.sweep)  # refused if there is none
        if options.preflight:
            places.prepare()
        record = store.add_run(
            names=(schema.project_name, schema.experiment_name),
            experiment=plan.experiment.document.path,
            settings=masker.value(plan.experiment.document.value),
            sweep=options.sweep,
        )
        with suppress(OSError):  # on a full disk; nothing needs it
            write_environment(record.folder, run_facts(masker))
        _Run(RunState(plan, options, record, store, cache, pool, places, listeners, masker)).run()
        return store.run(record.id)


def _tell_preparation(listeners: pluggy.PluginManager, masker: Masker, text: str) -> None:
    notify(listeners, "djsb_preparing", text=masker.text(text))


def _masker(plan: Plan) -> Masker:
    """Know the secrets in the experiment, in the files that it names, and in the environment."""
    sections = [section.values for job in plan.jobs for section in job.spec.sections.values()]
    return Masker.of([plan.experiment.document.value, sections])


@dataclass
class _Run:
    """One run, from its first moment to its last."""

    state: RunState
    reason: str | None = None
    """Why no further iteration was due."""

    def run(self) -> None:
        with self._recorded():
            self._iterate()

    @contextmanager
    def _recorded(self) -> Iterator[None]:
        """Record how the run ends, and tell the listeners of its first and last moment."""
        state, started = self.state, time.monotonic()
        run_id = state.record.id
        state.tell(
            "djsb_run_started",
            run_id=run_id,
            folder=state.record.folder,
            settings=state.record.settings,
            group=state.record.sweep_name,
        )
        try:
            yield
        except BaseException as error:
            status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            seconds = time.monotonic() - started
            with suppress(OSError, sqlite3.Error):  # on a full disk; what matters is the error
                reason = state.masker.text(str(error)) or None
                state.store.end_run(run_id, status, seconds, reason)
                write_context_infos(state.store, state.record)
            state.tell("djsb_run_failed", run_id=run_id, seconds=seconds, error=error)
            raise
        seconds = time.monotonic() - started
        write_context_infos(state.store, state.record)
        state.store.end_run(run_id, "finished", seconds, self.reason)
        state.tell("djsb_run_finished", run_id=run_id, seconds=seconds)

    def _iterate(self) -> None:
        previous = None
        several = self.state.plan.experiment.schema.max_iter_num != 1
        for number in count(1):
            plan = self.state.plan.in_iteration(number)
            history = History(number, several, previous)
            self._run_pipelines(plan, history)
            measured = measure_targets(plan, history)
            self.state.store.add_targets(self.state.record.id, measured)
            if not several and not measured:
                return
            self.reason = reason_to_stop(plan, measured, history)
            if self.reason is not None:
                return
            history.previous = None  # only the last iteration hands values on
            previous = history

    def _run_pipelines(self, plan: Plan, history: History) -> None:
        state = self.state
        schedule = Schedule(plan.pipelines, plan.needs, state.options.keep_going)

        def run_one(pipeline: str) -> None:
            self._run_pipeline(plan, pipeline, history)

        if state.options.workers == 0:
            outcome = schedule.run_here(run_one)
        else:
            interrupt = state.pool.interrupt
            workers = min(state.options.workers, max(len(plan.pipelines), 1))
            outcome = schedule.run_side_by_side(run_one, workers, lambda: interrupt.asked)
        self._raise(outcome)

    def _run_pipeline(self, plan: Plan, pipeline: str, history: History) -> None:
        state = self.state
        state.tell("djsb_pipeline_started", run_id=state.record.id, pipeline=pipeline)
        try:
            for job in plan.jobs_of(pipeline):
                JobRun(state, job, history, self._folder(job, history)).run()
        except BaseException as error:
            state.tell(
                "djsb_pipeline_failed", run_id=state.record.id, pipeline=pipeline, error=error
            )
            raise
        state.tell("djsb_pipeline_finished", run_id=state.record.id, pipeline=pipeline)

    def _folder(self, job: PlannedJob, history: History) -> Path:
        spec, folder = job.spec, self.state.record.folder
        if history.several:
            folder /= f"iter_{history.iteration}"
        if len(self.state.plan.pipelines) > 1:
            folder /= _safe(spec.pipeline)
        return folder / f"{spec.position + 1:02d}-{_safe(spec.meta_name)}"

    def _raise(self, outcome: Outcome) -> None:
        if self.state.pool.interrupt.asked:
            raise KeyboardInterrupt
        errors = list(outcome.errors.values())
        if len(errors) > 1 and all(isinstance(error, JobError) for error in errors):
            raise JobsError(errors)
        for error in errors:
            raise error


def _safe(name: str) -> str:
    """Make a name part of a path; as no name of a file is longer than 255 bytes, 4 a letter."""
    return re.sub(r"[^\w-]", "_", name)[:60]
