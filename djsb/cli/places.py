"""The place that a command looks into: the last argument that is one, or ``-w``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ResultT = TypeVar("ResultT")

SUFFIXES = frozenset({".yaml", ".yml", ".json"})

place_option = click.option(
    "work_dir",
    "-w",
    "--work-dir",
    metavar="WHERE",
    type=click.Path(path_type=Path),
    help="WHERE, as an option.",
)


def split_place(
    arguments: Sequence[str | None], work_dir: Path | None, *, most: int | None = None
) -> tuple[list[str], Path | None]:
    """Split the arguments of a command into names and the place.

    :param work_dir: the place given with ``-w``
    :param most: number of names that the command takes; what follows is the place
    :raises click.UsageError: if there are two places
    """
    from djsb.query.select import is_place

    names = [argument for argument in arguments if argument is not None]
    extra = most is not None and len(names) > most
    if not names or not (extra or is_place(names[-1]) or _looks_like_path(names[-1])):
        return names, work_dir
    if work_dir is not None:
        raise click.UsageError(f"two places are given: {names[-1]} and -w {work_dir}")
    return names[:-1], Path(names[-1])


def open_place(
    open_it: Callable[[Path | None], ResultT], where: Path | None, names: Sequence[str] = ()
) -> ResultT:
    """Open the store or cache of a place; if none is given, say which argument is not one.

    :raises RequestError: if there is none
    """
    from djsb.query.select import LAST
    from djsb_core.errors import RequestError

    try:
        return open_it(where)
    except RequestError as error:
        if where is not None or not names or LAST.fullmatch(names[-1]):
            raise
        raise RequestError(f"{error}: '{names[-1]}' is neither") from error


def _looks_like_path(text: str) -> bool:
    """Return whether a text is a path, though nothing is there: no run or job has such a name."""
    return (
        Path(text).suffix in SUFFIXES
        or text.startswith(("/", "./", "../", "~"))
        or text[-1:] == "/"
    )
