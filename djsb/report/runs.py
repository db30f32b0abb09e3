"""The runs of a work_dir: filtered, sorted, and shown with what differs between them."""

from __future__ import annotations

import re
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import zip_longest
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from djsb.query.facts import Facts, facts_of, job_of, shown
from djsb.query.names import Condition, Names
from djsb.query.status import status_of
from djsb.report.format import cut_text, date, duration, number, table, text_width
from djsb_core.errors import RequestError
from djsb_core.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from djsb.store.records import RunRecord
    from djsb.store.store import Store

AGO = re.compile(r"(\d{1,6})\s*([smhdw])")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
MOST = 8
"""Maximum number of settings and metrics columns."""

WIDE = 24
"""Maximum number of characters in a cell."""

GAP, PADDING = 2, 2
"""Characters between columns, and around a header."""


@dataclass(frozen=True)
class Filter:
    """Which runs are listed, and in what order."""

    statuses: Sequence[str] = ()
    """Any of these; empty: all."""
    experiment: str | None = None
    """Name of the experiment, or ``project / experiment``; ``*`` matches any text."""
    sweep: str | None = None
    """Id or name of a sweep; in a name, ``*`` matches any text."""
    since: float | None = None
    """Seconds since the epoch."""
    conditions: Sequence[Condition] = ()
    """All must hold."""
    sort: str | None = None
    """Name to sort by; with the prefix ``-``, largest first. None: newest first."""
    limit: int | None = None

    def takes(self, run: RunRecord) -> bool:
        """Tell whether a run passes all filters that do not need its jobs."""
        names = (run.experiment_name, f"{run.project_name} / {run.experiment_name}")
        return (
            (not self.statuses or status_of(run) in self.statuses)
            and (self.sweep in (None, run.sweep) or self._is_of_sweep(run))
            and (self.since is None or run.started >= self.since)
            and (
                self.experiment is None or any(fnmatchcase(name, self.experiment) for name in names)
            )
        )

    def _is_of_sweep(self, run: RunRecord) -> bool:
        return run.sweep_name is not None and fnmatchcase(run.sweep_name, self.sweep or "")


def parse_since(text: str) -> float:
    """Parse ``90m``, ``2d``, ``1w`` (ago) or a date into seconds since the epoch.

    :raises RequestError: if it is neither
    """
    ago = AGO.fullmatch(text.strip())
    if ago:
        return time.time() - int(ago[1]) * UNITS[ago[2]]
    try:
        return datetime.fromisoformat(text.strip()).astimezone().timestamp()
    except (ValueError, OverflowError, OSError):
        raise RequestError(
            f"--since {text[:WIDE]}: write 90m, 12h, 2d or 1w (ago), or a date: 2026-11-22"
        ) from None


def list_runs(store: Store, run_filter: Filter) -> list[Facts]:
    """Return the runs that pass the filter, with settings and metrics.

    :raises RequestError: if a condition uses an unknown or ambiguous name
    """
    runs = [run for run in store.runs() if run_filter.takes(run)]
    if not (run_filter.conditions or run_filter.sort):
        runs = runs[: run_filter.limit]  # the others need not be read
    records = [facts_of(store, run) for run in runs]
    names = names_of(records)
    if records:
        records = [
            facts
            for facts in records
            if all(condition.holds(facts, names) for condition in run_filter.conditions)
        ]
    if records and run_filter.sort:
        records = _sorted(records, run_filter.sort, names)
    return records[: run_filter.limit]


def names_of(runs: Iterable[Facts]) -> Names:
    """Return the names of all settings and metrics of these runs."""
    return Names([name for facts in runs for part in _parts(facts) for name in part])


def _parts(facts: Facts) -> tuple[Mapping[str, Any], ...]:
    return facts.head, facts.settings, facts.metrics


def _sorted(runs: Sequence[Facts], sort: str, names: Names) -> list[Facts]:
    name = names.find(sort.removeprefix("-"))
    ranked = [facts for facts in runs if _rank(facts.value(name)) is not None]
    ranked.sort(key=lambda facts: _rank(facts.value(name)) or (), reverse=sort.startswith("-"))
    return [*ranked, *(facts for facts in runs if facts not in ranked)]


def _rank(value: Any) -> tuple[int, Any] | None:  # noqa: ANN401 (any setting)
    """Return a sort key: numbers before texts; ``None`` for a missing value or NaN."""
    if value is None or value != value:  # noqa: PLR0124 (NaN)
        return None
    return (0, value) if isinstance(value, int | float) else (1, shown(value))


# -- columns ---------------------------------------------------------------------------------------


def differing(runs: Sequence[Facts], most: int | None = MOST) -> list[str]:
    """Return the settings, then the metrics, that differ between runs: the most telling first.

    :param most: maximum number of names, without redundant ones and those that follow from
        others; ``None``: all
    """
    settings = sorted(_all(facts.settings for facts in runs), key=_settings_rank(runs))
    metrics = sorted(_all(facts.metrics for facts in runs), key=_metrics_rank(runs))
    chosen = _different(settings, runs, job_of), _different(metrics, runs)
    if most is not None:
        direct = [name for name in chosen[0] if not any(name in facts.handed_on for facts in runs)]
        primary = [n for n in chosen[1] if not any(n in facts.secondary for facts in runs)]
        chosen = direct or chosen[0], primary
        chosen = _telling(chosen[0], runs), _telling(chosen[1], runs)
        # Half of the columns for each; what one does not need goes to the other.
        half = max(most // 2, most - len(chosen[1]))
        chosen = chosen[0][:half], chosen[1][: most - len(chosen[0][:half])]
    return [*chosen[0], *chosen[1]]


def _all(parts: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for part in parts for name in part))


def _settings_rank(runs: Sequence[Facts]) -> Callable[[str], tuple[bool, int]]:
    """Rank what the user set before what follows from it, and what all have before the rest."""
    return lambda name: (
        any(name in facts.handed_on for facts in runs),
        sum(name not in facts.settings for facts in runs),
    )


def _metrics_rank(runs: Sequence[Facts]) -> Callable[[str], tuple[bool, bool, int]]:
    return lambda name: (
        not any(name in facts.scores for facts in runs),
        any(name in facts.secondary for facts in runs),
        sum(name not in facts.metrics for facts in runs),
    )


def _different(
    names: Iterable[str], runs: Sequence[Facts], job_of: Callable[[str], str] | None = None
) -> list[str]:
    """Keep names whose values differ; for settings, between the runs that reached their job."""
    different = []
    for name in names:
        reached = [facts for facts in runs if job_of is None or job_of(name) in facts.jobs]
        if len({shown(facts.value(name)) for facts in reached}) > 1:
            different.append(name)
    return different


def _telling(names: Iterable[str], runs: Sequence[Facts]) -> list[str]:
    """Keep one of several names with the same values in each run."""
    by_values: dict[tuple[str, ...], str] = {}
    for name in names:
        by_values.setdefault(tuple(shown(facts.value(name)) for facts in runs), name)
    return list(by_values.values())


# -- as text, JSON and CSV -------------------------------------------------------------------------


def runs_table(runs: Sequence[Facts], columns: Sequence[str] | None = None) -> str:
    """List runs with what differs between them, or with the requested columns.

    On a terminal, columns that do not fit are left out.
    """
    if not runs:
        return "No runs."
    names = names_of(runs)
    is_selected = columns is not None
    chosen = [names.find(name) for name in columns or ()] if is_selected else differing(runs)
    width = get_terminal_size().columns if sys.stdout.isatty() else None
    heads = _head_columns(runs, width)
    cells = [_column(name, runs, names) for name in chosen]
    shown_cells = cells if is_selected or width is None else _fitting(heads, cells, width)
    columns_shown = [*heads, *shown_cells]
    right = [i for i, cell in enumerate(columns_shown) if cell.right]
    rows = list(zip(*(cell.values for cell in columns_shown), strict=True))
    text = table(rows, [cell.header for cell in columns_shown], right=right)
    left_out = len(cells) - len(shown_cells)
    return f"{text}\n\n{_more(left_out)}" if left_out else text


def _more(count: int) -> str:
    columns = counted(count, "more column differs", "more columns differ")
    return f"{columns}: --columns NAME,…, --csv or --json."


@dataclass(frozen=True)
class _Cells:
    """One column as text."""

    header: str
    values: Sequence[str]
    right: bool = False
    is_setting: bool = False

    @property
    def width(self) -> int:
        return max(text_width(self.header) + PADDING, *map(text_width, self.values))


def _head_columns(runs: Sequence[Facts], width: int | None) -> list[_Cells]:
    records = [facts.run for facts in runs]
    names = [f"{run.project_name} / {run.experiment_name}" for run in records]
    cells = [
        _Cells("run", [run.id for run in records]),
        _Cells("experiment", names),
        _Cells("status", [status_of(run) for run in records]),
        _Cells("started", [date(run.started) for run in records]),
        _Cells("time", [duration(run.seconds) for run in records], right=True),
    ]
    if width is not None and _width(cells) > width * 2 // 3:
        short = [_cut(run.experiment_name) for run in records]
        several = [_Cells("experiment", short)] if len(set(names)) > 1 else []
        cells[1:4] = [*several, cells[2]]  # the id contains the start time
    if any(run.sweep for run in records):
        cells.insert(1, _Cells("sweep", [_cut(run.sweep_name or "") for run in records]))
    return cells


def _column(name: str, runs: Sequence[Facts], names: Names) -> _Cells:
    values = [facts.value(name) for facts in runs]
    numeric = all(isinstance(value, int | float | None) for value in values)
    if name == "started":
        texts = [date(value) for value in values]
    else:
        texts = ["" if value is None else _cut(_text(value)) for value in values]
    is_setting = any(name in facts.settings for facts in runs)
    return _Cells(names.short(name), texts, right=numeric, is_setting=is_setting)


def _text(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value)
    return shown(value)


def _cut(text: str) -> str:
    return cut_text(text, WIDE)


def _width(cells: Iterable[_Cells]) -> int:
    return sum(cell.width + GAP for cell in cells) - GAP


def _fitting(heads: Sequence[_Cells], cells: Sequence[_Cells], width: int) -> list[_Cells]:
    """Keep the columns that fit: a setting, a metric, the next setting, and so on."""
    settings = [cell for cell in cells if cell.is_setting]
    metrics = [cell for cell in cells if not cell.is_setting]
    fitting: list[_Cells] = []
    for cell in (cell for pair in zip_longest(settings, metrics) for cell in pair if cell):
        if _width([*heads, *fitting, cell]) <= width:
            fitting.append(cell)
    return [cell for cell in cells if cell in fitting]


def runs_json(runs: Sequence[Facts], columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Return runs as JSON: all settings and metrics, or the requested columns."""
    if columns is not None:
        names = names_of(runs)
        return list(_rows(runs, [names.find(name) for name in columns]))
    return [
        {**facts.head, "settings": dict(facts.settings), "metrics": dict(facts.metrics)}
        for facts in runs
    ]


def runs_rows(
    runs: Sequence[Facts], columns: Sequence[str] | None = None
) -> tuple[list[str], list[list[Any]]]:
    """Return headers and rows for a CSV file: all that differs, or the requested columns."""
    names = names_of(runs)
    chosen = (
        differing(runs, None) if columns is None else [names.find(column) for column in columns]
    )
    rows = list(_rows(runs, chosen))
    headers = list(rows[0]) if rows else []
    return headers, [[_cell(name, value) for name, value in row.items()] for row in rows]


def _rows(runs: Sequence[Facts], names: Sequence[str]) -> Iterator[dict[str, Any]]:
    for facts in runs:
        yield {**facts.head, **{name: facts.value(name) for name in names}}


def _cell(name: str, value: Any) -> object:  # noqa: ANN401 (any setting)
    if name == "started":
        return date(value)
    return shown(value) if isinstance(value, list | dict | bool) else value
