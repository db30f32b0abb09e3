"""The rows of its input that a job's result lacks, as it reported them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from djsb.query.funnel import UNIT
from djsb_core.interfaces.dropped import read_dropped
from djsb_core.job.reports import ArtifactKind
from djsb_core.metrics import Flow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from djsb.store.records import JobRecord
    from djsb.store.store import Store
    from djsb_core.interfaces.dropped import DropLog


def dropped_of(store: Store, job: JobRecord) -> DropLog | None:
    """Return what a job reported about removed rows; ``None`` if it removed none.

    :raises ComponentError: if the report is missing or damaged
    """
    for artifact in store.artifacts(job.id):
        if artifact.kind is ArtifactKind.DROPPED:
            return read_dropped(artifact.path)
    return None


def losses_of(job: JobRecord, metrics: Mapping[str, float | str]) -> list[str]:
    """Describe what a job lost without intention, such as ``rows failed: 3 of 1,000 rows``."""
    given = next((n for name, n in metrics.items() if job.declared(name).flow is Flow.GIVEN), None)
    losses = []
    for name, value in metrics.items():
        declared = job.declared(name)
        if declared.flow is not Flow.LOST or not isinstance(value, int | float) or not value:
            continue
        total = f" of {given:,.0f}" if isinstance(given, int | float) else ""
        unit = f" {declared.unit or UNIT}" if total else ""
        losses.append(f"{name.replace('_', ' ')}: {value:,.0f}{total}{unit}")
    return losses
