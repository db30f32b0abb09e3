"""When an iteration is the last, and why."""

import math
from dataclasses import replace

import pytest

from djsb.runner.history import History
from djsb.runner.targets import measure_targets, reason_to_stop
from djsb.store.records import TargetRecord
from djsb_core.errors import DjsbError

TEXT = """
max_iter_num: %s
iter_targets: [%s]
execution_job_configs:
- hook: GeneralProbeHook
  meta_name: probe
  extra_configs: {type: lab_findings}
- {hook: Echo, meta_name: echo}
"""


@pytest.fixture
def measure(lab):
    """Return a function that measures targets of an output called ``output``."""

    def measure_output(output, *targets):
        plan = lab.plan(TEXT % (2, ", ".join(f"'anonymous.probe.{one}'" for one in targets)))
        return measure_targets(plan, History(2, outputs={0: {"output": output}}))

    return measure_output


@pytest.mark.parametrize(
    ("output", "target", "met"),
    [
        (0.5, "output >= 0.5", True),
        (0.5, "output > 0.5", False),
        (0, "output == 0", True),
        (3, "output < 3.5", True),
        ({"deep": {"list": [1, 2]}}, "output.deep.list.1 >= 2", True),
        (math.nan, "output >= 0", False),
        (math.inf, "output >= 1e300", True),
    ],
)
def test_a_target_is_measured(measure, output, target, met):
    (found,) = measure(output, target)
    assert (found.iteration, found.target, found.met) == (2, f"anonymous.probe.{target}", met)
    assert isinstance(found.value, float)


def test_targets_keep_their_order(measure):
    found = measure({"b": 1, "a": 2}, "output.b > 1", "output.a > 1")
    assert [one.met for one in found] == [False, True]


@pytest.mark.parametrize(
    ("output", "hint"),
    [
        ("text", "known: none"),
        (None, "known: none"),
        ("0.9", "known: none"),
        ([1], "did you mean 'output.0'?"),
        ({"a": 1, "b": "x"}, "did you mean 'output.a'?"),
    ],
)
def test_what_is_no_number_is_an_error_that_says_so(measure, output, hint):
    with pytest.raises(DjsbError) as caught:
        measure(output, "output > 1")
    expected = f"iter_targets: 'anonymous.probe.output > 1': 'output' is not a number; {hint}"
    assert str(caught.value) == expected


def test_a_long_value_that_is_no_number_is_not_shown_at_length(measure):
    with pytest.raises(DjsbError) as caught:
        measure("x" * 100_000, "output > 1")
    assert len(str(caught.value)) < 1000


def test_a_part_that_is_not_there_names_the_nearest_that_is(measure):
    with pytest.raises(
        DjsbError, match=r"'output.scor' is not a number; did you mean 'output.score'"
    ):
        measure({"score": 1, "text": "x"}, "output.scor > 1")


# -- the reason ------------------------------------------------------------------------------------


@pytest.fixture
def reason(lab):
    """Return a function that says why an iteration is the last."""

    def reason_of(met, most=3, mode="all", iteration=1, keys=({}, {0: "x"}), **job):
        measured = [
            TargetRecord(iteration, f"p.j.{i} > 1", 0.5 + one, one) for i, one in enumerate(met)
        ]
        targets = "anonymous.probe.output > 1" if met or not most else ""
        plan = lab.plan(TEXT % (most, targets) + f"iter_targets_mode: {mode}\n")
        specs = [replace(one.spec, **job) for one in plan.jobs]
        jobs = [replace(one, spec=spec) for one, spec in zip(plan.jobs, specs, strict=True)]
        before, now = keys
        previous = History(iteration - 1, keys=before) if iteration > 1 else None
        history = History(iteration, previous=previous, keys=now)
        return reason_to_stop(replace(plan, jobs=tuple(jobs)), measured, history)

    return reason_of


SAME = ({0: "x", 1: "y"}, {0: "x", 1: "y"})


@pytest.mark.parametrize(
    ("met", "options", "said"),
    [
        ([True, True], {}, "2 of 2 targets met after iteration 1"),
        ([True, False], {}, None),
        ([True, False], {"mode": "any"}, "1 of 2 targets met after iteration 1"),
        ([False, False], {"mode": "any"}, None),
        ([True], {"iteration": 3}, "1 of 1 target met after iteration 3"),
        ([True], {"most": 0}, "1 of 1 target met after iteration 1"),
        ([False], {"most": 0, "iteration": 99}, None),
        (
            [False, True, False],
            {"iteration": 3},
            (
                "max_iter_num: 3 reached with 1 of 3 targets met; "
                "not met: p.j.0 > 1 (is 0.5); p.j.2 > 1 (is 0.5)"
            ),
        ),
        ([], {"iteration": 3}, "max_iter_num: 3 iterations done"),
        ([], {"iteration": 2}, None),
        (
            [False],
            {"iteration": 2, "keys": SAME},
            "0 of 1 target met, but another iteration would repeat iteration 2",
        ),
        ([], {"iteration": 2, "keys": SAME}, "another iteration would repeat iteration 2"),
        ([False], {"iteration": 2, "keys": SAME, "cache": False}, None),
        ([False], {"iteration": 1, "keys": SAME}, None),
        ([True], {"iteration": 2, "keys": SAME}, "1 of 1 target met after iteration 2"),
    ],
)
def test_the_reason_to_stop(reason, met, options, said):
    assert reason(met, **options) == said
