"""Where a plan's jobs run: environments are created and inspected before the first job."""

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
"""Folder with an empty file for each job that passed inspection in its environment."""


@dataclass(frozen=True)
class Places:
    """Determines where each job of a plan runs."""

    plan: Plan
    pool: ExecutorPool
    interrupt: Interrupt
    isolation: Callable[[], tuple[Environments, Path]]
    """Returns the isolated environments of the session and their folder."""
    report: Callable[[str], None]
    """Called with progress messages."""
    _specs: dict[tuple[str, tuple[str, ...]], ProcessSpec] = field(default_factory=dict)
    """By key of the environment and by the packages importable in it."""

    def of(self, job: PlannedJob) -> ProcessSpec:
        """Return where a job runs; its environment is created if it does not exist.

        :raises RequestError: if it cannot be created
        :raises KeyboardInterrupt: if the user ends the run meanwhile
        """
        alone = job.hook.own_process or (job.component is not None and job.component.own_process)
        if job.environment is None:
            return ProcessSpec(alone=True) if alone else ANY_PROCESS
        return ProcessSpec(self._create(job.environment).interpreter, alone)

    def prepare(self) -> None:
        """Create every environment of the plan, and inspect each job's component in its own.

        :raises RequestError: if one cannot be created
        :raises ConfigError: with all problems that would keep jobs from running there
        :raises KeyboardInterrupt: if the user ends the run meanwhile
        """
        jobs = [job for job in self.plan.jobs if job.environment is not None]
        for job in jobs:
            self.of(job)
        inspected = (problem for job in jobs if job.environment for problem in self._inspect(job))
        problems = list(dict.fromkeys(inspected))
        if problems:
            raise ConfigError(problems)

    def _create(self, environment: WantedEnvironment) -> ProcessSpec:
        key = environment.key, environment.distributions
        if key not in self._specs:
            stop = self.interrupt.raise_if_asked
            interpreter = self.isolation()[0].make(environment, self.report, stop)
            self._specs[key] = ProcessSpec(interpreter)
        return self._specs[key]

    def _inspect(self, job: PlannedJob) -> Iterator[Problem]:
        """Yield what keeps a job from running in its environment; success is cached."""
        place = self.of(job)
        whole = not job.settings.pending and all(path.exists() for path in job.reads)
        marker = self.isolation()[1] / INSPECTED / self._digest(job, place, whole=whole)
        if marker.exists():
            return
        with (
            self.pool.executor(self.interrupt, place) as executor,
            tempfile.TemporaryDirectory() as folder,
        ):
            request = self._request(job, Path(folder))
            try:
                sentences = executor.inspect(request, place, whole=whole)
            except DjsbError as error:
                label = place.interpreter.label if place.interpreter else ""
                sentences = [f"cannot run in the environment {label}: {error}"]
        if not sentences:
            marker.parent.mkdir(parents=True, exist_ok=True)
            marker.touch()
        for sentence in sentences:
            yield job.spec.problem((Section.EXTRA_CONFIGS.value,), sentence)

    def _digest(self, job: PlannedJob, place: ProcessSpec, *, whole: bool) -> str:
        infos = [str(info) for info in (job.hook_info, job.component_info)]
        sections = [job.settings.section(section) for section in Section]
        python = str(place.interpreter.python) if place.interpreter else None  # of one attempt
        text = json.dumps([python, whole, infos, plain(sections)], sort_keys=True)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def _request(self, job: PlannedJob, folder: Path) -> JobRequest:
        """Return a request for inspection only."""
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
