"""What was exported, and what differs in a run that was reproduced, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from djsb.report.comparison_text import ABSENT, packages_text
from djsb.report.format import number, table
from djsb_core.text import counted, size_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from djsb.bundle.export import Exported
    from djsb.bundle.reproduce import Value

MOST = 40


def export_text(exported: Exported) -> str:
    """Say what an export holds, and what whoever reproduces it must have."""
    manifest = exported.manifest
    inside = [entry for entry in manifest.inputs if entry.member]
    size = size_text(exported.path.stat().st_size)
    jobs, files = counted(len(manifest.expected), "job"), counted(len(inside), "input")
    lines = [f"{exported.path}: run {manifest.run}, {jobs}, {files} inside ({size})"]
    lines += [
        f"not inside, must be at hand: {entry.text} ({size_text(entry.size)})"
        if entry.size
        else f"not inside, and gone or changed here: {entry.text}"
        for entry in manifest.inputs
        if not entry.member
    ]
    lines += [f"left out, must be set: {place}" for place in manifest.secrets]
    return "\n".join(lines)


def reproduction_text(
    values: Sequence[Value], packages: Sequence[tuple[str, tuple[str | None, ...]]], run: str
) -> str:
    """Say whether a run measured what was measured then, and list what differs."""
    equal = sum(value.is_equal for value in values)
    close = sum(value.is_close for value in values) - equal
    others = [value for value in values if not value.is_close]
    parts = []
    if others:
        rows = [
            (value.job, value.metric, _shown(value.expected), _shown(value.measured))
            for value in others[:MOST]
        ]
        text = table(rows, ("job", "metric", "then", "now"), right=(2, 3))
        more = f"\nand {len(others) - MOST} more" if len(others) > MOST else ""
        parts.append(f"Values that differ\n\n{text}{more}")
    if packages:
        parts.append(f"Packages that differ: {packages_text(packages, None)}.")
    rounding = f", {close} but for rounding" if close else ""
    verdict = "Reproduced" if not others else "Not reproduced"
    parts.append(
        f"{verdict}: of {counted(len(values), 'value')} {equal} are equal{rounding}, "
        f"{len(others)} differ. Run {run}."
    )
    return "\n\n".join(parts)


def _shown(value: float | str | None) -> str:
    return ABSENT if value is None else number(value)
