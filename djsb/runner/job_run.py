"""The life of one job: prepared, found in the cache or executed, put in place, recorded."""

from __future__ import annotations

import shutil
import sqlite3
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from djsb.runner.attempts import Executed, Execution, link_attempt
from djsb.runner.exports import link_file, put_in_place
from djsb.runner.job import prepare_job
from djsb.runner.recorder import Recorder
from djsb_core.errors import DjsbError, JobError
from djsb_core.hookspecs import JobInfo
from djsb_core.job.reports import LOG

if TYPE_CHECKING:
    from pathlib import Path

    from djsb.cache.entry import Entry
    from djsb.planner.planned import PlannedJob
    from djsb.runner.history import History
    from djsb.runner.job import PreparedJob
    from djsb.runner.state import RunState


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
    """Of the execution."""
    started: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Run the job, or take over an earlier execution, and record it.

        :raises JobError: if it fails
        :raises KeyboardInterrupt: if the user ends it
        """
        try:
            self.folder.mkdir(parents=True)
            (self.folder / LOG).touch()
            self.state.tell("djsb_job_started", job=self.info)
            outputs = self._run()
        except BaseException as error:
            self._fail(error)
            if isinstance(error, Exception | SystemExit):
                name = f"'{self.info.meta_name}'"
                mask = self.state.masker.text
                raise JobError(name, error, self.folder / LOG, mask) from error
            raise
        self.state.tell(
            "djsb_job_finished",
            job=self.info,
            outputs=self.state.masker.value(outputs),
            seconds=self.seconds,
            cached=self.source_run is not None,
        )

    @cached_property
    def info(self) -> JobInfo:
        """The job as listeners see it."""
        spec, info = self.job.spec, self.job.component_info
        return JobInfo(
            run_id=self.state.record.id,
            id=spec.id,
            hook=spec.hook,
            component=info.name if info else None,
            folder=self.folder,
        )

    @cached_property
    def recorder(self) -> Recorder:
        """The job's row in the store, and what it measures."""
        info = self.job.component_info or self.job.hook_info
        job_id = self.state.store.add_job(
            self.state.record.id,
            **vars(self.info.id),
            hook=self.info.hook,
            component=self.info.component,
            package=f"{info.package} {info.version}",
            folder=self.folder,
            environment=self.job.environment and self.job.environment.name,
        )
        self.history.job_ids[self.info.position] = job_id
        return Recorder(self.state, self.info, job_id)

    def _run(self) -> dict[str, Any]:
        state, position = self.state, self.info.position
        job_id = self.recorder.job_id
        metrics = self._metrics()
        prepared = prepare_job(state.plan, self.job, self.history, metrics, state.cache.digests)
        # A secret decides no result: with another key for an API, a job is still the same.
        prepared = replace(prepared, parts=state.masker.value(prepared.parts))
        self.history.keys[position] = prepared.repeat_key
        state.store.update_job(
            job_id,
            fingerprint=prepared.key,
            settings=state.masker.value(prepared.sections),
            directions=prepared.directions,
        )
        result = self._find_or_execute(prepared)
        exports = self._put_in_place(prepared, result.folder)
        self.history.outputs[position] = result.outputs
        state.store.update_job(
            job_id,
            status="finished" if self.source_run is None else "cached",
            seconds=result.seconds,
            source_run=self.source_run,
            files=result.folder,
            exports=exports,
            outputs=state.masker.value(result.outputs),
        )
        self.seconds = result.seconds
        return result.outputs

    def _find_or_execute(self, prepared: PreparedJob) -> Executed:
        state, spec = self.state, self.job.spec
        execution = Execution(state, prepared, self.history, self.recorder, self.folder)
        if not (spec.cache and state.options.cache):
            return execution.uncached()
        forced = state.options.is_forced(spec)
        entry = None if forced else state.cache.find(prepared.key)
        if entry is None:
            with state.cache.lock(prepared.key, state.pool.raise_if_stopped):
                # Another run may have made it while this one waited.
                entry = None if forced else state.cache.find(prepared.key)
                if entry is None:
                    return execution.cached()
        return self._reuse(entry)

    def _reuse(self, entry: Entry) -> Executed:
        """Take over an earlier execution: its outputs, metrics and log."""
        log = self.folder / LOG
        if (entry.folder / LOG).is_file():
            link_file(entry.folder / LOG, log)
        link_attempt(self.folder, entry.folder)
        self.recorder.replay(entry)
        self.source_run = entry.run_id
        return Executed(dict(entry.outputs), entry.folder, entry.seconds)

    def _put_in_place(self, prepared: PreparedJob, folder: Path) -> dict[str, str]:
        """Put named results where the settings name them; return them by where they were made."""
        exports = prepared.exports(folder, self.history)
        for export in exports:
            self.history.add_export(export, self.job.spec)
            if export.place != export.made:
                whole = export.made.is_dir()
                before = self.state.store.last_export(export.place) if whole else None
                put_in_place(export, before)
        return {str(export.made): str(export.place) for export in exports}

    def _metrics(self) -> dict[str, dict[str, Any]]:
        """Return the metrics of earlier jobs of the pipeline, if the hook may ask for them."""
        ids, store = self.history.job_ids, self.state.store
        if self.job.probe is not None:
            return {self.info.meta_name: store.metrics(ids[self.job.probe])}
        if not self.job.hook.asks_for_metrics:
            return {}
        return {
            job.spec.meta_name: store.metrics(ids[job.spec.position])
            for job in self.state.plan.jobs_of(self.info.pipeline)
            if job.spec.position < self.info.position
        }

    def _fail(self, error: BaseException) -> None:
        status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        seconds = time.monotonic() - self.started
        said = self.state.masker.text(str(error))
        with suppress(OSError, sqlite3.Error):  # on a full disk; what matters is the error
            if not self.recorder.traced:
                write_traceback(self.folder / LOG, error)
            self.state.masker.file(self.folder / LOG)
            self.state.store.update_job(
                self.recorder.job_id, status=status, seconds=seconds, error=said
            )
        told = error if said == str(error) else DjsbError(said)
        self.state.tell("djsb_job_failed", job=self.info, error=told, seconds=seconds)


def write_traceback(log: Path, error: BaseException) -> None:
    """Write how a job failed at the end of its log, but not of the one that the cache keeps."""
    if log.exists() and log.stat().st_nlink > 1:
        own = log.with_suffix(".own")
        shutil.copy2(log, own)
        own.replace(log)
    with log.open("a", encoding="utf-8") as file:
        file.write("\n" + "".join(traceback.format_exception(error)))
