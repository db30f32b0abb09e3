"""References between jobs: ``extra_configs.train_dataset: anonymous.process.export_path``.

And between iterations: ``pipeline.job.output: pipeline.job.extra_configs.key``.
"""

from __future__ import annotations

from dataclasses import dataclass

from djsb.config.dotted import INDEX, split_path
from djsb_core.interfaces.hook import Section


@dataclass(frozen=True)
class Reference:
    """One entry of a job's ``input``: which setting takes its value from which earlier output."""

    target: str
    source: str

    @property
    def section(self) -> Section:
        """The section that it changes."""
        return Section(split_path(self.target)[0])

    @property
    def key(self) -> tuple[str, ...]:
        """The path inside the section; empty if the whole section is replaced."""
        return split_path(self.target)[1:]

    @property
    def back(self) -> int | None:
        """How many jobs back the source is (``-1.x``: 1), or ``None`` if it goes by name."""
        first = split_path(self.source)[0]
        return -int(first) if first.startswith("-") and INDEX.fullmatch(first) else None

    @property
    def path(self) -> tuple[str, ...]:
        """The parts after ``-1``, or those of ``pipeline.meta_name.output``."""
        parts = split_path(self.source)
        return parts[1:] if self.back is not None else parts


@dataclass(frozen=True)
class Update:
    """One entry of ``iter_updater``: a result of one iteration is a setting of the next."""

    source: str
    """``pipeline.meta_name.output``, optionally with a path inside it."""
    target: str
    """``pipeline.meta_name.extra_configs.key``."""

    @property
    def job(self) -> tuple[str, str]:
        """Pipeline and name of the job whose setting it is."""
        pipeline, name, *_ = split_path(self.target)
        return pipeline, name

    @property
    def reference(self) -> Reference:
        """The equivalent entry of that job's ``input``."""
        return Reference(".".join(split_path(self.target)[2:]), self.source)


def check_update(source: str, target: str) -> str | None:
    """Describe what is wrong with the form of an entry of ``iter_updater``, if anything."""
    parts = split_path(source)
    if len(parts) < 3 or "" in parts:  # noqa: PLR2004 (pipeline, job, output)
        return f"'{source}' must be 'pipeline.meta_name.output'"
    job = split_path(target)
    if len(job) < 3 or "" in job or job[2] not in tuple(Section):  # noqa: PLR2004
        return (
            f"'{target}' must be 'pipeline.meta_name.extra_configs.key' "
            "or 'pipeline.meta_name.dj_configs.key'"
        )
    return None


def check_form(target: str, source: str) -> str | None:
    """Describe what is wrong with the form of an entry of ``input``, if anything."""
    problem = _check_target(target)
    if problem is not None:
        return problem
    reference = Reference(target, source)
    if reference.back is not None:
        if reference.back < 1 or not reference.path:
            return f"'{source}' must be '-1.output', '-2.output', …"
        return None
    if len(reference.path) < 3:  # noqa: PLR2004 (pipeline, job, output)
        return f"'{source}' must be 'pipeline.meta_name.output' or '-1.output'"
    return None


def check_override(target: str, value: object) -> str | None:
    """Describe what is wrong with the form of an entry of ``local``, if anything."""
    problem = _check_target(target)
    if problem is None and target in tuple(Section) and not isinstance(value, dict | None):
        return f"'{target}' must be a mapping of settings"
    return problem


def _check_target(target: str) -> str | None:
    parts = split_path(target)
    if parts[0] not in tuple(Section):
        return f"'{target}' must begin with dj_configs or extra_configs"
    if "" in parts:
        return f"'{target}' has an empty part; write extra_configs.key"
    return None
