"""Group the values of a job at one step, for trackers that write rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from djsb_trackers.messages import Value


class Row(NamedTuple):
    """The values of a job at one step; its results if there is no step."""

    job: str
    step: int | None
    values: dict[str, float | str]


def rows(values: Iterable[Value]) -> Iterator[Row]:
    """Merge consecutive values; a second value of the same metric starts a new row."""
    row = None
    for value in values:
        if row is None or row[:2] != (value.job, value.step) or value.name in row.values:
            if row is not None:
                yield row
            row = Row(value.job, value.step, {})
        row.values[value.name] = value.value
    if row is not None:
        yield row
