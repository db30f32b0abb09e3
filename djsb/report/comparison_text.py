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

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from djsb.evidence.comparison import Comparison, Metric, Setting
    from djsb.evidence.contrast import Contrast
    from djsb.evidence.difference import Difference

    Table = tuple[Sequence[str], list[list[str]], tuple[int, ...]]

ABSENT = "\N{EN DASH}"
WIDE = 32
"""Characters of a setting that are shown."""

FEW = 25
"""Rows of a table, unless all are asked for."""

FEW_PACKAGES = 8
"""Packages on a line, likewise."""

SECTIONS = ("extra_configs.", "dj_configs.")
PERCENT = round(100 * CONFIDENCE)


def comparison_text(found: Comparison, *, everything: bool = False) -> str:
    """Write sides, settings, scores, other metrics, and what could not be compared."""
    letters = ascii_uppercase[: len(found.sides)]
    sides = [
        (letter, run.id, side.part, _experiment(run), status_of(run), date(run.started))
        for letter, side in zip(letters, found.sides, strict=True)
        for run in [side.run]
    ]
    headers = ("", "run", "part", "experiment", "status", "started")
    kept = [i for i in range(len(headers)) if i < 2 or len({row[i] for row in sides}) > 1]  # noqa: PLR2004
    parts = [table([[row[i] for i in kept] for row in sides], [headers[i] for i in kept])]
    parts += _settings(found, letters, everything=everything)
    shown_metrics = [one for one in found.metrics if everything or _is_shown(one)]
    scores = [one for one in shown_metrics if one.higher_is_better is not None]
    others = [one for one in shown_metrics if one.higher_is_better is None]
    parts += _metrics("Scores", scores, letters, None)
    parts += _metrics("Other metrics", others, letters, None if everything else FEW)
    if not found.metrics:
        parts.append("No metric was measured on two sides.")
    if found.packages:
        most = None if everything else FEW_PACKAGES
        parts.append(f"Packages that differ: {packages_text(found, most)}.")
    parts += ["\n".join(notes)] if (notes := list(_notes(found, letters, shown_metrics))) else []
    return "\n\n".join(parts)


def _same_start(texts: Sequence[str]) -> int:
    """Return the length of the words that texts begin with, all of them."""
    length = 0
    for letters in zip(*texts, strict=False):
        if len(set(letters)) > 1:
            break
        length += 1
    return max(texts[0].rfind(mark, 0, length) + 1 for mark in "/, ")


def _experiment(run: Any) -> str:  # noqa: ANN401 (RunRecord)
    return f"{run.project_name} / {run.experiment_name}"


def _is_shown(one: Metric) -> bool:
    return not one.minor and (one.differs or one.higher_is_better is not None)


def _settings(found: Comparison, letters: str, *, everything: bool) -> Iterator[str]:
    direct = [one for one in found.settings if everything or not one.handed_on]
    rows = [
        (job, one.name.removeprefix(SECTIONS[0]).removeprefix(SECTIONS[1]), *_contrast(one))
        for job, one in zip(_once([one.job for one in direct]), direct, strict=True)
    ]
    if rows:
        most = None if everything else FEW
        text = table(rows[:most], ("job", "setting", *letters))
        yield f"Settings that differ\n\n{text}{_more(len(rows), most)}"
    else:
        yield "No setting differs."
    follow = len(found.settings) - len(direct)
    if follow:
        are = "1 more follows" if follow == 1 else f"{follow} more follow"
        yield f"{are} from results of earlier jobs: --all."


def _more(count: int, most: int | None) -> str:
    return "" if most is None or count <= most else f"\nand {count - most} more: --all."


def _once(names: Sequence[str]) -> list[str]:
    """Leave out a name that stands in the row above."""
    return [name if i == 0 or names[i - 1] != name else "" for i, name in enumerate(names)]


def _contrast(one: Setting) -> list[str]:
    """Write the values of a setting; of long ones, the part where they begin to differ."""
    texts = [ABSENT if value is None else shown(value) for value in one.values]
    present = [text for text, value in zip(texts, one.values, strict=True) if value is not None]
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
    names = list(zip(_once([one.job for one in listed]), [one.name for one in listed], strict=True))
    write = _pairs if len(letters) == 2 else _many  # noqa: PLR2004 (two sides fit in one row)
    headers, rows, right = write(names, listed, letters)
    jobs = {one.job for one in metrics}
    kept = [i for i in range(len(headers)) if any(row[i] for row in rows)]
    if len(jobs) == 1:
        title, kept = f"{title} of {jobs.pop()}", kept[1:]
    text = table(
        [[row[i] for i in kept] for row in rows],
        [headers[i] for i in kept],
        right=[place for place, i in enumerate(kept) if i in right],
    )
    yield f"{title}\n\n{text}{_more(len(metrics), most)}"


def _pairs(names: Sequence[tuple[str, str]], metrics: Sequence[Metric], letters: str) -> Table:
    rows = [
        [*name, *map(_value, one.values), *_change(one, 0)]
        for name, one in zip(names, metrics, strict=True)
    ]
    headers = ("job", "metric", *letters, "difference", "", "", f"{PERCENT} % interval")
    return headers, rows, (2, 3, 4, 5)


def _many(names: Sequence[tuple[str, str]], metrics: Sequence[Metric], letters: str) -> Table:
    """Write a row for each side; the later ones are compared with the first."""
    rows = []
    for name, one in zip(names, metrics, strict=True):
        rows.append([*name, letters[0], _value(one.values[0]), *[""] * 4])
        rows += [
            ["", "", letters[i], _value(one.values[i]), *_change(one, i - 1)]
            for i in range(1, len(letters))
        ]
    headers = ("job", "metric", "", "value", f"to {letters[0]}", "", "", f"{PERCENT} % interval")
    return headers, rows, (3, 4, 5)


def _value(value: float | None) -> str:
    return ABSENT if value is None else number(value)


def _change(one: Metric, place: int) -> list[str]:
    found = one.contrasts[place]
    if found is None:
        return [""] * 4
    gap, relative = found.difference, found.relative
    share = "" if not relative or not math.isfinite(relative) else f"{relative:+.1%}"
    return [_signed(gap.estimate), share, found.verdict, _interval(gap)]


def _signed(value: float) -> str:
    return number(value) if not value > 0 or math.isinf(value) else f"+{number(value)}"


def _interval(gap: Difference) -> str:
    if gap.interval is None or gap.interval == (0, 0):
        return ""
    return " … ".join(map(_signed, gap.interval))


# -- notes -----------------------------------------------------------------------------------------


def packages_text(found: Comparison, most: int | None = FEW_PACKAGES) -> str:
    """Name the packages of which the sides had different versions, on one line; first to last."""
    shown_ones = [
        f"{name} {' → '.join(version or ABSENT for version in versions)}"
        for name, versions in found.packages[:most]
    ]
    left_out = len(found.packages) - len(shown_ones)
    return ", ".join(shown_ones) + (f" and {left_out} more" if left_out else "")


def _notes(found: Comparison, letters: str, shown_metrics: Sequence[Metric]) -> Iterator[str]:
    for job, having in found.missing:
        absent = [letter for letter, has in zip(letters, having, strict=True) if not has]
        yield f"{job}: not there, or not finished, in {', '.join(absent)}."
    left_out = len(found.metrics) - len(shown_metrics)
    if left_out:
        yield f"Not shown: {left_out} metrics that are the same or describe others (--all)."
    methods = dict.fromkeys(
        one.difference.method
        for one in chain.from_iterable(metric.contrasts for metric in shown_metrics)
        if one and _interval(one.difference)
    )
    if methods:
        yield f"Intervals: {PERCENT} %, {', '.join(map(_method, methods))}."


def _method(name: str) -> str:
    if name == NORMAL:
        return f"{name} (for more than {MANY:,} samples)"
    return f"{name} ({RESAMPLES:,} resamples)" if name == BOOTSTRAP else name


# -- for scripts -----------------------------------------------------------------------------------


def comparison_json(found: Comparison) -> dict[str, Any]:
    """Return all of a comparison; intervals are of 95 %."""
    return {
        "sides": [
            {
                "name": side.name,
                "run": side.run.id,
                "part": side.part or None,
                "status": status_of(side.run),
                "started": side.run.started,
            }
            for side in found.sides
        ],
        "settings": [
            {
                "job": one.job,
                "setting": one.name,
                "values": list(one.values),
                "handed_on": one.handed_on,
            }
            for one in found.settings
        ],
        "metrics": [_metric_json(one) for one in found.metrics],
        "missing": [{"job": job, "finished": list(having)} for job, having in found.missing],
        "packages": [{"package": name, "versions": list(have)} for name, have in found.packages],
    }


def _metric_json(one: Metric) -> dict[str, Any]:
    return {
        "job": one.job,
        "metric": one.name,
        "values": list(one.values),
        "higher_is_better": one.higher_is_better,
        "differences": [_contrast_json(found) for found in one.contrasts],
    }


def _contrast_json(found: Contrast | None) -> dict[str, Any] | None:
    if found is None:
        return None
    gap = found.difference
    return {
        "difference": gap.estimate,
        "relative": found.relative,
        "standard_error": gap.standard_error,
        "low": gap.low,
        "high": gap.high,
        "method": gap.method or None,
        "verdict": found.verdict.value or None,
    }


CSV_HEADERS = (
    "job", "metric", "side", "first", "value", "difference", "relative", "low", "high",
    "method", "verdict",
)  # fmt: skip


def comparison_rows(found: Comparison) -> Iterator[list[object]]:
    """Yield a row for each metric of each later side, under :data:`CSV_HEADERS`."""
    for one in found.metrics:
        for i, side in enumerate(found.sides[1:]):
            contrast = one.contrasts[i]
            if contrast is not None:
                gap = contrast.difference
                yield [
                    one.job, one.name, side.name, one.values[0], one.values[i + 1], gap.estimate,
                    contrast.relative, gap.low, gap.high, gap.method, contrast.verdict.value,
                ]  # fmt: skip
