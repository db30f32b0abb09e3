"""Before and after in one run: what was measured twice, and what a job counted of its dataset."""

from __future__ import annotations

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
    """Compare what was measured twice, and the rows that processing kept with those it was given.

    Of a probe's statistics only the means; what did not change is left out, but for the tokens of
    training runs: that they are equal is what makes the models comparable.
    """
    for one in replicates_of(jobs):
        yield from _counted(store, one)
    measured = Measurements(store)
    for before, after in pairs_within(jobs):
        for metric in measured.metrics(before):
            if not is_summarized(after.first, metric):
                continue
            found = contrast(measured, before, after, metric)
            kept = is_shown_unchanged(after.first, metric)
            if found and (found.difference.estimate != 0 or kept):
                yield Change(before.first.meta_name, after.first.meta_name, after.pipeline, found)


def _counted(store: Store, one: Replicates) -> Iterator[Change]:
    """Compare what a job counted before its work with what it counted after it."""
    funnels = {
        seed: funnel
        for seed, job in one.finished.items()
        if (funnel := read_funnel(job, store.metrics(job.id))) is not None
    }
    if not funnels:
        return
    first = next(iter(funnels.values()))
    old = {seed: funnel.given for seed, funnel in funnels.items()}
    new = {seed: funnel.kept for seed, funnel in funnels.items()}
    if is_repeated(old, new):
        found = over_seeds(first.unit, old, new)
    else:
        found = Contrast(first.unit, first.given, first.kept, Difference(first.kept - first.given))
    name = one.first.meta_name
    yield Change(name, name, one.pipeline, found)
