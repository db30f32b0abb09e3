"""What a pipeline found over its seeds: means, their standard errors, the paired difference."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from djsb.config.experiment import split_seed
from djsb.evidence.compare import Comparison
from djsb.evidence.difference import difference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def over_seeds(changes: Iterable[Comparison]) -> Iterator[Comparison]:
    """Join the comparisons of one metric that the repetitions of a pipeline made.

    A pair is what one seed gave before and after. Comparisons of other pipelines stay as they are.
    """
    groups: dict[tuple[object, ...], list[Comparison]] = {}
    for i, one in enumerate(changes):
        pipeline, seed = split_seed(one.pipeline)
        names = (pipeline, one.before, one.after, one.metric)
        groups.setdefault(names if seed is not None else (i,), []).append(one)
    for ones in groups.values():
        yield _joined(ones) if len(ones) > 1 else ones[0]


def _joined(ones: Sequence[Comparison]) -> Comparison:
    pipeline = split_seed(ones[0].pipeline)[0]
    old, new = [one.old for one in ones], [one.new for one in ones]
    if len(set(old)) == len(set(new)) == 1:  # no seed decides it: rows that processing kept
        return replace(ones[0], pipeline=pipeline)
    found = difference(old, new, paired=True)
    half = None if found.low is None or found.high is None else (found.high - found.low) / 2
    changes = [one.difference for one in ones]
    return Comparison(
        ones[0].metric,
        ones[0].before,
        ones[0].after,
        fmean(old),
        fmean(new),
        _standard_error(changes),
        ones[0].higher_is_better,
        ones[0].role,
        pipeline,
        seeds=len(ones),
        errors=(_standard_error(old), _standard_error(new)),
        half_width=half,
        declared=ones[0].declared,
    )


def _standard_error(values: Sequence[float]) -> float:
    if not all(map(math.isfinite, values)):
        return math.nan
    return stdev(values) / math.sqrt(len(values))
