"""Renders the sections of a report as a page."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from djsb.records import date, duration, number, status_of
from djsb_core.api import counted, size_text
from djsb_report.against import compare_with
from djsb_report.curves import read_curves
from djsb_report.distributions import read_distributions
from djsb_report.environment import read_surroundings
from djsb_report.findings import Findings, find, find_against
from djsb_report.funnel import read_funnels
from djsb_report.losses import read_losses
from djsb_report.media import read_media
from djsb_report.pipeline import draw_jobs
from djsb_report.samples import read_samples
from djsb_report.scores import read_scores
from djsb_report.verdict import conclude, interval, signed

if TYPE_CHECKING:
    from djsb.records import Masker
    from djsb_report.reading import Reading


@dataclass(frozen=True)
class Section:
    """One section: its id, title and the content for its template."""

    id: str
    title: str
    content: Any


def make_page(reading: Reading, other: Reading | None, note: str = "") -> str:
    """Render the page of a run, compared with another run if there is one.

    :param note: the author's words on the result
    """
    templates = _environment(reading.masker, other.masker if other else reading.masker)
    page = templates.get_template("page.html")
    findings = find(reading)
    answer = conclude(reading, findings)
    if other is not None:
        answer = conclude(reading, find_against(reading, other), other.run)
    return page.render(
        run=reading.run,
        status=status_of(reading.run),
        verdict=answer,
        description=str(reading.run.settings.get("description") or "").strip(),
        note=note.strip(),
        sections=_sections(reading, other, findings),
        written=time.time(),
    )


def _sections(reading: Reading, other: Reading | None, findings: Findings) -> list[Section]:
    """Collect the sections with content, in the order of the page."""
    distributions = read_distributions(reading)
    bounds = [bound for group in distributions for bound in group.bounds]
    samples = read_samples(reading, bounds)
    scores, media = read_scores(reading, findings), read_media(reading)
    sections = [
        Section("against", "Compared with the other run", other and compare_with(reading, other)),
        Section("pipeline", "What ran", draw_jobs(reading)),
        Section("losses", "Lost rows", read_losses(reading)),
        Section("distributions", "The data, before and after", distributions),
        Section("funnel", "Rows kept by each operator", read_funnels(reading)),
        Section("samples", "Samples: dropped and kept", samples),
        Section("curves", "Training curves", read_curves(reading)),
        Section("scores", "Scores", scores if scores.compared or scores.measured else None),
        Section("media", "Images and videos", media if media.shown else None),
        Section("environment", "Environment and exact settings", read_surroundings(reading)),
    ]
    return [section for section in sections if section.content]


def _environment(*maskers: Masker) -> Environment:
    """Create the template engine: all text is masked, then escaped."""

    def masked(value: Any) -> Any:  # noqa: ANN401 (what a template writes)
        if isinstance(value, str) and not isinstance(value, Markup):
            for masker in maskers:
                value = masker.text(value)
        return value

    templates = Environment(
        loader=PackageLoader("djsb_report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=masked,
    )
    templates.filters |= {
        "number": number,
        "counted": counted,
        "duration": duration,
        "date": date,
        "size": size_text,
        "signed": signed,
        "interval": interval,
    }
    return templates
