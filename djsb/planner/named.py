"""Where the named results of a pipeline's seeds and iterations are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def in_subfolders(named: Path, subfolders: tuple[str, ...], *, folder: bool) -> Path:
    """Return the path of an iteration's result, as in the published format.

    ``out/kept.jsonl`` becomes ``out/iter_2/kept.jsonl``; the folder ``out`` becomes ``out/iter_2``.
    """
    if folder:
        return named.joinpath(*subfolders)
    return named.parent.joinpath(*subfolders, named.name)


def seed_folder(seed: int | None) -> tuple[str, ...]:
    """Name the folder for the results of a pipeline that is repeated with seeds."""
    return () if seed is None else (f"seed_{seed}",)
