"""Comparing what was recorded."""

import pytest

from djsb.evidence.comparison import compare_sides
from djsb.query.select import select_side


@pytest.fixture
def compare(history):
    """Return a function that compares runs or parts of them by name."""

    def compare_named(*names):
        return compare_sides(history.store, [select_side(history.store, name) for name in names])

    return compare_named
