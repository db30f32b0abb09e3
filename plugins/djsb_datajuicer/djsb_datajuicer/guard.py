"""Calls an operator's method so that only the rows on which it fails are lost.

Data-Juicer calls most methods with 1,000 rows at a time, and drops all of them if one fails. Here
the rows of such a batch are read again, and halved until the failing ones are alone.
"""

from __future__ import annotations

from functools import update_wrapper
from typing import TYPE_CHECKING, Any

from djsb_datajuicer.failures import (
    NEVER_A_ROW,
    RowFailedError,
    TooManyFailedError,
    describe,
)
from djsb_datajuicer.rider import RIDER
from djsb_datajuicer.stats_column import STATS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from djsb_datajuicer.failures import Notes

Columns = dict[str, list[Any]]


class UnknownOriginError(Exception):
    """An operator made new rows, and does not say from which."""


class Guard:
    """A method of an operator that takes a batch of rows and returns rows.

    Each call notes the rows that fail. ``datasets`` pickles it for its worker processes.
    """

    def __init__(
        self, method: Callable[..., Any], notes: Notes, *, tolerated: int | None, multiplies: bool
    ) -> None:
        """Wrap a method.

        :param method: raises an exception if it fails
        :param notes: receives what happens to single rows
        :param tolerated: number of rows that may fail; ``None`` if none may
        :param multiplies: whether it may return another number of rows
        """
        # Data-Juicer looks up the operator to which a function belongs.
        update_wrapper(self, method)
        self._method = method
        self._notes = notes
        self._tolerated = tolerated
        self._multiplies = multiplies
        self._failed = 0

    def __call__(self, samples: Any, *arguments: Any, **settings: Any) -> Any:  # noqa: ANN401
        """Run the method; the rows that it fails on are missing in the result."""
        rows = samples.get(RIDER, None)
        if not isinstance(rows, list):  # `turbo`: one row, which may not fail
            return self._method(samples, *arguments, **settings)
        try:
            return self._attempt(samples, rows, arguments, settings)
        except NEVER_A_ROW:
            raise
        except Exception as error:  # noqa: BLE001 (an operator may raise anything)
            parts = list(self._isolated(samples, rows, arguments, settings, error))
        return self._merged(samples, parts)

    def _attempt(self, samples: Any, rows: list[int], arguments: Any, settings: Any) -> Any:  # noqa: ANN401
        if not self._multiplies:
            del samples[RIDER]
        result = self._method(samples, *arguments, **settings)
        if not self._multiplies:
            result[RIDER] = rows
        elif RIDER not in result or not _fits(result, rows):
            size = _size(result, len(rows))
            if len(rows) != 1 and size != len(rows):
                raise UnknownOriginError
            result[RIDER] = rows if size == len(rows) else rows * size
        return result

    def _isolated(
        self,
        samples: Any,  # noqa: ANN401 (a batch of `datasets`)
        rows: list[int],
        arguments: Any,  # noqa: ANN401 (as given)
        settings: Any,  # noqa: ANN401 (as given)
        error: Exception,
    ) -> Iterator[tuple[list[int], Any]]:
        """Yield the results of the parts of a failed batch that do not fail."""
        if len(rows) == 1:
            self._fail(rows[0], error)
            return
        half = len(rows) // 2
        for part in (slice(0, half), slice(half, len(rows))):
            fresh = _fresh(samples, part)
            try:
                yield rows[part], self._attempt(fresh, rows[part], arguments, settings)
            except NEVER_A_ROW:
                raise
            except Exception as problem:  # noqa: BLE001 (an operator may raise anything)
                yield from self._isolated(fresh, rows[part], arguments, settings, problem)

    def _fail(self, row: int, error: Exception) -> None:
        if self._tolerated is None:
            raise RowFailedError(row, describe(error)) from error
        self._failed += 1
        self._notes.add({"failed": row, "error": describe(error)})
        if self._failed > self._tolerated:
            raise TooManyFailedError from error

    def _merged(self, samples: Any, parts: Sequence[tuple[list[int], Any]]) -> Any:  # noqa: ANN401
        columns = [{name: list(part[name]) for name in part} for _, part in parts]
        names = dict.fromkeys(name for part in columns for name in part) or dict.fromkeys(samples)
        merged: Columns = {name: [] for name in (*names, RIDER)}
        for part in columns:
            for name, values in merged.items():
                values.extend(part.get(name, [None] * len(part[RIDER])))
        for name in set(samples) - set(merged):  # `datasets` would keep what an operator removes
            del samples[name]
        return merged


class DecidingGuard(Guard):
    """A filter's ``process``, which returns for each row whether it is kept."""

    def __init__(
        self,
        method: Callable[..., Any],
        notes: Notes,
        *,
        tolerated: int | None,
        statistics: frozenset[str],
    ) -> None:
        """Wrap a method.

        :param statistics: names of the statistics on which the filter decides, if known
        """
        super().__init__(method, notes, tolerated=tolerated, multiplies=False)
        self._statistics = statistics

    def _attempt(self, samples: Any, rows: list[int], arguments: Any, settings: Any) -> Any:  # noqa: ANN401
        del samples[RIDER]
        keep = [bool(decision) for decision in self._method(samples, *arguments, **settings)]
        if len(keep) != len(rows):
            raise ValueError(f"{len(keep)} decisions for {len(rows)} rows")
        stats = samples[STATS] if STATS in samples else [{}] * len(rows)
        dropped = [position for position, kept in enumerate(keep) if not kept]
        if dropped:
            values = columns_of([stats[position] for position in dropped], self._statistics)
            self._notes.add({"dropped": [rows[position] for position in dropped], "values": values})
        return keep

    def _merged(self, samples: Any, parts: Sequence[tuple[list[int], Any]]) -> Any:  # noqa: ANN401
        decisions = {
            row: kept for rows, keep in parts for row, kept in zip(rows, keep, strict=True)
        }
        return [decisions.get(row, False) for row in samples.pa_table[RIDER].to_pylist()]


def columns_of(stats: Sequence[Any], wanted: frozenset[str]) -> Columns:
    """Return the statistics of rows, one list per statistic.

    :param wanted: names of statistics; if rows have none of them, all that they have
    """
    names = dict.fromkeys(name for row in stats for name in row or ())
    chosen = [name for name in names if name in wanted] or list(names)
    return {name: [(row or {}).get(name) for row in stats] for name in chosen}


def _fresh(samples: Any, part: slice) -> Any:  # noqa: ANN401 (a batch of `datasets`)
    """Read rows of a batch again: an operator may have changed them before it failed."""
    from data_juicer.core.data.dj_dataset import nested_obj_factory

    table = samples.pa_table.slice(part.start, part.stop - part.start)
    return nested_obj_factory(type(samples)(table, samples.formatter))


def _fits(result: Any, rows: list[int]) -> bool:  # noqa: ANN401 (rows, untyped)
    """Return whether the rider of a result names rows of the batch, one for each result."""
    origins = result[RIDER]
    if origins is rows or origins == rows:
        return _size(result, len(rows)) == len(rows)
    known = set(rows)
    plain = all(isinstance(origin, int) and origin in known for origin in origins)
    return plain and len(origins) == _size(result, len(origins))


def _size(result: Any, default: int) -> int:  # noqa: ANN401 (rows, untyped)
    """Return the number of rows of a result; the default if no column has been looked at."""
    waiting = getattr(result, "keys_to_format", ())
    for name in result:
        if name != RIDER and name not in waiting:
            return len(result[name])
    return default
