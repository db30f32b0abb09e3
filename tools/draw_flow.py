"""Draw docs/explanation/flow.svg: from the experiment file to the result.

Each box names the package that does the step; a test checks that each package exists. The drawing
follows the reader's light or dark mode.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path

PICTURE = Path(__file__).parents[1] / "docs" / "explanation" / "flow.svg"
WIDTH, HEIGHT = 906, 424
BOX = (184, 88)
"""Width and height of a box, in pixels."""


@dataclass(frozen=True)
class Box:
    """One step."""

    x: int
    y: int
    title: str
    room: str
    """Dotted name of the package that does it; empty for data."""
    lines: tuple[str, ...]

    @property
    def is_data(self) -> bool:
        """Whether it is data, not a step."""
        return not self.room


BOXES = {
    "file": Box(16, 24, "sandbox.yaml", "", ("four lists of jobs", "or a mapping in Python")),
    "read": Box(246, 24, "read", "djsb.config", ("values with file and line",)),
    "plan": Box(476, 24, "load, bind, check", "djsb.planner", ("all problems at once",)),
    "frozen": Box(706, 24, "Plan", "", ("frozen; a preview with", "djsb run --dry-run")),
    "session": Box(706, 168, "run, job by job", "djsb.runner", ("inputs, fingerprint, record",)),
    "cache": Box(
        476, 168, "reuse", "djsb.cache", ("same fingerprint,", "same files: not run again")
    ),
    "placement": Box(706, 312, "place", "djsb.placement", ("processes, CPUs, GPUs",)),
    "worker": Box(
        476, 312, "work", "djsb_core.job", ("hook and component run,", "metrics stream back")
    ),
    "store": Box(246, 168, "keep", "djsb.store", ("runs, jobs, metrics, files",)),
    "evidence": Box(16, 168, "judge", "djsb.evidence", ("differences, intervals,", "verdicts")),
    "faces": Box(
        16, 312, "show", "djsb.report", ("closing table, compare,", "HTML page, Python API")
    ),
}
ARROWS = [
    ("file", "read"),
    ("read", "plan"),
    ("plan", "frozen"),
    ("frozen", "session"),
    ("session", "cache"),
    ("session", "placement"),
    ("placement", "worker"),
    ("worker", "cache"),
    ("cache", "store"),
    ("store", "evidence"),
    ("evidence", "faces"),
]
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2933; }
.title { font-weight: 600; font-size: 15px; }
.room { font-family: ui-monospace, monospace; font-size: 12px; fill: #2563a8; }
.step { fill: #eef4fb; stroke: #2563a8; }
.data { fill: #ffffff; stroke: #7b8794; stroke-dasharray: 4 3; }
.arrow { stroke: #52606d; stroke-width: 1.5; fill: none; marker-end: url(#head); }
.head { fill: #52606d; }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e7eb; }
  .room { fill: #8ec1f5; }
  .step { fill: #1b2b3c; stroke: #5b9bd5; }
  .data { fill: #111820; stroke: #9aa5b1; }
  .arrow { stroke: #9aa5b1; }
  .head { fill: #9aa5b1; }
}
"""


def draw() -> str:
    """Return the picture as SVG text."""
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            'aria-label="From the experiment file to the result">'
        ),
        f"<style>{STYLE}</style>",
        (
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto"><path class="head" d="M0 0 8 4 0 8z"/></marker></defs>'
        ),
        *(_arrow(BOXES[start], BOXES[end]) for start, end in ARROWS),
        *(_box(box) for box in BOXES.values()),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _box(box: Box) -> str:
    width, height = BOX
    kind = "data" if box.is_data else "step"
    lines = [(box.title, "title"), (box.room, "room"), *((line, "") for line in box.lines)]
    shown = [(text, css) for text, css in lines if text]
    top = box.y + (height - 17 * len(shown)) / 2 + 13
    texts = "".join(
        f'<text class="{css}" x="{box.x + width / 2:g}" y="{top + 17 * i:g}" '
        f'text-anchor="middle">{escape(text)}</text>'
        for i, (text, css) in enumerate(shown)
    )
    frame = (
        f'<rect class="{kind}" x="{box.x}" y="{box.y}" width="{width}" height="{height}" rx="8"/>'
    )
    return frame + texts


def _arrow(start: Box, end: Box) -> str:
    width, height = BOX
    if start.y == end.y:
        ahead = end.x > start.x
        x1: float = start.x + (width if ahead else 0)
        x2: float = end.x + (-3 if ahead else width + 3)
        y1 = y2 = start.y + height / 2
    else:
        x1 = x2 = start.x + width / 2
        below = end.y > start.y
        y1 = start.y + (height if below else 0)
        y2 = end.y + (-3 if below else height + 3)
    return f'<path class="arrow" d="M{x1:g} {y1:g} {x2:g} {y2:g}"/>'


def main() -> int:
    """Write the picture; with ``--check``, only report whether it is out of date."""
    picture = draw()
    if "--check" not in sys.argv:
        PICTURE.write_text(picture, encoding="utf-8")
    elif not PICTURE.is_file() or PICTURE.read_text(encoding="utf-8") != picture:
        sys.stderr.write(f"{PICTURE.name} is out of date; run tools/draw_flow.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
