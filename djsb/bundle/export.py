"""Export a run: its experiment with its files, and what it read, used and measured."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb import __version__
from djsb.bundle.inline import inlined, replaced
from djsb.bundle.manifest import (
    ENVIRONMENT,
    EXPERIMENT,
    FORMAT,
    INPUTS,
    MANIFEST,
    Expected,
    Input,
    Manifest,
)
from djsb.cache.cache import Cache, cache_root
from djsb.cache.digests import walk
from djsb.config.experiment import lookup_folders
from djsb.query.facts import job_names
from djsb_core.errors import RequestError
from djsb_core.interfaces.paths import PathContext
from djsb_core.masking import MASK, Masker
from djsb_core.metrics import MetricKind
from djsb_core.text import json_text
from djsb_core.whole_files import beside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from djsb.store.records import JobRecord, RunRecord
    from djsb.store.store import Store

SMALL = 2**20
"""Bytes of the largest input that is part of an export unless all data is asked for."""
FILE_PART = {"file", "digest"}
DONE = ("finished", "cached")
WORK_DIR = "outputs"
"""The work_dir of an exported experiment, beside its file."""


@dataclass(frozen=True)
class Exported:
    """What was exported."""

    path: Path
    manifest: Manifest


def export_run(store: Store, run: RunRecord, path: Path, *, with_data: bool = False) -> Exported:
    """Write a run as one file that ``djsb reproduce`` runs again.

    Data is included up to 1 MiB per input; of larger inputs the file has digests.

    :param with_data: include all inputs, whatever their size
    :raises RequestError: if the run has no finished job, a file of its experiment is gone, or the
        file cannot be written
    """
    jobs = store.jobs(run.id)
    if not any(job.status in DONE for job in jobs):
        raise RequestError(f"run {run.id} has no finished job: there is nothing to compare with")
    context = PathContext(lookup_folders(Path(run.experiment_file)))
    cache = Cache(cache_root(store.work_dir))
    try:
        found = dict(_inputs(jobs, cache))
        inputs, sources = _collect(found, context, cache, with_data=with_data)
    finally:
        cache.digests.close()
    experiment = _experiment(run, jobs, inputs, context)
    manifest = Manifest(
        format=FORMAT,
        djsb=__version__,
        run=run.id,
        project_name=run.project_name,
        experiment_name=run.experiment_name,
        started=run.started,
        inputs=inputs,
        secrets=list(_secrets(experiment)),
        expected=_expected(store, jobs),
    )
    environment = Masker.of(run.settings).value(store.environment(run))
    texts = {
        MANIFEST: manifest.model_dump_json(indent=2),
        EXPERIMENT: json_text(experiment, indent=2),
        ENVIRONMENT: json_text(environment, indent=2),
    }
    _write(path, texts, sources)
    return Exported(path, manifest)


def _inputs(jobs: Sequence[JobRecord], cache: Cache) -> Iterator[tuple[str, str]]:
    """Yield the paths that settings name for inputs, with the digests of what was read."""
    results = [str(job.files) for job in jobs if job.files]
    results += [place for job in jobs for place in job.exports.values()]
    for job in jobs:
        parts = cache.parts_of(job.fingerprint) if job.fingerprint else {}
        for text, digest in _named(job.settings, parts.get("settings")):
            absolute = os.path.abspath(text)  # noqa: PTH100 (as the settings give it)
            if not any(absolute == place or absolute.startswith(f"{place}/") for place in results):
                yield text, digest


def _named(settings: object, parts: object) -> Iterator[tuple[str, str]]:
    """Walk settings and the parts of a key side by side; yield what is a path in the one."""
    if isinstance(settings, str) and isinstance(parts, dict) and parts.keys() == FILE_PART:
        yield settings, str(parts["digest"])
    elif isinstance(settings, dict) and isinstance(parts, dict):
        for key, value in settings.items():
            yield from _named(value, parts.get(key))
    elif isinstance(settings, list) and isinstance(parts, list):
        for value, part in zip(settings, parts, strict=False):
            yield from _named(value, part)


def _collect(
    found: Mapping[str, str], context: PathContext, cache: Cache, *, with_data: bool
) -> tuple[list[Input], dict[str, Path]]:
    """Describe the inputs; return also where those are that become part of the file."""
    inputs, sources = [], {}
    for number, (text, digest) in enumerate(sorted(found.items()), start=1):
        path = context.find(Path(text))
        size = sum(at.stat().st_size for at in _files(path)) if path is not None else 0
        member = None
        unchanged = path is not None and cache.digests.path(path) == digest
        if path is not None and unchanged and (with_data or size <= SMALL):
            member = f"{INPUTS}/{number:02d}/{path.name}"
            sources[member] = path
        inputs.append(Input(text=text, digest=digest, size=size, member=member))
    return inputs, sources


def _files(path: Path) -> list[Path]:
    return [Path(at) for _, at, state in walk(str(path)) if state] if path.is_dir() else [path]


def _experiment(
    run: RunRecord, jobs: Sequence[JobRecord], inputs: Sequence[Input], context: PathContext
) -> dict[str, Any]:
    """Return the experiment as it can be run beside its inputs."""
    texts = {entry.text: entry.member for entry in inputs if entry.member}
    for job in jobs:  # results at absolute places are written beside the experiment
        for place in job.exports.values():
            texts.setdefault(place, f"{WORK_DIR}/named/{Path(place).name}")
    experiment: dict[str, Any] = replaced(inlined(run.settings, context), texts)
    experiment.pop("trackers", None)
    return {**experiment, "work_dir": WORK_DIR}


def _secrets(value: object, place: str = "") -> Iterator[str]:
    """Yield the places of what was masked, as ``--set`` takes them."""
    items: Iterator[tuple[object, object]]
    if isinstance(value, dict):
        items = iter(value.items())
    elif isinstance(value, list):
        items = iter(enumerate(value))
    else:
        if isinstance(value, str) and MASK in value:
            yield place
        return
    for key, item in items:
        yield from _secrets(item, f"{place}.{key}" if place else str(key))


def _expected(store: Store, jobs: Sequence[JobRecord]) -> list[Expected]:
    names = job_names(jobs)
    return [
        Expected(
            iteration=job.iteration,
            position=job.position,
            job=names[job.id],
            metrics=measured_by(store, job),
        )
        for job in jobs
        if job.status in DONE
    ]


def measured_by(store: Store, job: JobRecord) -> dict[str, float | str]:
    """Return what a job measured, without details such as its speed."""
    return {
        name: value
        for name, value in store.metrics(job.id).items()
        if job.declared(name).kind not in (MetricKind.DETAIL, MetricKind.WARNING)
    }


def _write(path: Path, texts: Mapping[str, str], sources: Mapping[str, Path]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            beside(path) as partial,
            zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for name, text in texts.items():
                archive.writestr(name, f"{text}\n")
            for member, source in sources.items():
                for file in _files(source):
                    inside = "" if file == source else f"/{file.relative_to(source).as_posix()}"
                    archive.write(file, f"{member}{inside}")
    except OSError as error:
        raise RequestError(f"cannot write {path}: {error.strerror or error}") from error
