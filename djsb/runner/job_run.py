"""Run one job: prepare it, find it in the cache or execute it, export and record it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from djsb.cache.seal import SealError
from djsb.runner.attempts import Executed, Execution, link_attempt
from djsb.runner.exports import link_file, put_in_place
from djsb.runner.job import prepare_job
from djsb.store.records import to_json
from djsb_core.errors import JobCancelledError, JobError
from djsb_core.hookspecs import JobInfo
from djsb_core.interfaces.hook import declarations_of
from djsb_core.interfaces.placement import Cancellation
from djsb_core.job.reports import FILES, LOG

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from djsb.cache.entry import Entry
    from djsb.planner.planned import PlannedJob
    from djsb.runner.history import History
    from djsb.runner.job import PreparedJob
    from djsb.runner.recorder import JobRecorder
    from djsb.runner.state import RunState
    from djsb_core.metrics import Declarations


@dataclass
class JobRun:
    """One job of one run."""

    state: RunState
    job: PlannedJob
    history: History
    folder: Path
    """The job's folder in the run: its log, and a link to the folder where it worked."""
    source_run: str | None = None
    """The run that executed the job, if it was reused."""
    seconds: float = 0.0
    """Duration of the execution."""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """What the job returned, without secrets."""
    started: float = field(default_factory=time.monotonic)
    cancellation: Cancellation = field(default_factory=Cancellation)
    _columns: dict[str, Any] = field(default_factory=dict)
    """Columns of the job's row in the store, in addition to those of :attr:`info`."""

    def __post_init__(self) -> None:
        """Record the package and environment that the job uses."""
        info = self.job.component_info or self.job.hook_info
        environment = self.job.environment and self.job.environment.name
        self._columns = {
            "package": f"{info.package} {info.version}",
            "environment": environment,
            "role": self.job.hook.role and self.job.hook.role.value,
            "declarations": _declared(self.info.declarations),
        }

    def run(self) -> None:
        """Run the job, or reuse an earlier execution, and record it.

        :raises JobError: if it fails
        :raises JobCancelledError: if it is cancelled
        :raises KeyboardInterrupt: if the user ends it
        """
        try:
            self.state.store.access.make_folder(self.folder, exist_ok=False)
            with self.state.pool.cancellable(self.folder, self.cancellation):
                self.state.notify("djsb_job_started", job=self.info)
                self._run()
        except JobCancelledError as error:
            self._fail(error)
            raise
        except BaseException as error:
            self._fail(error)
            if isinstance(error, Exception | SystemExit):
                name = f"'{self.info.meta_name}'"
                mask = self.state.masker.text
                files = (self.folder / FILES).resolve()  # where the job writes
                raise JobError(name, error, self.folder / LOG, mask, files) from error
            raise
        is_cached = self.source_run is not None
        self.recorder.notify_finished(self.seconds, self.outputs, cached=is_cached)

    @cached_property
    def info(self) -> JobInfo:
        """The job as listeners see it, without secrets."""
        spec, info = self.job.spec, self.job.component_info
        mask = self.state.recorder.masked_name
        return JobInfo(
            run_id=self.state.recorder.record.id,
            id=replace(spec.id, meta_name=mask(spec.meta_name), pipeline=mask(spec.pipeline)),
            hook=spec.hook,
            component=info.name if info else None,
            folder=self.folder,
            declarations=declarations_of(self.job.hook, self.job.component),
        )

    @cached_property
    def recorder(self) -> JobRecorder:
        """The job's row in the store, and what it measures."""
        return self._register(self.state.recorder.job(self.info, **self._columns))

    def _register(self, recorder: JobRecorder) -> JobRecorder:
        self.history.job_ids[self.info.position] = recorder.job_id
        return recorder

    def _run(self) -> None:
        state, position = self.state, self.info.position
        prepared = prepare_job(state, self.job, self.history, self._metrics())
        self.history.keys[position] = prepared.repeat_key
        self._columns |= {
            "fingerprint": prepared.key,
            "settings": state.masker.value(prepared.sections),
        }
        result = self._find_or_execute(prepared)
        self.history.outputs[position] = result.outputs
        self.seconds = result.seconds

    def _find_or_execute(self, prepared: PreparedJob) -> Executed:
        state, spec = self.state, self.job.spec
        if not (spec.cache and state.options.cache):
            return self._finish(prepared, self._execution(prepared).uncached())
        forced = state.options.is_forced(spec)
        reusable = None if forced else self._find(prepared.key)
        if reusable is None:
            _ = self.recorder  # records that it runs, or waits
            with state.cache.lock(prepared.key, self._raise_if_stopped):
                # Another run may have created it while this one waited.
                reusable = None if forced else self._find(prepared.key)
                if reusable is None:
                    executed = self._execution(prepared).cached()
            if reusable is None:
                return self._finish(prepared, executed)
        return self._reuse(prepared, *reusable)

    def _find(self, key: str) -> tuple[Entry, dict[str, Any]] | None:
        """Return a result that can be reused, and its outputs."""
        entry = self.state.cache.find(key)
        if entry is None:
            return None
        restore = self.state.cache.seal.restorer(self.state.masker.secrets)
        try:
            return entry, restore(entry.outputs)
        except SealError:  # they hold a secret that this process does not know
            return None

    def _execution(self, prepared: PreparedJob) -> Execution:
        self.state.store.access.make_file(self.folder / LOG)
        return Execution(
            self.state, prepared, self.history, self.recorder, self.folder, self.cancellation
        )

    def _raise_if_stopped(self) -> None:
        self.state.interrupt.raise_if_asked()
        self.cancellation.raise_if_cancelled()

    def _finish(self, prepared: PreparedJob, result: Executed) -> Executed:
        """Export the results of an execution and record its end."""
        exports = self._export(prepared, result.folder)
        self.outputs = self.state.masker.value(result.outputs)
        self.recorder.finish(
            result.seconds, files=result.folder, exports=exports, outputs=self.outputs
        )
        return result

    def _reuse(self, prepared: PreparedJob, entry: Entry, outputs: dict[str, Any]) -> Executed:
        """Reuse an earlier execution: its outputs, metrics and log."""
        if (entry.folder / LOG).is_file():
            link_file(entry.folder / LOG, self.folder / LOG)
        link_attempt(self.folder, entry.folder)
        exports = self._export(prepared, entry.folder)
        self.outputs = self.state.masker.value(outputs)
        existing = vars(self).get("recorder")  # it waited for another run
        self.recorder = self._register(
            self.state.recorder.reused_job(
                self.info,
                entry,
                existing,
                exports=exports,
                outputs=self.outputs,
                **self._columns,
            )
        )
        self.source_run = entry.run_id
        return Executed(outputs, entry.folder, entry.seconds)

    def _export(self, prepared: PreparedJob, folder: Path) -> dict[str, str]:
        """Export named results; return their paths by source."""
        exports = prepared.exports(folder, self.history)
        for export in exports:
            self.history.add_export(export, self.job.spec)
            if export.place != export.source:
                is_folder = export.source.is_dir()
                before = self.state.store.last_export(export.place) if is_folder else None
                put_in_place(export, before)
        return {str(export.source): str(export.place) for export in exports}

    def _metrics(self) -> dict[str, dict[str, Any]]:
        """Return the metrics of earlier jobs of the pipeline, if the hook may query them."""
        ids, store = self.history.job_ids, self.state.store
        if self.job.probe is not None:
            return {self.job.spec.meta_name: store.metrics(ids[self.job.probe])}
        if not self.job.hook.asks_for_metrics:
            return {}
        return {
            job.spec.meta_name: store.metrics(ids[job.spec.position])
            for job in self.state.plan.jobs_of(self.job.spec.pipeline)
            if job.spec.position < self.info.position
        }

    def _fail(self, error: BaseException) -> None:
        message = self.state.masker.text(str(error))
        self.recorder.fail(error, message, time.monotonic() - self.started)


@lru_cache(maxsize=256)
def _declared(declarations: Declarations) -> str:
    """Return the text for the store: many jobs have the same component."""
    return to_json(declarations.to_json())
