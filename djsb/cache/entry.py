"""One finished execution of a job in the cache."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from djsb_core.folders.files import DONE, read_object, size_of
from djsb_core.job.reports import ArtifactKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RECORD: Mapping[str, type | tuple[type, ...]] = {
    "meta_name": str,
    "pipeline": str,
    "hook": str,
    "component": (str, type(None)),
    "run": str,
    "seconds": (int, float),
    "created": (int, float),
    "outputs": dict,
    "points": list,
    "artifacts": list,
    "digests": dict,
}
"""Required fields of a record and their types; it may have more."""

CHECKSUM = "checksum"
"""Digest of the other fields."""

UNUSABLE = "unusable"
"""Optional field: why the result is kept for its own run only."""


@dataclass(frozen=True)
class Entry:
    """One complete attempt at a job."""

    key: str
    folder: Path
    record: Mapping[str, Any] = field(compare=False, repr=False)

    @property
    def meta_name(self) -> str:
        """Name of the job."""
        return str(self.record["meta_name"])

    @property
    def pipeline(self) -> str:
        """Name of the job's pipeline."""
        return str(self.record["pipeline"])

    @property
    def hook(self) -> str:
        """Name of the job's hook."""
        return str(self.record["hook"])

    @property
    def component(self) -> str | None:
        """Name of the job's component; None if its hook works alone."""
        name = self.record["component"]
        return None if name is None else str(name)

    @property
    def run_id(self) -> str:
        """The run that executed the job."""
        return str(self.record["run"])

    @property
    def unusable(self) -> str | None:
        """Why no later run may reuse it; ``None`` if it may."""
        reason = self.record.get(UNUSABLE)
        return None if reason is None else str(reason)

    @property
    def outputs(self) -> dict[str, Any]:
        """The job's outputs by name; secrets are sealed, paths adjusted to the current location."""
        return {name: self._relocated(value) for name, value in self.record["outputs"].items()}

    def _relocated(self, value: Any) -> Any:  # noqa: ANN401 (any output)
        """Adjust paths inside the entry: the cache may have been moved."""
        if isinstance(value, list):
            return [self._relocated(item) for item in value]
        if isinstance(value, dict):
            return {key: self._relocated(item) for key, item in value.items()}
        if isinstance(value, str):
            # No other path contains the key.
            before, match, after = value.partition("/".join(("", *self.folder.parts[-3:])))
            if match and before.startswith("/") and after[:1] in ("", "/"):
                return f"{self.folder}{after}"
        return value

    @property
    def points(self) -> list[Any]:
        """The metrics that the job reported: lists of name, value, step, seconds."""
        return list(self.record["points"])

    @property
    def artifacts(self) -> list[tuple[str, str, int | None, Path]]:
        """The files that the job reported: name, kind, step, path."""
        return [
            (name, kind, step, self.folder / path)
            for name, kind, step, path in self.record["artifacts"]
        ]

    @property
    def seconds(self) -> float:
        """Duration of the job."""
        return float(self.record["seconds"])

    @property
    def created(self) -> float:
        """When the job was executed: seconds since the epoch."""
        return float(self.record["created"])

    @cached_property
    def used(self) -> float:
        """When the entry was last used: seconds since the epoch; read once."""
        try:
            return (self.folder / DONE).stat().st_mtime
        except OSError:  # removed in the meantime
            return self.created

    @property
    def size(self) -> int:
        """Bytes of the folder's files; hard links count once."""
        return self._sizes[0]

    @property
    def own_size(self) -> int:
        """Bytes of the files without hard links elsewhere: freed if it is removed."""
        return self._sizes[1]

    @cached_property
    def _sizes(self) -> tuple[int, int]:
        return size_of(self.folder)


def read_entry(key: str, folder: Path) -> Entry | None:
    """Read an attempt; None if it is incomplete, or its record is damaged."""
    record = read_object(folder / DONE)
    if record is None or record.get(CHECKSUM) != checksum(record) or lacks(record):
        return None
    return Entry(key, folder, record)


def checksum(record: Mapping[str, Any]) -> str:
    """Digest a record, so that damage to any part of it is noticed."""
    rest = {name: value for name, value in record.items() if name != CHECKSUM}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def lacks(record: Mapping[str, Any]) -> list[str]:
    """List the fields of a record that are missing or of a wrong form."""
    wrong = [name for name, kind in RECORD.items() if not isinstance(record.get(name), kind)]
    forms = {"points": _is_point, "artifacts": _is_artifact}
    for name, is_one in forms.items():
        if name not in wrong and not all(map(is_one, record[name])):
            wrong.append(name)
    if "digests" not in wrong and not all(isinstance(d, str) for d in record["digests"].values()):
        wrong.append("digests")
    return wrong


def _is_point(value: object) -> bool:
    """Return whether a value is a name, a number or text, a step, and seconds."""
    match value:
        case [str(), str() | int() | float(), int() | None, int() | float()]:
            return True
    return False


def _is_artifact(value: object) -> bool:
    """Return whether a value is a name, a known kind, a step, and a path."""
    match value:
        case [str(), str(kind), int() | None, str(path)]:
            return kind in tuple(ArtifactKind) and "\0" not in path
    return False
