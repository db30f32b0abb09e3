"""Writes a report beside the run it tells of."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

from djsb_core.errors import RequestError
from djsb_report.reading import Reading

if TYPE_CHECKING:
    from pathlib import Path

    from djsb.store.records import RunRecord
    from djsb.store.store import Store

REPORT = "report.html"
NEEDED = ("jinja2", "matplotlib")


def write_report(
    store: Store, run: RunRecord, *, against: RunRecord | None = None, path: Path | None = None
) -> Path:
    """Write the report of a run, whole or not at all; return where it is.

    :param against: another run of the same store to show beside it
    :param path: where to write; ``report.html`` in the run's folder when not given
    :raises RequestError: if the packages for it are not installed, or it cannot be written there
    """
    path = path or run.folder / REPORT
    text = render_report(store, run, against=against)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(text.encode(errors="replace"))
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise RequestError(f"cannot write {path}: {error.strerror}") from error
    return path


def render_report(store: Store, run: RunRecord, *, against: RunRecord | None = None) -> str:
    """Return the report of a run as one HTML page.

    :raises RequestError: if the packages for it are not installed
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise RequestError(
            f"a report needs {' and '.join(missing)}; install it: pip install 'djsb-core[report]'"
        )
    from djsb_report.page import make_page

    return make_page(Reading(store, run), Reading(store, against) if against else None)
