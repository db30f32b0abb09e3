"""The place that a command looks into: the last argument that is one, or ``-w``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from djsb.query.select import is_place
from djsb_core.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

SUFFIXES = frozenset({".yaml", ".yml", ".json"})


def split_place(
    arguments: Sequence[str | None], work_dir: Path | None, *, most: int | None = None
) -> tuple[list[str], Path | None]:
    """Split the arguments of a command into names and the place.

    :param work_dir: the place given with ``-w``
    :param most: number of names that the command takes; what follows is the place
    :raises RequestError: if there are two places
    """
    names = [argument for argument in arguments if argument is not None]
    extra = most is not None and len(names) > most
    if not names or not (extra or is_place(names[-1]) or _looks_like_path(names[-1])):
        return names, work_dir
    if work_dir is not None:
        raise RequestError(f"two places are given: {names[-1]} and -w {work_dir}")
    return names[:-1], Path(names[-1])


def _looks_like_path(text: str) -> bool:
    """Return whether a text is a path, though nothing is there: no run or job has such a name."""
    return (
        Path(text).suffix in SUFFIXES
        or text.startswith(("/", "./", "../", "~"))
        or text[-1:] == "/"
    )
