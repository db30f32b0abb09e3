"""What components declare of their metrics: found by name, and the same after a trip to JSON."""

import json
import re
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djsb_core.api import (
    Component,
    ComponentConfig,
    DataExecutor,
    Flow,
    Hook,
    Metric,
    MetricKind,
    ModelTrainExecutor,
    SampleLayout,
    Section,
    Slot,
)
from djsb_core.interfaces.hook import declarations_of
from djsb_core.metrics import Declarations, find_metric

NAMES = st.text("ab._%1", max_size=8)
FORMS = st.lists(NAMES, min_size=1, max_size=3).map("*".join)
TEXTS = st.none() | NAMES
KINDS = st.sampled_from([kind for kind in MetricKind if kind is not MetricKind.ERROR])
SCORES = st.builds(
    Metric,
    name=FORMS,
    unit=NAMES,
    higher_is_better=st.none() | st.booleans(),
    kind=KINDS,
    primary=st.booleans(),
    function_of=TEXTS,
    across_tokenizers=st.booleans(),
    group_key=TEXTS,
    flow=st.none() | st.sampled_from(Flow),
)
ERRORS = st.builds(Metric, name=FORMS, kind=st.just(MetricKind.ERROR), error_of=NAMES)
METRICS = SCORES | ERRORS
LAYOUTS = st.builds(SampleLayout, TEXTS, TEXTS, TEXTS, st.lists(NAMES).map(tuple))


@given(st.lists(METRICS).map(tuple), LAYOUTS)
def test_declarations_are_read_back_as_they_were(metrics, layout):
    declared = Declarations(metrics, layout)
    assert Declarations.from_json(json.loads(json.dumps(declared.to_json()))) == declared


@given(FORMS, NAMES)
def test_a_form_is_what_the_shell_takes_it_for(form, name):
    assert Metric(form).fits(name) is fnmatchcase(name, form)


@given(st.lists(NAMES, min_size=1, max_size=3), st.data())
def test_what_stands_for_a_star_makes_the_name_again(parts, data):
    fillings = [data.draw(NAMES) for _ in parts[1:]]
    name = parts[0] + "".join(a + b for a, b in zip(fillings, parts[1:], strict=True))
    found = Metric("*".join(parts)).match(name)
    assert found is not None
    assert parts[0] + "".join(a + b for a, b in zip(found, parts[1:], strict=True)) == name


def test_the_first_that_fits_counts():
    loss, rest = Metric("loss", "nats"), Metric("*", kind=MetricKind.DETAIL)
    declared = Declarations((loss, rest))
    assert (declared.find("loss"), declared.find("lr")) == (loss, rest)
    assert Declarations((rest, loss)).find("loss") == rest
    assert Declarations().find("loss") == Metric("loss")
    assert find_metric((), "loss") is None


@pytest.mark.parametrize(
    "options",
    [{"kind": MetricKind.ERROR}, {"error_of": "loss"}, {"kind": MetricKind.COUNT, "error_of": "x"}],
)
def test_an_error_is_of_something(options):
    with pytest.raises(ValueError, match=re.escape("metric 'e': an error, and only an error")):
        Metric("e", **options)


class Processor(DataExecutor[ComponentConfig]):
    metrics = (Metric("rows", "of the component"),)
    samples = SampleLayout(dataset="data.path")


class Process(Hook[ComponentConfig, Processor]):
    uses = Slot(DataExecutor, Section.DJ_CONFIGS)
    metrics = (Metric("rows", "of the hook"), Metric("time"))


class Train(Hook[ComponentConfig, ModelTrainExecutor]):
    uses = Slot(ModelTrainExecutor)


class Alone(Hook[ComponentConfig, Component]):
    metrics = (Metric("value"),)


def test_the_component_has_the_first_word_and_the_hook_says_where_it_is_configured():
    declared = declarations_of(Process, Processor)
    assert declared.find("rows").unit == "of the component"
    assert declared.find("time") is Process.metrics[1]
    assert declared.samples == SampleLayout(dataset="dj_configs.data.path")
    assert declarations_of(Train, Processor).samples.dataset == "extra_configs.data.path"
    assert declarations_of(Alone, None).metrics == Alone.metrics
