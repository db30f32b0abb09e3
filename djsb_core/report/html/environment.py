"""Where and with what a run was made, and its exact settings."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import distributions
from typing import TYPE_CHECKING, Any

import yaml

from djsb_core import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from djsb_core.report.html.reading import Reading

MOST_JOBS, LONGEST_JOB, LONGEST_EXPERIMENT = 60, 8_000, 120_000


@dataclass(frozen=True)
class Settings:
    """The settings of one job, or of the whole experiment, as YAML."""

    name: str
    text: str


@dataclass(frozen=True)
class Environment:
    """What a reader needs to run it again."""

    facts: Sequence[tuple[str, str]]
    packages: Sequence[str]
    """Of the jobs' components, as recorded."""
    installed: Sequence[str]
    """Where the report is written."""
    experiment: Settings
    jobs: Sequence[Settings]
    left_out: int


def read_environment(reading: Reading) -> Environment:
    """Collect packages, machine and settings; secrets are masked."""
    run = reading.run
    packages = sorted({job.package for job in reading.jobs if job.package})
    facts = [
        ("Experiment file", run.experiment),
        ("Run folder", str(run.folder)),
        ("This report was written by", f"djsb {__version__}, Python {platform.python_version()}"),
        ("on", f"{platform.system()} {platform.machine()}, {os.cpu_count() or 1} CPU cores"),
    ]
    shown = [job for job in reading.latest if any(job.settings.values())]
    jobs = [
        Settings(
            reading.named(job.pipeline, job.meta_name),
            _yaml(reading, reading.readable(_filled(job.settings)), LONGEST_JOB),
        )
        for job in shown[:MOST_JOBS]
    ]
    whole = Settings("experiment", _yaml(reading, run.settings, LONGEST_EXPERIMENT))
    return Environment(facts, packages, _installed(), whole, jobs, len(shown) - len(jobs))


def _installed() -> list[str]:
    headers = [one.metadata for one in distributions()]  # each is parsed when it is asked for
    found = {one["Name"]: one["Version"] for one in headers if one["Name"]}
    return [f"{name} {found[name]}" for name in sorted(found, key=str.lower)]


def _filled(settings: Any) -> dict[str, Any]:  # noqa: ANN401 (a mapping of sections)
    return {key: value for key, value in settings.items() if value is not None}


def _yaml(reading: Reading, value: Any, longest: int) -> str:  # noqa: ANN401 (any settings)
    """Write settings, without secrets and with a limit."""
    masked = reading.masker.value(value)
    text = yaml.safe_dump(masked, sort_keys=False, allow_unicode=True, width=100)
    return text if len(text) <= longest else f"{text[:longest]}\n# … cut here; see experiment.json"
