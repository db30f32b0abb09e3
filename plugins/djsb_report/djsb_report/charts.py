"""Charts as inline SVG: drawn by matplotlib, coloured by the page's style sheet.

A chart contains only shapes and numbers. Names, which come from data and settings, are HTML beside
it, so nothing that a user wrote is ever parsed or laid out here.
"""

from __future__ import annotations

import io
import re
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


COLOURS = {
    "#010101": "var(--ink)",
    "#020202": "var(--grid)",
    "#030303": "var(--before)",
    "#040404": "var(--after)",
    "#050505": "var(--bound)",
}
"""Placeholder colours and their CSS variables, so that charts follow light and dark mode."""

INK, GRID, BEFORE, AFTER, BOUND = COLOURS
SERIES = [f"#06{i:02x}06" for i in range(8)]
COLOURS |= {colour: f"var(--s{i})" for i, colour in enumerate(SERIES)}
DASHES = ["-", "--", ":"]
HUGE = 1e13
THOUSANDS = ((1e9, "G"), (1e6, "M"), (1e4, "k"))
POINTS = 72
"""SVG units per matplotlib inch."""

MARGINS = (44, 12, 24, 8)
"""Left (space for labels), right, bottom, top."""

STYLE: Any = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.edgecolor": GRID,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "ytick.major.size": 0,
    "path.simplify": True,
}

_NUMBERS = count(1)


@dataclass(frozen=True)
class Curve:
    """One metric of one training run: means over groups of steps, and their ranges."""

    name: str
    steps: Sequence[float]
    means: Sequence[float]
    lowest: Sequence[float]
    highest: Sequence[float]
    reached: int
    """The last step."""
    averaged: int
    """Number of steps per mean."""


def histogram_chart(
    edges: Sequence[float],
    before: Sequence[float] | None,
    after: Sequence[float] | None,
    bounds: Sequence[float],
    *,
    logarithmic: bool,
) -> Markup:
    """Draw row counts by value: before filled, after as a line, bounds as dashed lines."""
    with _chart(300, 165) as (figure, axes):
        if before is not None:
            axes.stairs(before, edges, fill=True, color=BEFORE, linewidth=0)
        if after is not None:
            axes.stairs(after, edges, color=AFTER, linewidth=2)
        if logarithmic:
            axes.set_yscale("symlog", linthresh=1)
        for bound in bounds:
            axes.axvline(bound, color=BOUND, linewidth=1.6, linestyle=(0, (4, 2)))
        axes.margins(x=0.02)
        axes.set_ylim(bottom=0)
        return _svg(figure)


def curves_chart(curves: Sequence[Curve], *, wide: bool) -> Markup:
    """Draw one line per model; the band behind it is the range of the averaged steps."""
    width, height = (760, 320) if wide else (340, 250)
    with _chart(width, height, steps=True) as (figure, axes):
        for i, curve in enumerate(curves):
            colour, dash = SERIES[i % len(SERIES)], DASHES[i // len(SERIES) % len(DASHES)]
            if len(curves) <= len(SERIES):
                axes.fill_between(
                    curve.steps, curve.lowest, curve.highest, color=colour, alpha=0.14, linewidth=0
                )
            axes.plot(curve.steps, curve.means, dash, color=colour, linewidth=1.8)
        axes.margins(x=0.01)
        return _svg(figure)


def style_of_series(place: int) -> tuple[str, str]:
    """Return colour and dash of a curve in CSS, for the legend."""
    dash = ("solid", "dashed", "dotted")[place // len(SERIES) % len(DASHES)]
    return f"var(--s{place % len(SERIES)})", dash


@contextmanager
def _chart(width: int, height: int, *, steps: bool = False) -> Iterator[tuple[Figure, Axes]]:
    """Create an empty chart, its size in CSS pixels; with ``steps``, x values are integers."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width / POINTS, height / POINTS))
        # A fixed frame: fitting it to the labels would double the time.
        left, right, bottom, top = MARGINS
        figure.subplots_adjust(
            left=left / width, right=1 - right / width, bottom=bottom / height, top=1 - top / height
        )
        figure.patch.set_visible(False)
        axes = figure.add_subplot()
        axes.patch.set_visible(False)
        axes.set_axisbelow(True)
        axes.xaxis.set_major_locator(MaxNLocator(width // 60, integer=steps))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
        yield figure, axes


def _svg(figure: Figure) -> Markup:
    """Return a figure as an element of the page: no prolog, no style sheet, unique ids."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.ticker import FuncFormatter

    for axes in figure.axes:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
    text = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    FigureCanvasSVG(figure).print_svg(text, metadata=nothing)  # type: ignore[no-untyped-call]
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<style.*?</style>", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r"^<svg[^>]*?viewBox=\"([^\"]*)\"[^>]*>", _OPENING, svg, count=1)
    svg = re.sub(r"font(-family)?: [^;\"]*sans-serif", _without_family, svg)
    svg = re.sub(r"#0[1-6][0-9a-f]{2}0[1-6]", lambda match: COLOURS[match[0]], svg)
    return Markup(_with_own_ids(svg))  # noqa: S704 (generated here from numbers)


_OPENING = r'<svg viewBox="\1" role="img" aria-hidden="true" focusable="false">'


def _without_family(match: re.Match[str]) -> str:
    """Leave the font family to the page; keep the size."""
    size = re.search(r"[\d.]+px", match[0])
    return f"font-size: {size[0]}" if size else "font-style: normal"


def _with_own_ids(svg: str) -> str:
    """Drop unreferenced ids; make the others unique within the page."""
    used = set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", svg))
    prefix = f"c{next(_NUMBERS)}-"
    svg = re.sub(
        r' id="([^"]*)"', lambda match: f' id="{prefix}{match[1]}"' if match[1] in used else "", svg
    )
    svg = svg.replace("xlink:href=", "href=")
    return re.sub(r"(url\(|href=\")#", rf"\1#{prefix}", svg)


def tick(value: float) -> str:
    """Format a number compactly: ``1.5k``, ``0.25``, ``3e-05``."""
    for size, unit in THOUSANDS:
        if HUGE > abs(value) >= size:
            shown = size if unit != "k" else 1e3
            return f"{value / shown:.4g}{unit}"
    return f"{value:.4g}"
