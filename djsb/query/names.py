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
"""Candidates that an error lists."""

LONG = 100


class Names:
    """The full names that runs have, and the short ones that a user writes."""

    def __init__(self, names: Collection[str]) -> None:
        """Know these full names."""
        self._known = dict.fromkeys(names)
        self._by_end: dict[str, list[tuple[str, ...]]] = {}
        for name in self._known:
            parts = tuple(name.split("."))
            self._by_end.setdefault(parts[-1], []).append(parts)

    def find(self, text: str) -> str:
        """Return the full name of ``text``: itself, an ending, or a job and an ending.

        :raises RequestError: if there is none, or several
        """
        if text in self._known:
            return text
        for found in self._candidates(tuple(text.split("."))):
            if len(found) == 1:
                return found[0]
            if found:
                raise RequestError(_ambiguous(text, found))
        endings = {".".join(name.split(".")[-2:]) for name in self._known}
        hint = suggest(text, {*self._known, *endings}) if self._known else "there is none"
        raise RequestError(f"no setting or metric '{text[:LONG]}'; {_few(hint)}")

    def short(self, name: str) -> str:
        """Return the shortest text that means this name only."""
        parts = name.split(".")
        tails = [".".join(parts[-count:]) for count in range(1, len(parts))]
        choices = [*tails, *(f"{parts[0]}.{tail}" for tail in tails[:-1])]
        return min((text for text in choices if self._means(text, name)), key=len, default=name)

    def _means(self, text: str, name: str) -> bool:
        if text in self._known:
            return text == name
        for found in self._candidates(tuple(text.split("."))):
            if found:
                return found == [name]
        return False

    def _candidates(self, parts: tuple[str, ...]) -> Iterator[list[str]]:
        same_end = self._by_end.get(parts[-1], ())
        yield [".".join(one) for one in same_end if one[-len(parts) :] == parts]
        job, ending = parts[0], parts[1:]
        if ending:
            yield [
                ".".join(one)
                for one in same_end
                if job in one[:2] and one[-len(ending) :] == ending and len(one) > len(ending)
            ]


def _ambiguous(text: str, found: list[str]) -> str:
    more = f"\n  and {len(found) - FEW} more" if len(found) > FEW else ""
    listed = "".join(f"\n  {name}" for name in found[:FEW])
    return f"'{text}' may mean:{listed}{more}\nwrite more of it"


def _few(hint: str) -> str:
    return hint if len(hint) <= LONG * 3 else f"{hint[: LONG * 3]}…"


# -- conditions ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Condition:
    """What a run must have to be listed."""

    name: str
    """As the user wrote it."""
    comparison: str
    value: float | bool | str

    def holds(self, facts: Facts, names: Names) -> bool:
        """Tell whether a run has that value; one that has nothing of that name does not."""
        given = facts.value(names.find(self.name))
        if given is None:
            return False
        found = _comparable(given)
        if self.comparison not in EQUALITIES and isinstance(found, bool | str):
            return False
        return COMPARISONS[self.comparison](found, self.value)


def parse_condition(text: str) -> Condition:
    """Read one condition, such as ``train.lr >= 0.01`` or ``status == failed``.

    :raises RequestError: with what would be right
    """
    found = FORM.fullmatch(text)
    if found is None or not found[3]:
        raise RequestError(f"'{text[:LONG]}' must be 'NAME >= 0.8' or 'NAME == TEXT'")
    name, comparison, given = found.groups()
    if comparison not in COMPARISONS:
        known = ", ".join(COMPARISONS)
        raise RequestError(f"'{text[:LONG]}': no comparison '{comparison}'; write one of {known}")
    value = _comparable(given.strip("'\"") if given[0] in "'\"" else given)
    if comparison not in EQUALITIES and (isinstance(value, bool | str)):
        raise RequestError(f"'{text[:LONG]}': '{given}' is not a number")
    return Condition(name, comparison, value)


def _comparable(value: Any) -> float | bool | str:  # noqa: ANN401 (any setting)
    """Make numbers of what is written as a number: YAML has ``1e-3`` as text."""
    if isinstance(value, bool | int | float):
        return value
    text = str(value)
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    try:
        return float(text.replace("_", "")) if text[:1] != "_" else text
    except ValueError:
        return text
