"""Run a plan: its iterations, in each its pipelines, in each its jobs; record how it ends."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

from djsb.placement.interrupt import press
from djsb.runner.context_infos import write_context_infos
from djsb.runner.history import History
from djsb.runner.job_run import JobRun
from djsb.runner.recorder import harmless, job_folder, safe_name
from djsb.runner.schedule import Outcome, Schedule
from djsb.runner.targets import measure_targets, reason_to_stop
from djsb_core.errors import JobError, JobsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from djsb.planner.planned import Plan, PlannedJob
    from djsb.runner.state import RunState
    from djsb.store.records import TargetRecord


@dataclass
class PlanRun:
    """One run of a plan, from start to end."""

    state: RunState
    reason: str | None = None
    """Why no further iteration was due."""

    def run(self) -> None:
        """Run the plan, and record how the run ends.

        :raises JobError: if a job fails
        :raises KeyboardInterrupt: if the user ends the run
        """
        recorder = self.state.recorder
        try:
            recorder.begin()
            self._iterate()
        except BaseException as error:
            recorder.end(error)
            with suppress(*harmless(error)):
                write_context_infos(recorder.store, recorder.record)
            raise
        write_context_infos(recorder.store, recorder.record)
        recorder.end(None, self.reason)

    def _iterate(self) -> None:
        previous = None
        several = self.state.plan.experiment.schema.max_iter_num != 1
        for number in count(1):
            plan = self.state.plan.in_iteration(number)
            history = History(number, several, previous)
            self.reason = self._run_pipelines(plan, history)
            if self.reason is not None:
                return
            measured = measure_targets(plan, history)
            self._record_targets(measured)
            if not several and not measured:
                return
            self.reason = reason_to_stop(plan, measured, history)
            if self.reason is not None:
                return
            history.previous = None  # only the last iteration passes values on
            previous = history

    def _record_targets(self, measured: Sequence[TargetRecord]) -> None:
        recorder = self.state.recorder
        named = [replace(one, target=recorder.masked_name(one.target)) for one in measured]
        self.state.store.add_targets(recorder.record.id, named)

    def _run_pipelines(self, plan: Plan, history: History) -> str | None:
        """Run all pipelines; if a job was cancelled, return why the run ends here."""
        state = self.state
        schedule = Schedule(plan.pipelines, plan.needs, state.options.keep_going)

        def run_pipeline(pipeline: str) -> None:
            self._run_pipeline(plan, pipeline, history)

        def is_interrupted() -> bool:
            return state.interrupt.asked

        def interrupt() -> None:
            press([state.interrupt])

        if state.workers == 0:
            outcome = schedule.run_here(run_pipeline)
        else:
            workers = min(state.workers, max(len(plan.pipelines), 1))
            outcome = schedule.run_side_by_side(run_pipeline, workers, is_interrupted, interrupt)
        self._raise(outcome)
        reasons = [
            f"a job of '{name}' was cancelled: {error}" for name, error in outcome.cancelled.items()
        ]
        return state.masker.text("; ".join(reasons)) or None

    def _run_pipeline(self, plan: Plan, pipeline: str, history: History) -> None:
        state, run_id = self.state, self.state.recorder.record.id
        name = state.recorder.masked_name(pipeline)
        state.notify("djsb_pipeline_started", run_id=run_id, pipeline=name)
        try:
            for job in plan.jobs_of(pipeline):
                JobRun(state, job, history, self._folder(job, history)).run()
        except BaseException as error:
            state.notify("djsb_pipeline_failed", run_id=run_id, pipeline=name, error=error)
            raise
        state.notify("djsb_pipeline_finished", run_id=run_id, pipeline=name)

    def _folder(self, job: PlannedJob, history: History) -> Path:
        recorder, spec = self.state.recorder, job.spec
        folder, mask = recorder.record.folder, recorder.masked_name
        if history.several:
            folder /= f"iter_{history.iteration}"
        if len(self.state.plan.pipelines) > 1:
            folder /= safe_name(mask(spec.pipeline))
        return folder / job_folder(spec.position, mask(spec.meta_name))

    def _raise(self, outcome: Outcome) -> None:
        self.state.interrupt.raise_if_asked()
        errors = list(outcome.errors.values())
        if len(errors) > 1 and all(isinstance(error, JobError) for error in errors):
            raise JobsError(errors)
        for error in errors:
            raise error
