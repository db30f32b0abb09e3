"""The machine, packages and exact settings of a run."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from djsb_report.reading import Reading

MOST_NAMES = 5
MOST_JOBS, LONGEST_JOB, LONGEST_EXPERIMENT = 60, 8_000, 120_000

SURROUNDINGS = {
    "Versions": {"djsb": "djsb {}", "python": "Python {}"},
    "System": {"distribution": "{}", "system": "{}", "machine": "{}"},
    "Machine": {"cpu": "{}", "cpu_count": "{} CPU cores", "memory": "{} GiB of memory"},
    "GPUs": {"gpus": "{}"},
    "Command": {"command": "{}"},
    "Working directory": {"working_directory": "{}"},
    "Git commit": {"git_commit": "{}"},
}
"""The recorded facts that are shown, by title and key, and how each is formatted."""


@dataclass(frozen=True)
class Settings:
    """The settings of one job, or of the whole experiment, as YAML."""

    name: str
    text: str


@dataclass(frozen=True)
class Environment:
    """What is needed to reproduce the run."""

    facts: Sequence[tuple[str, str]]
    packages: Sequence[str]
    """Of the jobs' components, as recorded."""
    installed: Sequence[str]
    """At the start of the run: djsb, its plugins and their dependencies."""
    experiment: Settings
    jobs: Sequence[Settings]
    left_out: int


def read_surroundings(reading: Reading) -> Environment:
    """Collect packages, machine and settings of the run; secrets are masked."""
    run = reading.run
    recorded = reading.store.environment(run)
    installed = recorded.get("packages")
    packages = [f"{k} {v}" for k, v in installed.items()] if isinstance(installed, dict) else []
    facts = [
        ("Experiment file", run.experiment_file),
        ("Run folder", str(run.folder)),
        *([("Sweep", run.sweep_name)] if run.sweep_name else []),
        *_facts(recorded),
        *_isolated(reading),
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
    used = sorted({job.package for job in reading.jobs if job.package})
    return Environment(facts, used, packages, whole, jobs, len(shown) - len(jobs))


def _facts(recorded: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Format what was recorded of the machine and the command."""
    if not recorded:
        yield "Machine and packages", "not recorded: this run is from an earlier version of djsb"
    known = {name: str(value) for name, value in recorded.items()}
    if isinstance(recorded.get("memory"), int):
        known["memory"] = f"{recorded['memory'] / 2**30:.1f}"
    for name, join in (("gpus", ", ".join), ("command", shlex.join)):
        if isinstance(recorded.get(name), list):
            known[name] = join(map(str, recorded[name]))
    for title, forms in SURROUNDINGS.items():
        parts = [text.format(known[name]) for name, text in forms.items() if name in known]
        if parts:
            yield title, ", ".join(parts)


def _isolated(reading: Reading) -> Iterator[tuple[str, str]]:
    """List the isolated environments, and the jobs that ran in each."""
    jobs: dict[str, list[str]] = {}
    for job in reading.latest:
        if job.environment:
            jobs.setdefault(job.environment, []).append(reading.named(job.pipeline, job.meta_name))
    for environment, names in jobs.items():
        yield f"Environment of {', '.join(names[:MOST_NAMES])}", environment


def _filled(settings: Any) -> dict[str, Any]:  # noqa: ANN401 (a mapping of sections)
    return {key: value for key, value in settings.items() if value is not None}


def _yaml(reading: Reading, value: Any, longest: int) -> str:  # noqa: ANN401 (any settings)
    """Format settings as YAML, without secrets and limited in length."""
    masked = reading.masker.value(value)
    text = yaml.safe_dump(masked, sort_keys=False, allow_unicode=True, width=100)
    return text if len(text) <= longest else f"{text[:longest]}\n# … cut here; see experiment.json"
