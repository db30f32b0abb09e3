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
    NONE = ""
    """There is no direction, or the difference is not a number."""


def judge(difference: Difference, *, higher_is_better: bool | None) -> Verdict:
    """Judge a difference by its interval; without one, by its sign alone."""
    if math.isnan(difference.estimate):
        return Verdict.NONE
    is_judged = higher_is_better is not None or difference.interval is not None
    if difference.estimate == 0 and (difference.interval or (0, 0)) == (0, 0):
        return Verdict.SAME if is_judged else Verdict.NONE
    if difference.is_clear is False or difference.estimate == 0:
        return Verdict.UNCLEAR  # a bootstrap interval of equal values may exclude zero
    if higher_is_better is None:
        return Verdict.NONE
    # A bootstrap interval may not contain its estimate: the interval decides.
    is_more = (difference.low or 0) > 0 if difference.is_clear else difference.estimate > 0
    return Verdict.BETTER if is_more is higher_is_better else Verdict.WORSE
