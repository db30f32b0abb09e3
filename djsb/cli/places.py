"""The place that a command looks into: the last argument that is one, or ``-w``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ResultT = TypeVar("ResultT")

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
    """Split the arguments of a command into names and the place; see :mod:`djsb.query.place`."""
    from djsb.query.place import split_place as split

    return split(arguments, work_dir, most=most)


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
