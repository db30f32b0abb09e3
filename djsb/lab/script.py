"""Record a run from a user's own script."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from djsb.config.trackers import check_variable, trackers_of_run
from djsb.lab.recorded import History, Run, open_run
from djsb.runner.facts import machine_facts, run_facts
from djsb.runner.recorder import JobRecorder, RunRecorder, job_folder
from djsb.store.environment import write_environment
from djsb.store.store import Store
from djsb_core.discovery import add_trackers, create_listeners, notify
from djsb_core.errors import RequestError
from djsb_core.hookspecs import JobInfo
from djsb_core.identity import JobId
from djsb_core.interfaces.paths import expand_path, path_fault
from djsb_core.job.reports import LOG
from djsb_core.job.watcher import BARE, SCRIPT, JobWatcher, flatten
from djsb_core.masking import Masker

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from djsb.lab.recorded import Where
    from djsb_core.job.reports import Artifact, Point


@dataclass(frozen=True)
class _Job:
    """One job of the run: all that is reported under one name."""

    recorder: JobRecorder
    watcher: JobWatcher
    started: float
    """By the monotonic clock."""


class SandboxWatcher:
    """Records a script's measurements as a run; trackers show it like any other run.

    The run begins with the watcher and ends with its ``with`` block, or :meth:`close`; it fails if
    an exception leaves the block. The first part of a name is the job, as in an experiment:
    ``train.loss`` is the metric ``loss`` of ``train``; names without a dot belong to the job
    ``script``. It is thread-safe, but may be used from one process only.
    """

    def __init__(
        self,
        work_dir: str | os.PathLike[str],
        project_name: str,
        experiment_name: str,
        *,
        sweep: str | None = None,
    ) -> None:
        """Begin a run.

        :param work_dir: where it is recorded, next to the runs of experiments
        :param sweep: id of the sweep that it belongs to, from :meth:`setup_sweep`
        :raises RequestError: if the work_dir cannot be used, there is no such sweep, or
            ``DJSB_TRACKERS`` names an unknown tracker
        """
        check_variable()
        fault = path_fault(os.fspath(work_dir))
        if fault is not None:
            raise RequestError(f"work_dir: {fault}")
        work_dir = expand_path(os.fspath(work_dir)).absolute()
        self._names = project_name, experiment_name
        self._settings: dict[str, Any] = {
            "project_name": project_name,
            "experiment_name": experiment_name,
            "work_dir": str(work_dir),
        }
        self._store = Store(work_dir)
        if sweep is not None:
            self._store.sweep(sweep)
        masker = Masker.of(self._settings)
        self._listeners = add_trackers(create_listeners(), trackers_of_run(None))
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._jobs: dict[str, _Job] = {}
        self._begun = self._ended = False
        record = self._store.add_run(
            names=(masker.text(project_name), masker.text(experiment_name)),
            experiment=_script(),
            settings=masker.value(self._settings),
            sweep=sweep,
        )
        self._recorder = RunRecorder(self._store, record, masker, self._notify)
        self._run = Run(work_dir, record.id)
        with suppress(OSError):  # on a full disk; nothing needs it
            facts = run_facts(masker, machine_facts(), Path.cwd())
            write_environment(record.folder, facts, self._store.access)

    @staticmethod
    def open(run: str = "last", where: Where = None) -> Run:
        """Open a recorded run, or one that is still running in another process, for queries.

        :param run: an id, a unique beginning of one, ``last`` or ``last~1`` (the one before)
        :param where: an experiment file or a work_dir; ``None``: ``sandbox.yaml`` here
        :raises RequestError: if there is no such run
        """
        return open_run(run, where)

    @property
    def id(self) -> str:
        """The run's name in its work_dir."""
        return self._recorder.record.id

    @property
    def folder(self) -> Path:
        """Where the run's files are."""
        return self._recorder.record.folder

    # -- reporting -----------------------------------------------------------------------------

    def watch(self, result: object, meta_name: str = "", step: int | None = None) -> None:
        """Record a number, a string, or a nested mapping of them, flattened with dots.

        :param meta_name: ``train`` for ``{"loss": 0.3}``, or ``train.loss`` for ``0.3``
        :param step: position in a series
        :raises TypeError: if a value is neither a number nor a string; then nothing is recorded
        :raises ValueError: if the run has ended
        """
        jobs: dict[str, dict[str, float | str]] = {}
        for name, value in flatten(result, meta_name):
            job, metric = _split(name)
            jobs.setdefault(job, {})[metric] = value
        for job, metrics in jobs.items():
            self._job(job).watcher.watch(metrics, "", step)

    def watch_samples(
        self, values: Sequence[float], name: str, weights: Sequence[float] | None = None
    ) -> None:
        """Record one value a sample; see :class:`djsb_core.api.Watcher`.

        :raises ValueError: if there are not as many weights as values, or the run has ended
        """
        job, metric = _split(name)
        self._job(job).watcher.watch_samples(values, metric, weights)

    def watch_histogram(self, values: Sequence[float], name: str, step: int | None = None) -> None:
        """Record how values are distributed.

        :raises ValueError: if the run has ended
        """
        job, metric = _split(name)
        self._job(job).watcher.watch_histogram(values, metric, step)

    def watch_media(self, path: str | os.PathLike[str], name: str, step: int | None = None) -> None:
        """Record the path of an image or a video, distinguished by its suffix.

        :raises ValueError: if the suffix is neither, or the run has ended
        """
        job, metric = _split(name)
        self._job(job).watcher.watch_media(Path(path), metric, step)

    def watch_cfgs(self, cfgs: Iterable[tuple[object, str]]) -> None:
        """Record settings: pairs of a mapping and the prefix of its keys.

        A pair with ``None`` is skipped.

        :param cfgs: ``[({"lr": 0.1}, "train")]`` for ``train.lr``
        :raises TypeError: if the settings are not a mapping, a namespace or a dataclass
        :raises ValueError: if a prefix is empty, or the run has ended
        """
        settings: dict[str, Any] = {}
        for cfg, prefix in cfgs:
            if not prefix:
                raise ValueError("each mapping of settings needs a prefix")
            settings |= {f"{prefix}.{key}": value for key, value in _mapping(cfg).items()}
        with self._lock:
            self._check()
            self._settings |= settings
            masker = self._recorder.masker = Masker.of(self._settings)
            self._store.change_settings(self.id, masker.value(self._settings))
            if self._begun:  # otherwise they are reported when the run begins
                masked = masker.value(settings)
                self._notify("djsb_settings_added", run_id=self.id, settings=masked)

    # -- reading -------------------------------------------------------------------------------

    def query(self, meta_name: str) -> float | str | dict[str, float | str]:
        """Return the last value of ``train.loss``, or of all metrics of ``train``: ``{"loss": …}``.

        :raises RequestError: if nothing has that name
        """
        return self._run.query(meta_name)

    def history(self, metric: str) -> History:
        """Return steps, values and seconds of ``train.loss``.

        :raises RequestError: if there is no such metric
        """
        return self._run.history(metric)

    # -- sweeps --------------------------------------------------------------------------------

    def setup_sweep(
        self,
        hpo_config: str | os.PathLike[str] | Mapping[str, Any],
        project_name: str | None = None,
    ) -> str:
        """Record a sweep and return its id, which later runs can be given.

        :param hpo_config: wandb's sweep configuration, or the path of one (YAML or JSON)
        :param project_name: by default, that of the configuration, else of this run
        :raises ConfigError: if it is invalid
        """
        from djsb.config.sweep import read_sweep

        sweep = read_sweep(hpo_config)
        record = self._store.add_sweep(
            name=sweep.schema.name or sweep.schema.sweep_name,
            project_name=project_name or sweep.schema.project or self._names[0],
            config=Masker.of(sweep.config).value(sweep.config),
        )
        return record.id

    # -- the end -------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        """Return the watcher itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the run; it failed if an error leaves the block."""
        normal_exit = isinstance(error, SystemExit) and not error.code
        self._end(None if normal_exit else error)

    def close(self) -> None:
        """End the run as finished, unless it has ended."""
        self._end(None)

    # -- inside --------------------------------------------------------------------------------

    def _check(self) -> None:
        if self._ended:
            raise ValueError(f"the run {self.id} has ended")
        if os.getpid() != self._process:
            raise RuntimeError("a run can only be recorded from the process that began it")

    def _job(self, name: str) -> _Job:
        """Return the job of that name; its first value begins it."""
        with self._lock:
            self._check()
            if name not in self._jobs:
                self._begin_run()
                self._jobs[name] = self._begin_job(name)
            return self._jobs[name]

    def _begin_job(self, name: str) -> _Job:
        position, name = len(self._jobs), self._recorder.masker.text(name)
        folder = self.folder / job_folder(position, name)
        self._store.access.make_folder(folder, exist_ok=False)
        self._store.access.make_file(folder / LOG)
        job_id = JobId("anonymous", "execution", position, name)
        info = JobInfo(self.id, job_id, SCRIPT, None, folder)
        recorder = self._recorder.job(info)
        self._notify("djsb_job_started", job=info)

        def record_points(points: list[Point]) -> None:
            recorder.points(points)

        def record_artifact(artifact: Artifact) -> None:
            recorder.artifact(artifact)

        return _Job(
            recorder,
            JobWatcher(folder, record_points, record_artifact, self._recorder.masker.text),
            time.monotonic(),
        )

    def _begin_run(self) -> None:
        """Notify the listeners that the run began: only now are its settings known."""
        if not self._begun:
            self._begun = True
            self._recorder.record = self._store.run(self.id)
            self._recorder.begin()

    def _notify(self, moment: str, **arguments: object) -> None:
        with self._lock:
            notify(self._listeners, moment, **arguments)

    def _end(self, error: BaseException | None) -> None:
        with self._lock:
            if self._ended or os.getpid() != self._process:
                return
            self._begin_run()
            self._ended = True
            for job in self._jobs.values():
                self._end_job(job, error)
            self._recorder.end(error)

    def _end_job(self, job: _Job, error: BaseException | None) -> None:
        recorder, seconds = job.recorder, time.monotonic() - job.started
        if error is None:
            recorder.finish(seconds)
            recorder.notify_finished(seconds)
        else:
            recorder.fail(error, self._recorder.reason(error), seconds)


def _split(name: str) -> tuple[str, str]:
    """Return the job and the metric of a dotted name."""
    job, _, metric = name.partition(".")
    return (job, metric) if job and metric else (BARE, name)


def _mapping(cfg: object) -> Mapping[str, Any]:
    """Return settings as a mapping.

    :raises TypeError: if they cannot be converted
    """
    if cfg is None:
        return {}
    if isinstance(cfg, Mapping):
        return cfg
    if isinstance(cfg, argparse.Namespace):  # jsonargparse's can convert itself
        unfold = getattr(cfg, "as_dict", None)
        return unfold() if callable(unfold) else vars(cfg)
    if is_dataclass(cfg) and not isinstance(cfg, type):
        return asdict(cfg)
    raise TypeError(
        f"settings must be a mapping, a namespace or a dataclass, not {type(cfg).__name__}"
    )


def _script() -> Path:
    """Return the running script; in a notebook or a shell, the working directory."""
    path = getattr(sys.modules["__main__"], "__file__", None)
    return Path(path) if path else Path.cwd()
