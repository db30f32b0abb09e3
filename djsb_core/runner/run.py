"""Run a plan: job after job, each in its own folder, each recorded when it is complete."""

from __future__ import annotations

import re
import time
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from djsb_core.discovery import notify
from djsb_core.errors import JobError
from djsb_core.hookspecs import JobInfo
from djsb_core.interfaces.component import Workspace
from djsb_core.runner.capture import capture_output
from djsb_core.runner.context_infos import write_context_infos
from djsb_core.runner.fingerprint import digest_outputs, is_intact
from djsb_core.runner.job import History, PreparedJob, prepare_job
from djsb_core.store.records import plain
from djsb_core.store.store import Store
from djsb_core.store.watcher import SandboxWatcher

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pluggy

    from djsb_core.runner.planned import Plan, PlannedJob
    from djsb_core.store.records import JobRecord, Point, RunRecord

LOG = "log.txt"


def run(plan: Plan, listeners: pluggy.PluginManager, *, resume: bool = False) -> RunRecord:
    """Run every job of a plan, in order.

    :param resume: reuse the finished jobs of earlier runs of the same work_dir, where nothing that
        decides their result has changed
    :raises JobError: if a job fails; the jobs before it are kept
    :raises KeyboardInterrupt: if the user ends the run; likewise
    """
    schema = plan.experiment.schema
    store = Store(Path(schema.work_dir).expanduser().absolute())
    try:
        record = store.add_run(
            names=(schema.project_name, schema.experiment_name),
            experiment=plan.experiment.document.path,
            settings=plan.experiment.document.value,
        )
        _Run(plan, listeners, store, record, resume=resume or schema.resume).run()
        return store.run(record.id)
    finally:
        store.close()


@dataclass
class _Run:
    """The state of one run."""

    plan: Plan
    listeners: pluggy.PluginManager
    store: Store
    record: RunRecord
    resume: bool
    history: History = field(default_factory=History)
    job_ids: dict[int, int] = field(default_factory=dict)

    def run(self) -> None:
        with self._moments():
            for job in self.plan.jobs:
                self._run_job(job)

    @contextmanager
    def _moments(self) -> Iterator[None]:
        """Tell the listeners and the store how the run (and its pipeline) begins and ends."""
        started = time.monotonic()
        run_id, names = self.record.id, {job.spec.pipeline for job in self.plan.jobs}
        self._tell("djsb_run_started", run_id=run_id, folder=self.record.folder,
                   settings=self.record.settings)  # fmt: skip
        for name in names:
            self._tell("djsb_pipeline_started", run_id=run_id, pipeline=name)
        try:
            yield
        except BaseException as error:
            status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            seconds = time.monotonic() - started
            self.store.end_run(run_id, status, seconds)
            for name in names:
                self._tell("djsb_pipeline_failed", run_id=run_id, pipeline=name, error=error)
            self._tell("djsb_run_failed", run_id=run_id, seconds=seconds, error=error)
            raise
        else:
            seconds = time.monotonic() - started
            self.store.end_run(run_id, "finished", seconds)
            for name in names:
                self._tell("djsb_pipeline_finished", run_id=run_id, pipeline=name)
            self._tell("djsb_run_finished", run_id=run_id, seconds=seconds)
        finally:
            write_context_infos(self.store, self.record)

    def _run_job(self, job: PlannedJob) -> None:
        spec = job.spec
        safe_name = re.sub(r"[^\w-]", "_", spec.meta_name)[:80]
        folder = self.record.folder / f"{spec.position + 1:02d}-{safe_name}"
        info = JobInfo(
            run_id=self.record.id,
            pipeline=spec.pipeline,
            stage=spec.stage.value,
            position=spec.position,
            meta_name=spec.meta_name,
            hook=spec.hook,
            component=job.component_offer.name if job.component_offer else None,
            folder=folder,
        )
        folder.mkdir(parents=True)
        job_id = self.store.add_job(self.record.id, **_columns(job, info))
        self.job_ids[spec.position] = job_id
        self._tell("djsb_job_started", job=info)
        started = time.monotonic()
        try:
            with capture_output(folder / LOG):
                cached, seconds = self._reuse_or_execute(job, info, job_id)
        except BaseException as error:
            seconds = time.monotonic() - started
            status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            _append_traceback(folder / LOG, error)
            self.store.update_job(job_id, status=status, seconds=seconds, error=str(error))
            self._tell("djsb_job_failed", job=info, error=error, seconds=seconds)
            if isinstance(error, Exception | SystemExit):
                raise JobError(f"'{spec.meta_name}'", error, folder / LOG) from error
            raise
        outputs = self.history.outputs[spec.position]
        self._tell("djsb_job_finished", job=info, outputs=outputs, seconds=seconds, cached=cached)

    def _reuse_or_execute(self, job: PlannedJob, info: JobInfo, job_id: int) -> tuple[bool, float]:
        """Return whether an earlier execution was reused, and how long the execution took."""
        watcher = SandboxWatcher(
            self.store, job_id, info.folder, lambda point: self._metric(info, point)
        )
        prepared = prepare_job(self.plan, job, self.history, Workspace(info.folder, watcher))
        self.history.fingerprints[info.position] = prepared.fingerprint
        self.store.update_job(
            job_id,
            fingerprint=prepared.fingerprint,
            settings=prepared.settings,
            directions=dict(prepared.component.higher_is_better) if prepared.component else {},
        )
        earlier = self._earlier(prepared.fingerprint) if self.resume else None
        if earlier is not None:
            self._reuse(earlier, info, job_id)
            return True, earlier.seconds or 0.0
        return False, self._execute(job, prepared, info, job_id)

    def _execute(self, job: PlannedJob, prepared: PreparedJob, info: JobInfo, job_id: int) -> float:
        started = time.monotonic()
        returned = prepared.run(lambda name: self.store.metrics(self._job_named(job, name)))
        # As a later run would read them: whether a job was reused changes nothing downstream.
        outputs = plain(dict(zip(job.output_names, returned, strict=True)))
        self.history.outputs[info.position] = outputs
        digests = digest_outputs(outputs, prepared.written)
        seconds = time.monotonic() - started
        self.store.update_job(
            job_id, status="finished", seconds=seconds, outputs=outputs, digests=digests
        )
        return seconds

    def _job_named(self, job: PlannedJob, name: str) -> int:
        if job.probe is not None and name == job.spec.meta_name:
            return self.job_ids[job.probe]
        positions = [
            other.spec.position
            for other in self.plan.jobs[: job.spec.position]
            if other.spec.meta_name == name and other.spec.pipeline == job.spec.pipeline
        ]
        if not positions:
            raise KeyError(f"no earlier job '{name}'")
        return self.job_ids[positions[-1]]

    def _earlier(self, fingerprint: str) -> JobRecord | None:
        for record in self.store.finished_jobs(fingerprint):
            if is_intact(record.digests):
                return record
        return None

    def _reuse(self, earlier: JobRecord, info: JobInfo, job_id: int) -> None:
        """Take over an earlier execution's outputs and metrics."""
        self.history.outputs[info.position] = dict(earlier.outputs)
        points = self.store.points(earlier.id)
        self.store.add_points(job_id, points)
        for name, path in self.store.sample_paths(earlier.id).items():
            self.store.add_samples(job_id, name, Path(path))
        self.store.update_job(
            job_id,
            status="cached",
            seconds=earlier.seconds,
            outputs=dict(earlier.outputs),
            digests=dict(earlier.digests),
        )
        for point in points:
            self._metric(info, point)

    def _metric(self, job: JobInfo, point: Point) -> None:
        self._tell(
            "djsb_metric_logged",
            job=job,
            name=f"{job.meta_name}.{point.name}",
            value=point.value,
            step=point.step,
            seconds=point.seconds,
        )

    def _tell(self, moment: str, **arguments: object) -> None:
        notify(self.listeners, moment, **arguments)


def _columns(job: PlannedJob, info: JobInfo) -> dict[str, object]:
    offer = job.component_offer or job.hook_offer
    return {
        "pipeline": info.pipeline,
        "iteration": 1,
        "stage": info.stage,
        "position": info.position,
        "meta_name": info.meta_name,
        "hook": info.hook,
        "component": info.component,
        "package": f"{offer.package} {offer.version}",
        "folder": info.folder,
    }


def _append_traceback(log: Path, error: BaseException) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write("\n" + "".join(traceback.format_exception(error)))
