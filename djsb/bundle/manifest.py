"""What is in an exported run, and how it is read back: it may come from anybody."""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from djsb_core.errors import RequestError

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1
MANIFEST, EXPERIMENT, ENVIRONMENT = "bundle.json", "experiment.json", "environment.json"
FILES = (MANIFEST, EXPERIMENT, ENVIRONMENT)
INPUTS = "inputs"
"""Folder of the inputs that are part of an export."""
LARGEST = 64 * 2**20
"""Bytes of the largest JSON file in an export that is read."""


class Input(BaseModel):
    """One file or folder that the run's settings name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str = Field(description="The path as the settings give it.")
    digest: str = Field(description="Of its content when the run read it.")
    size: int = Field(ge=0, description="In bytes; 0 if it was gone when the run was exported.")
    member: str | None = Field(description="Its place in the export, if it is there.")


class Expected(BaseModel):
    """What one job measured."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    iteration: int
    position: int
    job: str
    metrics: dict[str, float | str]


class Manifest(BaseModel):
    """Everything about an exported run that is not its experiment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1]
    djsb: str = Field(description="The version that exported it.")
    run: str
    project_name: str
    experiment_name: str
    started: float
    inputs: list[Input]
    secrets: list[str] = Field(description="Settings that were left out, as --set takes them.")
    expected: list[Expected]


def read_manifest(archive: zipfile.ZipFile, path: Path) -> Manifest:
    """Read the manifest of an export.

    :raises RequestError: if the file is not an export of this format
    """
    try:
        return Manifest.model_validate_json(_read(archive, MANIFEST))
    except KeyError:
        raise RequestError(f"{path}: not an exported run: it has no {MANIFEST}") from None
    except (ValidationError, ValueError, zipfile.BadZipFile) as error:
        line = str(error).splitlines()[0]
        raise RequestError(f"{path}: {MANIFEST} cannot be read: {line}") from error


def read_json(archive: zipfile.ZipFile, name: str, path: Path) -> dict[str, object]:
    """Read a JSON object of an export.

    :raises RequestError: if there is none
    """
    try:
        value = json.loads(_read(archive, name))
    except (KeyError, ValueError, RecursionError, zipfile.BadZipFile) as error:
        raise RequestError(f"{path}: {name} cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise RequestError(f"{path}: {name} is no JSON object")
    return value


def safe_members(archive: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    """List the files of an export.

    :raises RequestError: if one would be written outside the folder of the export
    """
    members = [member for member in archive.infolist() if not member.is_dir()]
    for member in members:
        place = PurePosixPath(member.filename)
        is_link = stat.S_ISLNK(member.external_attr >> 16)
        known = place.parts[:1] == (INPUTS,) or member.filename in FILES
        if is_link or not known or ".." in place.parts or "\\" in member.filename:
            raise RequestError(f"{path}: no file of an exported run: {member.filename!r}")
    return members


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > LARGEST:
        raise ValueError("too large")
    return archive.read(name)
