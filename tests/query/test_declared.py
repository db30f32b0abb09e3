from types import SimpleNamespace

import pytest

from djsb.query.declared import direction_of, is_minor, is_shown_unchanged, is_summarized
from djsb.store.records import UNJUDGED, JobRecord
from djsb_core.interfaces.hook import Role
from djsb_core.metrics import Declarations, Metric, MetricKind

STATISTICS = (
    Metric("*.mean", kind=MetricKind.STATISTIC, primary=True),
    Metric("*", kind=MetricKind.STATISTIC),
)
TRAINED = (
    Metric("tokens", kind=MetricKind.COUNT, primary=True),
    Metric("loss", higher_is_better=False),
)
SCORED = (Metric("loss"), Metric("loss_error", kind=MetricKind.ERROR, error_of="loss"))


class Job(SimpleNamespace):
    """What a record says of a job's metrics."""

    declared, direction = JobRecord.declared, JobRecord.direction
    is_detail, is_shown = JobRecord.is_detail, JobRecord.is_shown


def job(role=Role.EVALUATE, metrics=SCORED, **directions):
    better = (Metric(name, higher_is_better=up) for name, up in directions.items())
    return Job(role=role, declarations=Declarations((*better, *metrics)))


PROBE, TRAINING = job(Role.PROBE, STATISTICS), job(Role.TRAIN, TRAINED)


@pytest.mark.parametrize(
    ("jobs", "direction"),
    [
        ([job(m=True), job(m=True)], True),
        ([job(m=False), job()], False),
        ([job(), job(m=False)], False),
        ([job(m=True), job(m=False)], None),
        ([job(), job(other=True)], None),
        *(([job(role, m=True), job(role, m=True)], None) for role in UNJUDGED),
    ],
)
def test_what_is_better(jobs, direction):
    assert direction_of(jobs, "m") is direction


def test_what_belongs_to_a_summary():
    assert [is_summarized(PROBE, name) for name in ("a.mean", "a.std")] == [True, False]
    assert [is_summarized(TRAINING, name) for name in ("tokens", "loss")] == [True, False]
    assert [is_summarized(job(), name) for name in ("loss", "loss_error")] == [True, False]


def test_what_a_summary_shows_even_where_nothing_changed():
    assert is_shown_unchanged(PROBE, "a.mean")
    assert is_shown_unchanged(TRAINING, "tokens")
    assert not is_shown_unchanged(job(), "loss")


def test_what_only_those_see_who_ask_for_everything():
    assert [is_minor([PROBE], name) for name in ("a.mean", "a.std")] == [False, True]
    assert [is_minor([job()], name) for name in ("loss", "loss_error")] == [False, True]
    assert not is_minor([PROBE, job()], "loss")
