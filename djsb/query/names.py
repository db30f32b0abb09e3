"""Short names of settings and metrics, and conditions on them: parsed, never evaluated."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from djsb.config import targets
from djsb_core.errors import RequestError, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from djsb.query.facts import Facts

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "=": operator.eq,
    "!=": operator.ne,
    **targets.COMPARISONS,
}
EQUALITIES = ("==", "=", "!=")
FORM = re.compile(r"\s*([^\s<>=!]+)\s*([<>=!]+)\s*(.*?)\s*", re.DOTALL)
WORDS = {"true": True, "false": False}
FEW = 8
"""Number of candidates that an error lists."""

LONG = 100


class Names:
    """The full names that runs have, and the short ones that a user writes."""

    def __init__(self, names: Collection[str]) -> None:
        """Index these full names."""
        self._known = dict.fromkeys(names)
        self._by_end: dict[str, list[tuple[str, ...]]] = {}
        for name in self._known:
            parts = tuple(name.split("."))
            self._by_end.setdefault(parts[-1], []).append(parts)

    def find(self, text: str) -> str:
        """Return the full name of ``text``: a full name, an ending, or a job with an ending.

        :raises RequestError: if there is none or it is ambiguous
        """
        if text in self._known:
            return text
        for candidates in self._candidates(tuple(text.split("."))):
            if len(candidates) == 1:
                return candidates[0]
            if candidates:
                raise RequestError(_ambiguous(text, candidates))
        endings = {".".join(name.split(".")[-2:]) for name in self._known}
        hint = suggest(text, {*self._known, *endings}) if self._known else "there is none"
        raise RequestError(f"no setting or metric '{text[:LONG]}'; {_few(hint)}")

    def short(self, name: str) -> str:
        """Return the shortest unambiguous form of this name."""
        parts = name.split(".")
        tails = [".".join(parts[-count:]) for count in range(1, len(parts))]
        choices = [*tails, *(f"{parts[0]}.{tail}" for tail in tails[:-1])]
        return min((text for text in choices if self._means(text, name)), key=len, default=name)

    def _means(self, text: str, name: str) -> bool:
        if text in self._known:
            return text == name
        for candidates in self._candidates(tuple(text.split("."))):
            if candidates:
                return candidates == [name]
        return False

    def _candidates(self, parts: tuple[str, ...]) -> Iterator[list[str]]:
        same_end = self._by_end.get(parts[-1], ())
        yield [".".join(candidate) for candidate in same_end if candidate[-len(parts) :] == parts]
        job, ending = parts[0], parts[1:]
        if ending:
            yield [
                ".".join(candidate)
                for candidate in same_end
                if job in candidate[:2]
                and candidate[-len(ending) :] == ending
                and len(candidate) > len(ending)
            ]


def _ambiguous(text: str, candidates: list[str]) -> str:
    more = f"\n  and {len(candidates) - FEW} more" if len(candidates) > FEW else ""
    listed = "".join(f"\n  {name}" for name in candidates[:FEW])
    return f"'{text}' may mean:{listed}{more}\nwrite more of it"


def _few(hint: str) -> str:
    return hint if len(hint) <= LONG * 3 else f"{hint[: LONG * 3]}…"


# -- conditions ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Condition:
    """A condition that a run must meet to be listed."""

    name: str
    """As the user wrote it."""
    comparison: str
    value: float | bool | str

    def holds(self, facts: Facts, names: Names) -> bool:
        """Tell whether a run meets the condition; one without that name does not."""
        value = facts.value(names.find(self.name))
        if value is None:
            return False
        comparable = _comparable(value)
        if self.comparison not in EQUALITIES and isinstance(comparable, bool | str):
            return False
        return COMPARISONS[self.comparison](comparable, self.value)


def parse_condition(text: str) -> Condition:
    """Parse one condition, such as ``train.lr >= 0.01`` or ``status == failed``.

    :raises RequestError: if it is malformed
    """
    match = FORM.fullmatch(text)
    if match is None or not match[3]:
        raise RequestError(f"'{text[:LONG]}' must be 'NAME >= 0.8' or 'NAME == TEXT'")
    name, comparison, operand = match.groups()
    if comparison not in COMPARISONS:
        known = ", ".join(COMPARISONS)
        raise RequestError(f"'{text[:LONG]}': no comparison '{comparison}'; write one of {known}")
    value = _comparable(operand.strip("'\"") if operand[0] in "'\"" else operand)
    if comparison not in EQUALITIES and (isinstance(value, bool | str)):
        raise RequestError(f"'{text[:LONG]}': '{operand}' is not a number")
    return Condition(name, comparison, value)


def _comparable(value: Any) -> float | bool | str:  # noqa: ANN401 (any setting)
    """Convert text that is a number: YAML reads ``1e-3`` as text."""
    if isinstance(value, bool | int | float):
        return value
    text = str(value)
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    try:
        return float(text.replace("_", "")) if text[:1] != "_" else text
    except ValueError:
        return text
