"""A comparison as text, JSON and CSV."""

from __future__ import annotations

import math
from itertools import chain
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

from djsb.evidence.bootstrap import RESAMPLES
from djsb.evidence.difference import BOOTSTRAP, CONFIDENCE, MANY, NORMAL
from djsb.query.facts import shown
from djsb.query.status import status_of
from djsb.report.format import date, number, table
from djsb_core.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from djsb.evidence.comparison import Comparison, Metric, Setting
    from djsb.evidence.contrast import Contrast
    from djsb.evidence.difference import Difference

    Table = tuple[Sequence[str], list[list[str]], tuple[int, ...]]

ABSENT = "\N{EN DASH}"
WIDE = 32
"""Number of characters shown of a setting."""

FEW = 25
"""Number of rows in a table, unless all are requested."""

FEW_PACKAGES = 8
"""Number of packages on a line, likewise."""

SECTIONS = ("extra_configs.", "dj_configs.")
PERCENT = round(100 * CONFIDENCE)


def comparison_text(comparison: Comparison, *, everything: bool = False) -> str:
    """Format sides, settings, scores, other metrics, and what could not be compared."""
    letters = ascii_uppercase[: len(comparison.sides)]
    sides = [
        (letter, run.id, side.part, _experiment(run), status_of(run), date(run.started))
        for letter, side in zip(letters, comparison.sides, strict=True)
        for run in [side.run]
    ]
    headers = ("", "run", "part", "experiment", "status", "started")
    columns = [i for i in range(len(headers)) if i < 2 or len({row[i] for row in sides}) > 1]  # noqa: PLR2004
    parts = [table([[row[i] for i in columns] for row in sides], [headers[i] for i in columns])]
    parts += _settings(comparison, letters, everything=everything)
    shown_metrics = [metric for metric in comparison.metrics if everything or _is_shown(metric)]
    scores = [metric for metric in shown_metrics if metric.is_score]
    others = [metric for metric in shown_metrics if not metric.is_score]
    parts += _metrics("Scores", scores, letters, None)
    parts += _metrics("Other metrics", others, letters, None if everything else FEW)
    if not comparison.metrics:
        parts.append("No metric was measured on two sides.")
    if comparison.packages:
        most = None if everything else FEW_PACKAGES
        parts.append(f"Packages that differ: {packages_text(comparison.packages, most)}.")
    parts += (
        ["\n".join(notes)] if (notes := list(_notes(comparison, letters, shown_metrics))) else []
    )
    return "\n\n".join(parts)


def _same_start(texts: Sequence[str]) -> int:
    """Return the length of the longest common prefix that ends with a word."""
    length = 0
    for letters in zip(*texts, strict=False):
        if len(set(letters)) > 1:
            break
        length += 1
    return max(texts[0].rfind(mark, 0, length) + 1 for mark in "/, ")


def _experiment(run: Any) -> str:  # noqa: ANN401 (RunRecord)
    return f"{run.project_name} / {run.experiment_name}"


def _is_shown(metric: Metric) -> bool:
    return not metric.minor and (metric.differs or metric.is_score)


def _settings(comparison: Comparison, letters: str, *, everything: bool) -> Iterator[str]:
    settings = [setting for setting in comparison.settings if everything or not setting.handed_on]
    rows = [
        (job, setting.name.removeprefix(SECTIONS[0]).removeprefix(SECTIONS[1]), *_contrast(setting))
        for job, setting in zip(_once([setting.job for setting in settings]), settings, strict=True)
    ]
    if rows:
        most = None if everything else FEW
        text = table(rows[:most], ("job", "setting", *letters))
        yield f"Settings that differ\n\n{text}{_more(len(rows), most)}"
    else:
        yield "No setting differs."
    hidden = len(comparison.settings) - len(settings)
    if hidden:
        count = counted(hidden, "more follows", "more follow")
        yield f"{count} from results of earlier jobs: --all."


def _more(count: int, most: int | None) -> str:
    return "" if most is None or count <= most else f"\nand {count - most} more: --all."


def _once(names: Sequence[str]) -> list[str]:
    """Leave out a name that repeats the row above."""
    return [name if i == 0 or names[i - 1] != name else "" for i, name in enumerate(names)]


def _contrast(setting: Setting) -> list[str]:
    """Format the values of a setting; long ones from where they begin to differ."""
    texts = [ABSENT if value is None else shown(value) for value in setting.values]
    present = [text for text, value in zip(texts, setting.values, strict=True) if value is not None]
    start = _same_start(present)
    if max(map(len, texts)) > WIDE and start > WIDE // 4:
        texts = [text if text == ABSENT else f"…{text[start:].lstrip()}" for text in texts]
    return [text if len(text) <= WIDE else f"{text[: WIDE - 1]}…" for text in texts]


# -- metrics ---------------------------------------------------------------------------------------


def _metrics(
    title: str, metrics: Sequence[Metric], letters: str, most: int | None
) -> Iterator[str]:
    if not metrics:
        return
    listed = metrics[:most]
    names = list(
        zip(
            _once([metric.job for metric in listed]),
            [metric.name for metric in listed],
            strict=True,
        )
    )
    write = _pairs if len(letters) == 2 else _many  # noqa: PLR2004 (two sides fit in one row)
    headers, rows, right = write(names, listed, letters)
    jobs = {metric.job for metric in metrics}
    columns = [i for i in range(len(headers)) if any(row[i] for row in rows)]
    if len(jobs) == 1:
        title, columns = f"{title} of {jobs.pop()}", columns[1:]
    text = table(
        [[row[i] for i in columns] for row in rows],
        [headers[i] for i in columns],
        right=[place for place, i in enumerate(columns) if i in right],
    )
    yield f"{title}\n\n{text}{_more(len(metrics), most)}"


def _pairs(names: Sequence[tuple[str, str]], metrics: Sequence[Metric], letters: str) -> Table:
    rows = [
        [*name, *map(_value, metric.values), *_change(metric, 0)]
        for name, metric in zip(names, metrics, strict=True)
    ]
    headers = ("job", "metric", *letters, "difference", "", "", f"{PERCENT} % interval")
    return headers, rows, (2, 3, 4, 5)


def _many(names: Sequence[tuple[str, str]], metrics: Sequence[Metric], letters: str) -> Table:
    """Format one row per side; the later ones are compared with the first."""
    rows = []
    for name, metric in zip(names, metrics, strict=True):
        rows.append([*name, letters[0], _value(metric.values[0]), *[""] * 4])
        rows += [
            ["", "", letters[i], _value(metric.values[i]), *_change(metric, i - 1)]
            for i in range(1, len(letters))
        ]
    headers = ("job", "metric", "", "value", f"to {letters[0]}", "", "", f"{PERCENT} % interval")
    return headers, rows, (3, 4, 5)


def _value(value: float | None) -> str:
    return ABSENT if value is None else number(value)


def _change(metric: Metric, place: int) -> list[str]:
    contrast = metric.contrasts[place]
    if contrast is None:
        return [""] * 4
    gap, relative = contrast.difference, contrast.relative
    share = "" if not relative or not math.isfinite(relative) else f"{relative:+.1%}"
    return [_signed(gap.estimate), share, contrast.verdict, _interval(gap)]


def _signed(value: float) -> str:
    return number(value) if not value > 0 or math.isinf(value) else f"+{number(value)}"


def _interval(gap: Difference) -> str:
    if gap.interval is None or gap.interval == (0, 0):
        return ""
    return " … ".join(map(_signed, gap.interval))


# -- notes -----------------------------------------------------------------------------------------


def packages_text(
    packages: Sequence[tuple[str, tuple[str | None, ...]]], most: int | None = FEW_PACKAGES
) -> str:
    """List packages whose versions differ between runs, on one line."""
    texts = [
        f"{name} {' → '.join(version or ABSENT for version in versions)}"
        for name, versions in packages[:most]
    ]
    left_out = len(packages) - len(texts)
    return ", ".join(texts) + (f" and {left_out} more" if left_out else "")


def _notes(comparison: Comparison, letters: str, shown_metrics: Sequence[Metric]) -> Iterator[str]:
    for job, finished in comparison.missing:
        absent = [
            letter for letter, is_finished in zip(letters, finished, strict=True) if not is_finished
        ]
        yield f"{job}: missing or not finished in {', '.join(absent)}."
    left_out = len(comparison.metrics) - len(shown_metrics)
    if left_out:
        which = counted(
            left_out,
            "metric that is the same or describes others",
            "metrics that are the same or describe others",
        )
        yield f"Not shown: {which} (--all)."
    methods = dict.fromkeys(
        contrast.difference.method
        for contrast in chain.from_iterable(metric.contrasts for metric in shown_metrics)
        if contrast and _interval(contrast.difference)
    )
    if methods:
        yield f"Intervals: {PERCENT} %, {', '.join(map(_method, methods))}."


def _method(name: str) -> str:
    if name == NORMAL:
        return f"{name} (for more than {MANY:,} samples)"
    return f"{name} ({RESAMPLES:,} resamples)" if name == BOOTSTRAP else name


# -- for scripts -----------------------------------------------------------------------------------


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """Return the whole comparison; intervals have 95 % confidence."""
    return {
        "sides": [
            {
                "name": side.name,
                "run": side.run.id,
                "part": side.part or None,
                "status": status_of(side.run),
                "started": side.run.started,
            }
            for side in comparison.sides
        ],
        "settings": [
            {
                "job": entry.job,
                "setting": entry.name,
                "values": list(entry.values),
                "handed_on": entry.handed_on,
            }
            for entry in comparison.settings
        ],
        "metrics": [_metric_json(entry) for entry in comparison.metrics],
        "missing": [
            {"job": job, "finished": list(finished)} for job, finished in comparison.missing
        ],
        "packages": [
            {"package": name, "versions": list(versions)} for name, versions in comparison.packages
        ],
    }


def _metric_json(metric: Metric) -> dict[str, Any]:
    return {
        "job": metric.job,
        "metric": metric.name,
        "values": list(metric.values),
        "higher_is_better": metric.higher_is_better,
        "differences": [_contrast_json(contrast) for contrast in metric.contrasts],
    }


def _contrast_json(contrast: Contrast | None) -> dict[str, Any] | None:
    if contrast is None:
        return None
    gap = contrast.difference
    return {
        "difference": gap.estimate,
        "relative": contrast.relative,
        "standard_error": gap.standard_error,
        "low": gap.low,
        "high": gap.high,
        "method": gap.method or None,
        "verdict": contrast.verdict.value or None,
    }


CSV_HEADERS = (
    "job", "metric", "side", "first", "value", "difference", "relative", "low", "high",
    "method", "verdict",
)  # fmt: skip


def comparison_rows(comparison: Comparison) -> Iterator[list[object]]:
    """Yield one row per metric and later side, under :data:`CSV_HEADERS`."""
    for metric in comparison.metrics:
        for i, side in enumerate(comparison.sides[1:]):
            contrast = metric.contrasts[i]
            if contrast is not None:
                gap = contrast.difference
                yield [
                    metric.job, metric.name, side.name, metric.values[0], metric.values[i + 1],
                    gap.estimate, contrast.relative, gap.low, gap.high, gap.method,
                    contrast.verdict.value,
                ]  # fmt: skip
