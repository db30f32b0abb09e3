"""The word for a difference: all outputs use the one defined here."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from djsb.evidence.difference import Difference


class Verdict(StrEnum):
    """How the later of two measurements compares with the first."""

    BETTER = "better"
    WORSE = "worse"
    UNCLEAR = "no clear difference"
    """The interval of the difference contains zero."""
    SAME = "the same"
    """Nothing differs, not even by chance."""
    NOT_JUDGED = "not judged"
    """There is no interval: nothing tells an effect from chance."""
    NONE = ""
    """There is no direction, the difference is not a number, or another metric has the verdict."""


def judge(difference: Difference, *, higher_is_better: bool | None) -> Verdict:
    """Judge a difference by its interval; without one, nothing is better or worse."""
    is_judged = higher_is_better is not None or difference.interval is not None
    if math.isnan(difference.estimate) or not is_judged:
        return Verdict.NONE
    if difference.estimate == 0 and difference.interval in (None, (0, 0)):
        return Verdict.SAME
    if difference.interval is None:
        return Verdict.NOT_JUDGED
    if not difference.is_clear or difference.estimate == 0:
        return Verdict.UNCLEAR  # a bootstrap interval of equal values may exclude zero
    if higher_is_better is None:
        return Verdict.NONE
    # A bootstrap interval may not contain its estimate: the interval decides.
    is_more = difference.interval[0] > 0
    return Verdict.BETTER if is_more is higher_is_better else Verdict.WORSE
