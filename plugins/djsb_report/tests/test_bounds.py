"""Which statistic a refined bound is drawn in: the one that the refinement names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djsb_core.api import BoundSide, Change, read_changes, watch_changes
from djsb_core.job.watcher import flatten
from djsb_report.bounds import Bound, read_bounds

NAMES = st.text(st.characters(categories=("L", "N", "P")), min_size=1)
NUMBERS = st.floats(allow_nan=False)
CHANGES = st.builds(
    Change,
    NAMES,
    NAMES.filter(lambda name: "." not in name),
    st.none() | NUMBERS,
    NUMBERS,
    st.none() | NAMES,
    st.none() | st.sampled_from(BoundSide),
)


class Metrics(dict):
    """What a watcher has recorded."""

    def watch(self, value, name, step=None):
        assert step is None
        self.update(flatten(value, name))


@given(st.lists(CHANGES, unique_by=lambda change: f"{change.operator}.{change.argument}"))
def test_changes_are_read_back_as_they_were_recorded(changes):
    metrics = Metrics()
    watch_changes(metrics, changes)
    assert read_changes(metrics) == changes


def test_other_metrics_are_no_changes():
    metrics = {"refined.new": 1.0, "refined.a.b.new": "text", "other.a.b.new": 1.0, "new": 2.0}
    assert read_changes(metrics) == []


def bounds_of(new_run, metrics):
    run = new_run()
    run.add("refine", "R", "refine_recipe", metrics=metrics)
    reading = run.reading
    return read_bounds(reading, reading.jobs[0])


def test_old_and_new_value(new_run):
    metrics = {"refined.a.b.max_len.old": 9.0, "refined.a.b.max_len.new": 5.0, "other": 1.0}
    (found,) = bounds_of(new_run, metrics)
    assert found == Bound("a.b", "max_len", 9.0, 5.0, None)


def test_what_it_bounds(new_run):
    name = "refined.any_name.most"
    metrics = {f"{name}.new": 5.0, f"{name}.statistic": "words", f"{name}.side": "upper"}
    (found,) = bounds_of(new_run, metrics)
    assert found == Bound("any_name", "most", None, 5.0, "words", BoundSide.UPPER)


@pytest.mark.parametrize(
    ("side", "dropped"), [(BoundSide.LOWER, [1]), (BoundSide.UPPER, [3]), (None, [])]
)
def test_what_a_bound_drops(side, dropped):
    bound = Bound("o", "a", None, 2.0, "s", side)
    assert [value for value in (1, 2, 3) if bound.drops(value)] == dropped
