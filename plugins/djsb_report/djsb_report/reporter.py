"""The reporter ``html``: one self-contained page."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

from djsb.records import Reporter, RequestError

if TYPE_CHECKING:
    from djsb.records import RunRecord, Store

NEEDED = ("jinja2", "matplotlib")


class HtmlReporter(Reporter):
    """Writes a run as one self-contained HTML page."""

    suffix: ClassVar[str] = ".html"

    def render(
        self, store: Store, run: RunRecord, *, against: RunRecord | None = None, note: str = ""
    ) -> str:
        """Return the page of a run.

        :raises RequestError: if a required package is not installed
        """
        missing = [name for name in NEEDED if find_spec(name) is None]
        if missing:
            raise RequestError(
                f"a report needs {' and '.join(missing)}; install it: pip install djsb-report"
            )
        from djsb_report.page import make_page
        from djsb_report.reading import Reading

        other = Reading(store, against) if against else None
        return make_page(Reading(store, run), other, note)
