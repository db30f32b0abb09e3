"""Run an exported run again, and compare what it measures with what was measured then."""

from __future__ import annotations

import math
import shutil
import zipfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from djsb.bundle.export import measured_by
from djsb.bundle.inline import replaced
from djsb.bundle.manifest import (
    ENVIRONMENT,
    EXPERIMENT,
    FILES,
    INPUTS,
    MANIFEST,
    Input,
    Manifest,
    read_json,
    read_manifest,
    safe_members,
)
from djsb.cache.digests import Digests
from djsb_core.errors import RequestError
from djsb_core.text import json_text, size_text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from djsb.store.records import RunRecord
    from djsb.store.store import Store

CLOSE = 1e-6
"""Relative difference up to which two values count as the same but for rounding."""


@dataclass(frozen=True)
class Unpacked:
    """An export, ready to be run."""

    folder: Path
    experiment: Path
    manifest: Manifest
    environment: dict[str, Any]


@dataclass(frozen=True)
class Value:
    """One value, then and now."""

    job: str
    metric: str
    expected: float | str
    measured: float | str | None
    """``None`` if it was not measured now."""

    @property
    def is_equal(self) -> bool:
        """Whether the two are the same in every digit."""
        both = (self.expected, self.measured)
        are_nan = all(isinstance(value, float) and math.isnan(value) for value in both)
        return are_nan or self.expected == self.measured

    @property
    def is_close(self) -> bool:
        """Whether the two are the same but for rounding."""
        if isinstance(self.expected, str) or not isinstance(self.measured, float | int):
            return self.is_equal
        return self.is_equal or math.isclose(self.expected, self.measured, rel_tol=CLOSE)


def unpack(
    path: Path, folder: Path, data: Sequence[Path] = (), given: Collection[str] = ()
) -> Unpacked:
    """Unpack an export into a new folder, with the inputs that are not part of it found here.

    A folder into which it was unpacked, and where nothing ran, is used again.

    :param data: folders in which such inputs are looked for; by default here, and where they were
    :param given: settings whose values the user gives
    :raises RequestError: if the file is no export, the folder is in use, or inputs or secrets are
        missing; then nothing is written
    """
    if folder.exists() and not _is_free(folder):
        raise RequestError(f"{folder} exists already; name another folder with -o")
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = read_manifest(archive, path)
            _check_secrets(path, manifest, given)
            members = safe_members(archive, path)
            experiment = read_json(archive, EXPERIMENT, path)
            environment = read_json(archive, ENVIRONMENT, path)
            texts = _locate(manifest.inputs, data or (Path(), Path("/")))
            folder.mkdir(parents=True, exist_ok=True)
            for member in members:
                archive.extract(member, folder)
    except zipfile.BadZipFile as error:
        raise RequestError(f"{path}: not an exported run: {error}") from error
    except OSError as error:
        raise RequestError(f"cannot unpack {path}: {error.strerror or error}") from error
    file = folder / EXPERIMENT
    file.write_text(json_text(replaced(experiment, texts), indent=2) + "\n", encoding="utf-8")
    _check_inputs(manifest.inputs, folder)
    return Unpacked(folder, file, manifest, environment)


def _is_free(folder: Path) -> bool:
    """Return whether a folder has nothing but the files of an export."""
    if not folder.is_dir():
        return False
    names = {entry.name for entry in folder.iterdir()}
    return not names or (MANIFEST in names and names <= {*FILES, INPUTS})


def _check_secrets(path: Path, manifest: Manifest, given: Collection[str]) -> None:
    """Ask for the settings that were left out.

    :raises RequestError: that names those that are not given
    """
    missing = [place for place in manifest.secrets if place not in given]
    if missing:
        wanted = " ".join(f"--set {place}=…" for place in missing)
        raise RequestError(f"secrets were left out of {path}; give them: {wanted}")


def _locate(inputs: Sequence[Input], folders: Sequence[Path]) -> dict[str, str]:
    """Find the inputs that are not part of the export, by their content.

    :raises RequestError: that lists those that are missing or differ
    """
    texts: dict[str, str] = {}
    missing = []
    for entry in inputs:
        if entry.member is not None:
            continue
        name = Path(entry.text)
        relative = name.relative_to("/") if name.is_absolute() else name
        places = [folder / one for folder in folders for one in (relative, name.name)]
        existing = [place for place in dict.fromkeys(places) if place.exists()]
        same = next((place for place in existing if _digest(place) == entry.digest), None)
        if same is not None:
            texts[entry.text] = str(same.absolute())
            continue
        size = f" ({size_text(entry.size)})" if entry.size else ""
        seen = f": {existing[0]} has other content" if existing else ""
        missing.append(f"{entry.text}{size}{seen}")
    if missing:
        looked = " and ".join(str(folder.absolute()) for folder in folders)
        raise RequestError(
            "\n  ".join([f"inputs of the run are missing (looked in {looked}):", *missing])
            + "\nName the folder where they are: --data FOLDER"
        )
    return texts


def _check_inputs(inputs: Sequence[Input], folder: Path) -> None:
    """Refuse an export whose inputs are not those of its run.

    :raises RequestError: that names one
    """
    for entry in inputs:
        if entry.member is not None and _digest(folder / entry.member) != entry.digest:
            shutil.rmtree(folder)
            raise RequestError(f"the export is damaged: {entry.member} has other content")


def _digest(path: Path) -> str:
    with TemporaryDirectory() as folder, closing(Digests(Path(folder) / "digests")) as digests:
        return digests.path(path)


def compare(manifest: Manifest, store: Store, run: RunRecord) -> list[Value]:
    """Compare what a run measured with what was measured then, job by job."""
    jobs = {(job.iteration, job.position): job for job in store.jobs(run.id)}
    values = []
    for expected in manifest.expected:
        job = jobs.get((expected.iteration, expected.position))
        measured = measured_by(store, job) if job is not None else {}
        values += [
            Value(expected.job, name, value, measured.get(name))
            for name, value in expected.metrics.items()
        ]
    return values
