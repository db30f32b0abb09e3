"""What decides a job's result, as one digest: the same fingerprint needs no second execution."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb_core.runner.settings import JobSettings, resolved_settings
from djsb_core.store.records import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from djsb_core.config.references import Reference
    from djsb_core.interfaces.component import AnyComponent
    from djsb_core.runner.planned import PlannedJob

CHUNK = 1 << 20


def fingerprint(
    job: PlannedJob,
    readers: Iterable[AnyComponent],
    values: Mapping[Reference, Any],
    upstream: Iterable[str],
) -> str:
    """Digest all that decides a job's result.

    Values of references count by the content of the files that they name, not by their paths:
    an earlier job that wrote the same bytes elsewhere changes nothing.

    :param readers: the job's hook and component, as they are configured
    :param values: the value of each reference of the job
    :param upstream: fingerprints of jobs whose metrics the job reads
    """
    settings = resolved_settings(job.spec, lambda reference: _content(values[reference]))
    parts = {
        "hook": [job.hook_offer.target, job.hook_offer.version],
        "component": _component(job),
        "settings": _comparable(settings),
        "files": sorted({digest_path(path) for one in readers for path in one.reads()}),
        "upstream": list(upstream),
        "outputs": job.output_names,
    }
    return hashlib.sha256(to_json(parts).encode()).hexdigest()


def digest_outputs(outputs: Mapping[str, Any], written: Iterable[Path]) -> dict[str, str]:
    """Digest every file and folder that a job's outputs name, and those its config names."""
    paths = {path for value in outputs.values() for path in _paths_in(value)} | set(written)
    return {str(path): digest_path(path) for path in sorted(paths) if path.exists()}


def is_intact(digests: Mapping[str, str]) -> bool:
    """Tell whether all files and folders still have the content that was recorded."""
    return all(
        Path(path).exists() and digest_path(Path(path)) == digest
        for path, digest in digests.items()
    )


def digest_path(path: Path) -> str:
    """Digest a file's content, or a folder's relative paths and contents."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        listed = [[str(file.relative_to(path)), _digest_file(file)] for file in files]
        return hashlib.sha256(json.dumps(listed).encode()).hexdigest()
    return _digest_file(path) if path.is_file() else "absent"


def _digest_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _component(job: PlannedJob) -> list[str] | None:
    offer = job.component_offer
    return [offer.target, offer.package, offer.version] if offer else None


def _comparable(settings: JobSettings) -> dict[str, Any]:
    return {"dj_configs": settings.dj_configs, "extra_configs": settings.extra_configs}


def _content(value: Any) -> Any:  # noqa: ANN401 (any output)
    """Replace the paths in a value by the digests of what they name."""
    if isinstance(value, str) and _is_path(value):
        return {"digest": digest_path(Path(value))}
    if isinstance(value, list):
        return [_content(item) for item in value]
    if isinstance(value, dict):
        return {key: _content(item) for key, item in value.items()}
    return value


def _paths_in(value: object) -> list[Path]:
    if isinstance(value, str) and _is_path(value):
        return [Path(value)]
    if isinstance(value, list):
        return [path for item in value for path in _paths_in(item)]
    if isinstance(value, dict):
        return [path for item in value.values() for path in _paths_in(item)]
    return []


def _is_path(text: str) -> bool:
    if "/" not in text or "\n" in text or len(text) > 1024:  # noqa: PLR2004 (no path is longer)
        return False
    try:
        return Path(text).is_absolute() and Path(text).exists()
    except (OSError, ValueError):  # a name that is too long: a text, not a path
        return False
