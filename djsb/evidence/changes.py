"""Before and after in one run: metrics measured twice, and the rows that a job kept."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from djsb.evidence.alignment import Replicates, pairs_within, replicates_of
from djsb.evidence.contrast import Contrast, Measurements, contrast, is_repeated, over_seeds
from djsb.evidence.difference import Difference
from djsb.query.declared import is_shown_unchanged, is_summarized
from djsb.query.funnel import read_funnel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from djsb.store.records import JobRecord
    from djsb.store.store import Store


@dataclass(frozen=True)
class Change:
    """One metric of one run, before and after."""

    before: str
    """The ``meta_name`` of the job that measured first."""
    after: str
    pipeline: str
    contrast: Contrast


def changes_of(store: Store, jobs: Sequence[JobRecord]) -> Iterator[Change]:
    """Compare what was measured twice, and the rows that processing kept with those in its input.

    Of a probe's statistics only the means; unchanged metrics are left out, except the tokens of
    training runs: equal counts are what makes the models comparable.
    """
    for replicates in replicates_of(jobs):
        yield from _counted(store, replicates)
    measurements = Measurements(store)
    for before, after in pairs_within(jobs):
        for metric in measurements.metrics(before):
            if not is_summarized(after.first, metric):
                continue
            always = is_shown_unchanged(after.first, metric)
            values = (measurements.values(side, metric) for side in (before, after))
            if not always and operator.eq(*values):
                continue  # without a look at the samples
            result = contrast(measurements, before, after, metric)
            if result and (result.difference.estimate != 0 or always):
                yield Change(before.first.meta_name, after.first.meta_name, after.pipeline, result)


def _counted(store: Store, replicates: Replicates) -> Iterator[Change]:
    """Compare what a job counted before and after its work."""
    funnels = {
        seed: funnel
        for seed, job in replicates.finished.items()
        if (funnel := read_funnel(job, store.metrics(job.id))) is not None
    }
    if not funnels:
        return
    first = next(iter(funnels.values()))
    old = {seed: funnel.given for seed, funnel in funnels.items()}
    new = {seed: funnel.kept for seed, funnel in funnels.items()}
    if is_repeated(old, new):
        change = over_seeds(first.unit, old, new)
    else:
        change = Contrast(first.unit, first.given, first.kept, Difference(first.kept - first.given))
    name = replicates.first.meta_name
    yield Change(name, name, replicates.pipeline, change)
