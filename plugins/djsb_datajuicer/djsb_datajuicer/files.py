"""Moves finished results to a recipe's export path, atomically."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from pathlib import Path


def publish(staged: Path, folder: Path) -> list[Path]:
    """Move everything in a folder to another one, and return the new paths.

    :param staged: folder with finished files; removed afterwards
    :param folder: target folder; created if missing
    """
    folder.mkdir(parents=True, exist_ok=True)
    # The dataset is moved last: when it exists, its statistics exist too.
    sources = sorted(staged.iterdir(), key=lambda path: (not path.stem.endswith("_stats"), path))
    targets = [_move(path, folder / path.name) for path in sources]
    staged.rmdir()
    return targets


def copy(source: Path, target: Path) -> None:
    """Copy one finished file so that its target is never seen half-written."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{uuid4().hex}")
    shutil.copyfile(source, temporary)
    temporary.replace(target)


def _move(source: Path, target: Path) -> Path:
    if target.is_dir():
        shutil.rmtree(target)
    try:
        os.replace(source, target)  # noqa: PTH105 (says that the target is replaced)
    except OSError:
        # Another file system: copy to the folder of the target first.
        temporary = target.with_name(f".{target.name}.{uuid4().hex}")
        shutil.move(source, temporary)
        temporary.replace(target)
    return target
