"""All that a report plugin imports: recorded runs, what was compared in them, and text for people.

Other plugins import :mod:`djsb_core.api` alone.
"""

from __future__ import annotations

from djsb.evidence.comparison import Metric, Setting, compare_sides
from djsb.query.facts import is_secondary, last_iteration, places_of, settings_of, shown
from djsb.query.locate import open_store
from djsb.query.select import Side, base_of, seed_of, select_run
from djsb.query.status import status_of
from djsb.report.comparison_text import packages_text
from djsb.report.format import date, duration, number
from djsb.report.reporters import Reporter, load_reporter, write_report
from djsb.store.environment import read_environment
from djsb.store.records import JobRecord, RunRecord
from djsb.store.store import Store
from djsb_core.errors import ComponentError, RequestError
from djsb_core.job.reports import ArtifactKind, Point
from djsb_core.job.watcher import SCRIPT
from djsb_core.jsonl import read_jsonl
from djsb_core.masking import Masker

__all__ = [
    "SCRIPT",
    "ArtifactKind",
    "ComponentError",
    "JobRecord",
    "Masker",
    "Metric",
    "Point",
    "Reporter",
    "RequestError",
    "RunRecord",
    "Setting",
    "Side",
    "Store",
    "base_of",
    "compare_sides",
    "date",
    "duration",
    "is_secondary",
    "last_iteration",
    "load_reporter",
    "number",
    "open_store",
    "packages_text",
    "places_of",
    "read_environment",
    "read_jsonl",
    "seed_of",
    "select_run",
    "settings_of",
    "shown",
    "status_of",
    "write_report",
]
