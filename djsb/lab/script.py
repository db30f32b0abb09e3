"""A run that a user's own script records."""

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
from djsb_core.discovery import create_listeners, notify, with_trackers
from djsb_core.hookspecs import JobInfo
from djsb_core.job.reports import LOG
from djsb_core.job.watcher import BARE, SCRIPT, JobWatcher, flatten
from djsb_core.masking import Masker

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from djsb.lab.recorded import Where
    from djsb_core.job.reports import Artifact, Point


@dataclass(frozen=True)
class _Part:
    """What is reported under one name: a job of the run, as for an experiment."""

    recorder: JobRecorder
    watcher: JobWatcher
    started: float
    """By the monotonic clock."""


class SandboxWatcher:
    """Records what a script measures as a run of its own; trackers show it like any other run.

    The run begins with the watcher and ends with its ``with`` block, or :meth:`close`: as failed
    if an exception leaves the block. The first part of a name stands for a job, as in an
    experiment: ``train.loss`` is the metric ``loss`` of ``train``; names without a dot belong to
    the job ``script``. It may be used from several threads, but from one process only.
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

        :param work_dir: where it is recorded, beside the runs of experiments
        :param sweep: id of the sweep that it belongs to, from :meth:`setup_sweep`
        :raises RequestError: if the work_dir cannot be used, there is no such sweep, or
            ``DJSB_TRACKERS`` names an unknown tracker
        """
        check_variable()
        work_dir = Path(work_dir).expanduser().absolute()
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
        self._listeners = with_trackers(create_listeners(), trackers_of_run(None))
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._parts: dict[str, _Part] = {}
        self._told = self._over = False
        record = self._store.add_run(
            names=self._names,
            experiment=_script(),
            settings=masker.value(self._settings),
            sweep=sweep,
        )
        self._recorder = RunRecorder(self._store, record, masker, self._tell)
        self._run = Run(work_dir, record.id)
        with suppress(OSError):  # on a full disk; nothing needs it
            write_environment(record.folder, run_facts(masker, machine_facts()))

    @staticmethod
    def open(run: str = "last", where: Where = None) -> Run:
        """Open a run that was recorded, or goes on in another process, for queries.

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
        """Record a number, a text, or a nested mapping of them, flattened with dots.

        :param meta_name: ``train`` for ``{"loss": 0.3}``, or ``train.loss`` for ``0.3``
        :param step: position in a series
        :raises TypeError: if something in it is neither number nor text; then nothing is recorded
        :raises ValueError: if the run has ended
        """
        jobs: dict[str, dict[str, float | str]] = {}
        for name, value in flatten(result, meta_name):
            job, metric = _split(name)
            jobs.setdefault(job, {})[metric] = value
        for job, metrics in jobs.items():
            self._part(job).watcher.watch(metrics, "", step)

    def watch_samples(
        self, values: Sequence[float], name: str, weights: Sequence[float] | None = None
    ) -> None:
        """Record one value a sample; see :class:`djsb_core.api.Watcher`.

        :raises ValueError: if there are not as many weights as values, or the run has ended
        """
        job, metric = _split(name)
        self._part(job).watcher.watch_samples(values, metric, weights)

    def watch_histogram(self, values: Sequence[float], name: str, step: int | None = None) -> None:
        """Record how values are distributed.

        :raises ValueError: if the run has ended
        """
        job, metric = _split(name)
        self._part(job).watcher.watch_histogram(values, metric, step)

    def watch_media(self, path: str | os.PathLike[str], name: str, step: int | None = None) -> None:
        """Record the path of an image or a video, told apart by its suffix.

        :raises ValueError: if the suffix is that of neither, or the run has ended
        """
        job, metric = _split(name)
        self._part(job).watcher.watch_media(Path(path), metric, step)

    def watch_cfgs(self, cfgs: Iterable[tuple[object, str]]) -> None:
        """Record settings: pairs of a mapping and what stands before its keys.

        A pair with ``None`` is skipped.

        :param cfgs: ``[({"lr": 0.1}, "train")]`` for ``train.lr``
        :raises TypeError: if a setting is no mapping, namespace or dataclass
        :raises ValueError: if a prefix is empty, or the run has ended
        """
        found: dict[str, Any] = {}
        for cfg, prefix in cfgs:
            if not prefix:
                raise ValueError("each mapping of settings needs a name before its keys")
            found |= {f"{prefix}.{key}": value for key, value in _mapping(cfg).items()}
        with self._lock:
            self._check()
            self._settings |= found
            masker = self._recorder.masker = Masker.of(self._settings)
            self._store.change_settings(self.id, masker.value(self._settings))
            if self._told:  # else they are told with the others, when the run begins
                new = masker.value(found)
                self._tell("djsb_settings_added", run_id=self.id, settings=new)

    # -- reading -------------------------------------------------------------------------------

    def query(self, meta_name: str) -> float | str | dict[str, float | str]:
        """Return the last value of ``train.loss``, or of all below ``train``: ``{"loss": …}``.

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
        """Record a sweep, and return its id; runs that are begun with it belong to it.

        :param hpo_config: wandb's sweep configuration, or the path of one (YAML or JSON)
        :param project_name: by default, that of the configuration, else of this run
        :raises ConfigError: if it is wrong
        """
        from djsb.config.sweep import read_sweep

        sweep = read_sweep(hpo_config)
        found = self._store.add_sweep(
            name=sweep.schema.name or sweep.schema.sweep_name,
            project_name=project_name or sweep.schema.project or self._names[0],
            config=Masker.of(sweep.config).value(sweep.config),
        )
        return found.id

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
        """End the run: as failed, if an error leaves the block."""
        over = isinstance(error, SystemExit) and not error.code
        self._end(None if over else error)

    def close(self) -> None:
        """End the run as finished, unless it has ended."""
        self._end(None)

    # -- inside --------------------------------------------------------------------------------

    def _check(self) -> None:
        if self._over:
            raise ValueError(f"the run {self.id} has ended")
        if os.getpid() != self._process:
            raise RuntimeError("a run takes reports only from the process that began it")

    def _part(self, name: str) -> _Part:
        """Return the job that values belong to; begin it with its first value."""
        with self._lock:
            self._check()
            if name not in self._parts:
                self._tell_start()
                self._parts[name] = self._begin(name)
            return self._parts[name]

    def _begin(self, name: str) -> _Part:
        position = len(self._parts)
        folder = self.folder / job_folder(position, name)
        folder.mkdir()
        (folder / LOG).touch()
        info = JobInfo(self.id, "anonymous", 1, "execution", position, name, SCRIPT, None, folder)
        recorder = self._recorder.job(info)
        self._tell("djsb_job_started", job=info)

        def hear(points: list[Point]) -> None:
            recorder.points(points)

        def keep(artifact: Artifact) -> None:
            recorder.artifact(artifact)

        return _Part(recorder, JobWatcher(folder, hear, keep), time.monotonic())

    def _tell_start(self) -> None:
        """Tell the listeners that the run began: only now are its settings known."""
        if not self._told:
            self._told = True
            self._recorder.record = self._store.run(self.id)
            self._recorder.begin()

    def _tell(self, moment: str, **arguments: object) -> None:
        with self._lock:
            notify(self._listeners, moment, **arguments)

    def _end(self, error: BaseException | None) -> None:
        with self._lock:
            if self._over or os.getpid() != self._process:
                return
            self._tell_start()
            self._over = True
            for part in self._parts.values():
                self._end_part(part, error)
            self._recorder.end(error)

    def _end_part(self, part: _Part, error: BaseException | None) -> None:
        recorder, seconds = part.recorder, time.monotonic() - part.started
        if error is None:
            recorder.finish(seconds)
            recorder.tell_finished(seconds)
        else:
            recorder.fail(error, self._recorder.reason(error), seconds)


def _split(name: str) -> tuple[str, str]:
    """Return the job and the metric of a dotted name."""
    job, _, metric = name.partition(".")
    return (job, metric) if job and metric else (BARE, name)


def _mapping(cfg: object) -> Mapping[str, Any]:
    """Return settings as a mapping.

    :raises TypeError: if they are none
    """
    if cfg is None:
        return {}
    if isinstance(cfg, Mapping):
        return cfg
    if isinstance(cfg, argparse.Namespace):  # jsonargparse's knows how to unfold itself
        unfold = getattr(cfg, "as_dict", None)
        return unfold() if callable(unfold) else vars(cfg)
    if is_dataclass(cfg) and not isinstance(cfg, type):
        return asdict(cfg)
    raise TypeError(f"settings are a mapping, a namespace or a dataclass, not {type(cfg).__name__}")


def _script() -> Path:
    """Return the script that runs; in a notebook or a shell, the working directory."""
    path = getattr(sys.modules["__main__"], "__file__", None)
    return Path(path) if path else Path.cwd()
