"""Where the jobs of a plan run: environments are made, and looked into, before the first job."""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from djsb_core.errors import ConfigError, DjsbError
from djsb_core.interfaces.hook import Section
from djsb_core.interfaces.placement import ANY_PROCESS, ProcessSpec
from djsb_core.job.reports import LOG, plain
from djsb_core.job.request import JobRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from djsb.placement.interrupt import Interrupt
    from djsb.placement.pool import ExecutorPool
    from djsb.planner.planned import Plan, PlannedJob
    from djsb_core.interfaces.isolation import Environments, WantedEnvironment
    from djsb_core.problems import Problem

INSPECTED = "inspected"
"""Folder with an empty file for each job that was found to be able to run in its environment."""


@dataclass(frozen=True)
class Places:
    """Finds the place of every job of a plan."""

    plan: Plan
    pool: ExecutorPool
    interrupt: Interrupt
    isolation: Callable[[], tuple[Environments, Path]]
    """Returns the isolated environments of the session, and the folder that they are in."""
    say: Callable[[str], None]
    """Told what is being made."""
    _made: dict[tuple[str, tuple[str, ...]], ProcessSpec] = field(default_factory=dict)
    """By key of the environment, and by the packages whose code is seen in it."""

    def of(self, job: PlannedJob) -> ProcessSpec:
        """Return where a job runs; its environment is made if it is not there.

        :raises RequestError: if it cannot be made
        :raises KeyboardInterrupt: if the user ends the run meanwhile
        """
        alone = job.hook.own_process or (job.component is not None and job.component.own_process)
        if job.environment is None:
            return ProcessSpec(alone=True) if alone else ANY_PROCESS
        return ProcessSpec(self._make(job.environment).interpreter, alone)

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

    def _make(self, wanted: WantedEnvironment) -> ProcessSpec:
        asked = wanted.key, wanted.distributions
        if asked not in self._made:
            stop = self.interrupt.raise_if_asked
            interpreter = self.isolation()[0].make(wanted, self.say, stop)
            self._made[asked] = ProcessSpec(interpreter)
        return self._made[asked]

    def _inspect(self, job: PlannedJob) -> Iterator[Problem]:
        """Say what keeps a job from running in its environment; what was found once is kept."""
        place = self.of(job)
        whole = not job.settings.pending and all(path.exists() for path in job.reads)
        known = self.isolation()[1] / INSPECTED / self._digest(job, place, whole=whole)
        if known.exists():
            return
        with (
            self.pool.executor(self.interrupt, place) as executor,
            tempfile.TemporaryDirectory() as folder,
        ):
            request = self._request(job, Path(folder))
            try:
                found = executor.inspect(request, place, whole=whole)
            except DjsbError as error:
                label = place.interpreter.label if place.interpreter else ""
                found = [f"cannot run in the environment {label}: {error}"]
        if not found:
            known.parent.mkdir(parents=True, exist_ok=True)
            known.touch()
        for sentence in found:
            yield job.spec.problem((Section.EXTRA_CONFIGS.value,), sentence)

    def _digest(self, job: PlannedJob, place: ProcessSpec, *, whole: bool) -> str:
        infos = [str(info) for info in (job.hook_info, job.component_info)]
        sections = [job.settings.section(section) for section in Section]
        python = str(place.interpreter.python) if place.interpreter else None  # of one attempt
        text = json.dumps([python, whole, infos, plain(sections)], sort_keys=True)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def _request(self, job: PlannedJob, folder: Path) -> JobRequest:
        """Return a request that is only inspected."""
        spec, info = job.spec, job.component_info
        return JobRequest(
            hook=spec.hook,
            component=info.name if info else None,
            dj_configs=plain(job.settings.dj_configs),
            extra_configs=plain(job.settings.extra_configs),
            id=spec.id,
            folder=folder,
            log=folder / LOG,
            lookup=self.plan.experiment.folders,
            outputs={},
            placed={path: path for path in self.plan.expected},
            metrics={},
            output_names=job.output_names,
        )
