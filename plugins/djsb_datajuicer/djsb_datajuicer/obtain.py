"""Gets what a recipe's operators load, before a run needs it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from djsb_core.api import ComponentError, RequestError, counted, size_text
from djsb_datajuicer.download import download
from djsb_datajuicer.weights import Weight, list_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

DIGEST = re.compile("[0-9a-f]{64}")
STEP = 10
"""Percent between two lines of progress."""


def read_weights(recipe: Path) -> list[Weight]:
    """List what a recipe's operators load.

    :raises RequestError: if the file is not a recipe, or has mistakes
    """
    import yaml
    from pydantic import ValidationError
    from pydantic_core import PydanticCustomError

    from djsb_datajuicer.process_list import checked
    from djsb_datajuicer.sources import custom_files

    try:
        content = yaml.safe_load(recipe.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RequestError(f"{recipe}: cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict) or "process" not in content:
        raise RequestError(
            f"{recipe}: has no 'process' list; name a Data-Juicer recipe, "
            "the file that a job has as dj_configs"
        )
    custom = custom_files(map(str, content.get("custom_operator_paths") or ()))
    try:
        steps = checked(content["process"], custom)
    except PydanticCustomError as error:
        raise RequestError(f"{recipe}: {error}") from error
    except ValidationError as error:
        problems = (
            f"{recipe}: process[{details['loc'][0]}]"
            f"{''.join(f'.{part}' for part in details['loc'][1:])}: {details['msg']}"
            for details in error.errors()
        )
        raise RequestError("\n".join(problems)) from error
    return list_weights([next(iter(step.items())) for step in steps], custom)


def parse_digests(texts: Sequence[str]) -> dict[str, str]:
    """Read ``FILE=DIGEST``.

    :raises RequestError: if one is not a SHA-256 digest
    """
    digests = {}
    for text in texts:
        name, _, digest = text.rpartition("=")
        if not name or not DIGEST.fullmatch(digest.lower()):
            raise RequestError(f"--sha256: must be FILE=DIGEST, not '{text}'")
        digests[name] = digest.lower()
    return digests


def obtain(
    weights: Sequence[Weight],
    mirrors: Sequence[str],
    hub: str | None,
    digests: Mapping[str, str],
    tell: Callable[[str], None],
) -> list[Weight]:
    """Download what is missing; return the weights as they are then.

    :param mirrors: addresses of folders with the files, tried first
    :param hub: address of a mirror of the Hugging Face hub
    :param digests: SHA-256 of files by their names, before those that are known
    :param tell: called with a line at a time
    """
    unknown = sorted(set(digests) - {weight.name for weight in weights})
    if unknown:
        names = ", ".join(weight.name for weight in weights) or "none"
        raise RequestError(f"--sha256: no file '{unknown[0]}' is needed; needed: {names}")
    result = []
    for weight in weights:
        current = weight
        if not weight.exists and weight.is_published:
            try:
                if weight.is_hub_model:
                    _obtain_model(weight, hub, tell)
                else:
                    urls = [f"{mirror.rstrip('/')}/{weight.name}" for mirror in mirrors]
                    digest = digests.get(weight.name, weight.sha256)
                    say = _Progress(weight.name, tell)
                    download([*urls, *weight.urls], weight.path, digest, say)
                current = replace(weight, exists=True)
            except ComponentError as error:
                tell(str(error))
        result.append(current)
    return result


def _obtain_model(weight: Weight, hub: str | None, tell: Callable[[str], None]) -> None:
    """Download a model with the hub's own client, which resumes and checks digests."""
    from huggingface_hub import snapshot_download

    tell(f"{weight.name}: downloading from the hub")
    try:
        snapshot_download(weight.name, cache_dir=weight.path.parent, endpoint=hub, etag_timeout=10)
    except Exception as error:
        # Its own errors, those of its transport, and of the disk.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ComponentError(f"{weight.name}: not downloaded from the hub: {reason}") from error


class _Progress:
    """Tells how far a download is, every tenth."""

    def __init__(self, name: str, tell: Callable[[str], None]) -> None:
        self.name, self.tell, self.shown = name, tell, -1

    def __call__(self, done: int, size: int | None) -> None:
        percent = 100 * done // size if size else 0
        if percent // STEP > self.shown:
            self.shown = percent // STEP
            of = f" of {size_text(size)}" if size else ""
            self.tell(f"{self.name}: {size_text(done)}{of}")


def weights_text(weights: Sequence[Weight], recipe: Path) -> str:
    """Show the weights as a table."""
    if not weights:
        return f"{recipe}: needs no weights"
    rows: list[tuple[Any, ...]] = [
        (
            "ok" if weight.exists else "missing",
            weight.name,
            size_text(weight.size) if weight.size is not None else "size unknown",
            str(weight.path),
        )
        for weight in weights
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join([*(row[i].ljust(widths[i]) for i in range(3)), row[3]]).rstrip() for row in rows
    ]
    missing = sum(not weight.exists for weight in weights)
    count = f"{counted(len(weights), 'file')} or models, {missing} missing"
    return "\n".join([*lines, f"{recipe}: {count}"])
