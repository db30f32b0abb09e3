"""What jobs lost without intention, such as rows on which an operator failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from djsb.records import base_of, losses_of, lost_examples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from djsb_report.reading import Reading


@dataclass(frozen=True)
class Losses:
    """What one job lost."""

    name: str
    counts: Sequence[str]
    examples: Sequence[str]


def read_losses(reading: Reading) -> list[Losses]:
    """Read what the jobs of the last iteration report as lost."""
    return [
        Losses(
            reading.named(base_of(job.pipeline), job.meta_name),
            counts,
            lost_examples(reading.store, job),
        )
        for job in reading.distinct
        if (counts := losses_of(job, reading.metrics(job)))
    ]
