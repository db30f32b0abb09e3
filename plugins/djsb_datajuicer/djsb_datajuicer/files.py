"""Moves finished results to where a recipe wants them: whole, or not at all."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from pathlib import Path


def publish(staged: Path, folder: Path) -> list[Path]:
    """Move everything in a folder to another one, and return the new paths.

    :param staged: folder with finished files; gone afterwards
    :param folder: where they go; made if it is missing
    """
    folder.mkdir(parents=True, exist_ok=True)
    # The dataset comes last: when it is there, its statistics are there too.
    waiting = sorted(staged.iterdir(), key=lambda path: (not path.stem.endswith("_stats"), path))
    moved = [_move(path, folder / path.name) for path in waiting]
    staged.rmdir()
    return moved


def copy(source: Path, target: Path) -> None:
    """Copy one finished file so that its target is never seen half-written."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{uuid4().hex}")
    shutil.copyfile(source, beside)
    beside.replace(target)


def _move(source: Path, target: Path) -> Path:
    if target.is_dir():
        shutil.rmtree(target)
    try:
        os.replace(source, target)  # noqa: PTH105 (says that the target is replaced)
    except OSError:
        # Another file system: copy beside the target first.
        beside = target.with_name(f".{target.name}.{uuid4().hex}")
        shutil.move(source, beside)
        beside.replace(target)
    return target
