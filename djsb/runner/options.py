"""How a plan is to be run, apart from what it says itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from djsb_core.errors import RequestError, suggest

if TYPE_CHECKING:
    from djsb.config.experiment import JobSpec
    from djsb.planner.planned import Plan


@dataclass(frozen=True)
class RunOptions:
    """What the user asks for."""

    force: bool = False
    """Execute every job, whatever the cache has."""
    rerun: frozenset[str] = frozenset()
    """Execute these jobs (``meta_name`` or ``pipeline.meta_name``), whatever the cache has."""
    cache: bool = True
    """Whether the cache is used at all."""
    keep_going: bool = False
    """Whether pipelines that do not need a failed one run all the same."""
    preflight: bool = True
    """Whether environments are made, and looked into, before the first job."""
    sweep: str | None = None
    """Id of the sweep that the run belongs to."""

    def is_forced(self, spec: JobSpec) -> bool:
        """Return whether a job is executed even if the cache has it."""
        names = {spec.meta_name, f"{spec.pipeline}.{spec.meta_name}"}
        return self.force or bool(names & self.rerun)

    def check(self, plan: Plan, workers: int) -> None:
        """Refuse what cannot be done with a plan.

        :param workers: of the session that is to run it
        :raises RequestError: if a job to run again is unknown, or a timeout could not be kept
        """
        names = {job.spec.meta_name for job in plan.jobs}
        full = {f"{job.spec.pipeline}.{job.spec.meta_name}" for job in plan.jobs}
        for name in sorted(self.rerun - names - full):
            raise RequestError(f"--rerun {name}: no such job; {suggest(name, names)}")
        limited = [job.spec.meta_name for job in plan.jobs if job.spec.timeout is not None]
        if limited and workers == 0:
            raise RequestError(
                f"the job '{limited[0]}' has a timeout, which needs a process of its own to end: "
                "use --workers 1, or remove the timeout"
            )
