"""The API for report plugins: recorded runs, comparisons of their metrics, and text formatting.

Other plugins import only :mod:`djsb_core.api`.
"""

from __future__ import annotations

from djsb.evidence.alignment import Replicates, pairs_within, rows_of
from djsb.evidence.comparison import Setting, compare_sides
from djsb.evidence.contrast import Contrast, Measurements, contrasts
from djsb.evidence.difference import WELCH
from djsb.evidence.verdict import Verdict
from djsb.query.doubts import warnings_of
from djsb.query.dropped import dropped_of, losses_of
from djsb.query.facts import last_iteration, places_of, settings_of, shown
from djsb.query.funnel import Funnel, read_funnel
from djsb.query.locate import open_store
from djsb.query.place import split_place
from djsb.query.select import Side, base_of, seed_of, select_run
from djsb.query.status import status_of
from djsb.report.comparison_text import packages_text
from djsb.report.dropped import examples as lost_examples
from djsb.report.format import date, duration, number
from djsb.report.reporters import Reporter, load_reporter, write_report
from djsb.store.records import JobRecord, RunRecord
from djsb.store.store import Store
from djsb_core.errors import ComponentError, RequestError
from djsb_core.job.reports import ArtifactKind, Point
from djsb_core.job.watcher import SCRIPT
from djsb_core.jsonl import read_jsonl
from djsb_core.masking import Masker

__all__ = [
    "SCRIPT",
    "WELCH",
    "ArtifactKind",
    "ComponentError",
    "Contrast",
    "Funnel",
    "JobRecord",
    "Masker",
    "Measurements",
    "Point",
    "Replicates",
    "Reporter",
    "RequestError",
    "RunRecord",
    "Setting",
    "Side",
    "Store",
    "Verdict",
    "base_of",
    "compare_sides",
    "contrasts",
    "date",
    "dropped_of",
    "duration",
    "last_iteration",
    "load_reporter",
    "losses_of",
    "lost_examples",
    "number",
    "open_store",
    "packages_text",
    "pairs_within",
    "places_of",
    "read_funnel",
    "read_jsonl",
    "rows_of",
    "seed_of",
    "select_run",
    "settings_of",
    "shown",
    "split_place",
    "status_of",
    "warnings_of",
    "write_report",
]
