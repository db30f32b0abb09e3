"""Problems of an experiment: the same object wherever they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Location: TypeAlias = tuple[str | int, ...]
"""The keys and indices that lead to a value."""

LONG = 2000
"""Maximum number of characters shown of one text."""


class Severity(str, Enum):
    """Whether a problem prevents the experiment from running; equal to its text."""

    ERROR = "error"
    WARNING = "warning"

    def __str__(self) -> str:
        """Return the text."""
        return str(self.value)


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with an experiment, or that its user should know."""

    text: str
    """What is wrong, in one sentence."""

    remedy: str = ""
    """What would be right, if it is not part of the text."""

    file: Path | None = None
    line: int | None = None
    location: Location = ()
    """The keys and indices that lead to the value."""

    severity: Severity = Severity.ERROR

    @property
    def key(self) -> str:
        """The location as in the file: ``evaluation_job_configs[0].extra_configs.type``."""
        return show_location(self.location)

    @property
    def place(self) -> str:
        """The file and line; empty if the problem is in no file."""
        return ":".join(str(part) for part in (self.file, self.line) if part is not None)

    @property
    def sentence(self) -> str:
        """What is wrong, and what would be right."""
        return "; ".join(filter(None, (self.text, self.remedy)))

    def __str__(self) -> str:
        """Format the problem on one line; long quotations are shortened."""
        return shorten(": ".join(filter(None, (self.place, self.key, self.sentence))))

    def to_json(self) -> dict[str, Any]:
        """Return the problem as plain data, with stable field names."""
        return {
            "file": None if self.file is None else str(self.file),
            "line": self.line,
            "key": self.key,
            "text": self.text,
            "severity": self.severity.value,
            "remedy": self.remedy,
        }


def show_location(location: Location) -> str:
    """Format a location as in the file: ``evaluation_job_configs[0].extra_configs.type``."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sort problems by their position in the files; list one in a shared recipe only once."""
    unique: dict[tuple[object, ...], Problem] = {}
    for problem in problems:
        *_, last = ("", *problem.location)  # an index alone does not distinguish two problems
        name = last if isinstance(last, str) else ""
        where = (problem.file, problem.line, name) if problem.line else (str(problem),)
        unique.setdefault((*where, problem.sentence), problem)
    return sorted(unique.values(), key=_place)


def _place(problem: Problem) -> tuple[str, int]:
    return (str(problem.file), problem.line) if problem.line else ("", 0)


def shorten(text: str) -> str:
    """Cut the middle out of a long text."""
    return text if len(text) <= LONG else f"{text[: LONG // 2]} … {text[-LONG // 2 :]}"
