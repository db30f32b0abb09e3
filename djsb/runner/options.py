"""Options of a run that are not part of the plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from djsb_core.errors import RequestError, suggest

if TYPE_CHECKING:
    from djsb.config.experiment import JobSpec
    from djsb.planner.planned import Plan


@dataclass(frozen=True)
class RunOptions:
    """Options chosen by the user."""

    force: bool = False
    """Execute every job, even if it is cached."""
    rerun: frozenset[str] = frozenset()
    """Execute these jobs (``meta_name`` or ``pipeline.meta_name``), even if cached."""
    cache: bool = True
    """Whether the cache is used at all."""
    keep_going: bool = False
    """Whether pipelines that do not depend on a failed one still run."""
    preflight: bool = True
    """Whether environments are created and inspected before the first job."""
    sweep: str | None = None
    """Id of the sweep that the run belongs to."""

    def is_forced(self, spec: JobSpec) -> bool:
        """Return whether a job is executed even if it is cached."""
        names = {spec.meta_name, f"{spec.pipeline}.{spec.meta_name}"}
        return self.force or bool(names & self.rerun)

    def check(self, plan: Plan, workers: int) -> None:
        """Reject options that do not fit a plan.

        :param workers: of the session that is to run it
        :raises RequestError: if a job to rerun is unknown, or a timeout could not be enforced
        """
        names = {job.spec.meta_name for job in plan.jobs}
        full_names = {f"{job.spec.pipeline}.{job.spec.meta_name}" for job in plan.jobs}
        for name in sorted(self.rerun - names - full_names):
            raise RequestError(f"rerun: no such job '{name}'; {suggest(name, names)}")
        timed = [job.spec.meta_name for job in plan.jobs if job.spec.timeout is not None]
        if timed and workers == 0:
            raise RequestError(
                f"the job '{timed[0]}' has a timeout, which needs a process of its own to end: "
                "use --workers 1, or remove the timeout"
            )
