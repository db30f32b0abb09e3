import pytest

from djsb.query.names import Condition, Names, parse_condition
from djsb_core.errors import RequestError

KNOWN = [
    "id",
    "seconds",
    "train.extra_configs.train.optimizer.lr",
    "train.extra_configs.seed",
    "train.loss",
    "probe.text_len.mean",
    "eval.loss",
    "a.eval.score",
    "b.eval.score",
]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("eval.loss", "eval.loss"),
        ("seconds", "seconds"),
        ("lr", "train.extra_configs.train.optimizer.lr"),
        ("optimizer.lr", "train.extra_configs.train.optimizer.lr"),
        ("train.optimizer.lr", "train.extra_configs.train.optimizer.lr"),
        ("train.lr", "train.extra_configs.train.optimizer.lr"),
        ("train.seed", "train.extra_configs.seed"),
        ("mean", "probe.text_len.mean"),
        ("a.eval.score", "a.eval.score"),
        ("a.score", "a.eval.score"),
    ],
)
def test_short_names(text, name):
    assert Names(KNOWN).find(text) == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("loss", "'loss' may mean:\n  train.loss\n  eval.loss\nwrite more of it"),
        ("eval.score", "'eval.score' may mean:\n  a.eval.score\n  b.eval.score\nwrite"),
        ("eval.los", "no setting or metric 'eval.los'; did you mean 'eval.loss'?"),
        ("optimiser.lr", "did you mean 'optimizer.lr'?"),
        ("", "no setting or metric ''"),
        ("x." * 5000, "no setting or metric 'x.x."),
    ],
)
def test_names_that_mean_nothing_or_too_much(text, message):
    with pytest.raises(RequestError) as caught:
        Names(KNOWN).find(text)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_many_candidates_are_counted():
    with pytest.raises(RequestError, match=r"\n  p7\.score\n  and 92 more\n"):
        Names([f"p{i}.score" for i in range(100)]).find("score")


def test_nothing_is_known():
    with pytest.raises(RequestError, match="no setting or metric 'x'; there is none"):
        Names([]).find("x")


@pytest.mark.parametrize("name", KNOWN)
def test_the_shortest_text_leads_back(name):
    names = Names(KNOWN)
    short = names.short(name)
    assert names.find(short) == name
    assert len(short) <= len(name)


def test_the_shortest_text_is_short():
    assert Names(KNOWN).short("train.extra_configs.train.optimizer.lr") == "lr"
    many = [f"t{i}.extra_configs.train.optimizer.lr" for i in range(3)]
    assert Names(many).short(many[0]) == "t0.lr"


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("train.lr >= 0.01", Condition("train.lr", ">=", 0.01)),
        ("lr<1e-3", Condition("lr", "<", 0.001)),
        ("status == failed", Condition("status", "==", "failed")),
        ("type = 'Adam W'", Condition("type", "=", "Adam W")),
        ("packing != true", Condition("packing", "!=", True)),
        ("path == a=b", Condition("path", "==", "a=b")),
        ("text_len.25% > 3", Condition("text_len.25%", ">", 3.0)),
    ],
)
def test_conditions(text, condition):
    assert parse_condition(text) == condition


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lr", "'lr' must be 'NAME >= 0.8' or 'NAME == TEXT'"),
        ("lr >=", "must be 'NAME >= 0.8'"),
        (">= 3", "must be"),
        ("lr => 3", "no comparison '=>'; write one of ==, =, !=, >=, <=, >, <"),
        ("lr >= high", "'high' is not a number"),
        ("lr >= true", "'true' is not a number"),
        ("__import__('os').system('true')", "must be"),
        ("x" * 10_000, "must be"),
    ],
)
def test_wrong_conditions(text, message):
    with pytest.raises(RequestError) as caught:
        parse_condition(text)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 300
