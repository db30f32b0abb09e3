"""Where the jobs of a plan run: environments are made, and looked into, before the first job."""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from djsb.placement.workers import ANYWHERE, Place
from djsb_core.discovery import load_isolation
from djsb_core.errors import ConfigError, DjsbError
from djsb_core.interfaces.hook import Section
from djsb_core.job.reports import LOG, plain
from djsb_core.job.request import JobRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from djsb.placement.pool import ExecutorPool
    from djsb.planner.planned import Plan, PlannedJob
    from djsb_core.interfaces.isolation import Environments, Isolation, WantedEnvironment

INSPECTED = "inspected"
"""Folder with an empty file for each job that was found to be able to run in its environment."""


@dataclass(frozen=True)
class Places:
    """Finds the place of every job of a plan."""

    plan: Plan
    pool: ExecutorPool
    say: Callable[[str], None]
    """Told what is being made."""
    _made: dict[tuple[str, tuple[str, ...]], Place] = field(default_factory=dict)
    """By key of the environment, and by the packages whose code is seen in it."""
    _guard: Lock = field(default_factory=Lock)

    def of(self, job: PlannedJob) -> Place:
        """Return where a job runs; its environment is made if it is not there.

        :raises RequestError: if it cannot be made
        :raises KeyboardInterrupt: if the user ends the run meanwhile
        """
        alone = job.hook.own_process or (job.component is not None and job.component.own_process)
        if job.environment is None:
            return Place(alone=True) if alone else ANYWHERE
        return Place(self._make(job.environment).interpreter, alone)

    def prepare(self) -> None:
        """Make every environment of the plan, and ask each job's component in its own.

        :raises RequestError: if one cannot be made
        :raises ConfigError: with all that would keep jobs from running there
        :raises KeyboardInterrupt: if the user ends the run meanwhile
        """
        jobs = [job for job in self.plan.jobs if job.environment is not None]
        for job in jobs:
            self.of(job)
        found = (one for job in jobs if job.environment for one in self._inspect(job))
        problems = list(dict.fromkeys(found))
        if problems:
            raise ConfigError(problems)

    def close(self) -> None:
        """Let others remove the environments that the run has used."""
        if "_environments" in vars(self):
            self._environments.close()

    @cached_property
    def _isolation(self) -> Isolation:
        return load_isolation()

    @cached_property
    def _environments(self) -> Environments:
        return self._isolation.environments()

    def _make(self, wanted: WantedEnvironment) -> Place:
        asked = wanted.key, wanted.distributions
        if asked not in self._made:
            with self._guard:  # pipelines run side by side, and share them
                environments = self._environments
            interpreter = environments.make(wanted, self.say, self.pool.raise_if_stopped)
            self._made[asked] = Place(interpreter)
        return self._made[asked]

    def _inspect(self, job: PlannedJob) -> Iterator[str]:
        """Say what keeps a job from running in its environment; what was found once is kept."""
        place = self.of(job)
        whole = not job.settings.pending and all(path.exists() for path in job.reads)
        known = self._isolation.root() / INSPECTED / self._digest(job, place, whole=whole)
        if known.exists():
            return
        with self.pool.executor() as executor, tempfile.TemporaryDirectory() as folder:
            order = self._order(job, Path(folder))
            try:
                found = executor.inspect(order, place, whole=whole)
            except DjsbError as error:
                label = place.interpreter.label if place.interpreter else ""
                found = [f"cannot run in the environment {label}: {error}"]
        if not found:
            known.parent.mkdir(parents=True, exist_ok=True)
            known.touch()
        for sentence in found:
            yield job.spec.problem((Section.EXTRA_CONFIGS.value,), sentence)

    def _digest(self, job: PlannedJob, place: Place, *, whole: bool) -> str:
        infos = [str(info) for info in (job.hook_info, job.component_info)]
        sections = [job.settings.section(section) for section in Section]
        python = str(place.interpreter.python) if place.interpreter else None  # of one attempt
        text = json.dumps([python, whole, infos, plain(sections)], sort_keys=True)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def _order(self, job: PlannedJob, folder: Path) -> JobRequest:
        """Return an order that is only inspected."""
        spec, info = job.spec, job.component_info
        return JobRequest(
            hook=spec.hook,
            component=info.name if info else None,
            dj_configs=plain(job.settings.dj_configs),
            extra_configs=plain(job.settings.extra_configs),
            meta_name=spec.meta_name,
            pipeline=spec.pipeline,
            stage=spec.stage.value,
            iteration=1,
            folder=folder,
            log=folder / LOG,
            lookup=self.plan.experiment.folders,
            outputs={},
            placed={path: path for path in self.plan.expected},
            metrics={},
            output_names=job.output_names,
        )
