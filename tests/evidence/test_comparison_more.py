"""Comparing packages, settings of scripts, and functions of other metrics."""

import math
import random
from statistics import fmean

import numpy as np
import pytest
from scipy import stats

from djsb.report.comparison_text import (
    ABSENT,
    comparison_json,
    comparison_text,
)
from djsb_core.metrics import Metric

# -- packages --------------------------------------------------------------------------------------


def test_packages_that_differ_are_one_line(history, compare):
    history.add(history.score(0.5), packages={"numpy": "1.26", "same": "1", "torch": "2.6"})
    history.add(history.score(0.5), packages={"numpy": "2.1", "same": "1", "ray": "2.9"})
    found = compare("last~1", "last")
    expected = [("numpy", ("1.26", "2.1")), ("torch", ("2.6", None)), ("ray", (None, "2.9"))]
    assert found.packages == expected
    line = f"Packages that differ: numpy 1.26 → 2.1, torch 2.6 → {ABSENT}, ray {ABSENT} → 2.9."
    assert line in comparison_text(found).splitlines()
    assert comparison_json(found)["packages"][0] == {
        "package": "numpy",
        "versions": ["1.26", "2.1"],
    }


def test_many_packages_are_cut(history, compare):
    for version in "12":
        history.add(history.score(0.5), packages={f"p{i}": version for i in range(10)})
    found = compare("last~1", "last")
    assert "p7 1 → 2 and 2 more." in comparison_text(found)
    assert "p9 1 → 2." in comparison_text(found, everything=True)


@pytest.mark.parametrize("packages", [{"numpy": "1"}, None])
def test_the_same_packages_or_none_recorded_are_no_line(history, compare, packages):
    history.add(history.score(0.5), packages={"numpy": "1"})
    history.add(history.score(0.5), packages=packages)
    found = compare("last~1", "last")
    assert found.packages == []
    assert "Packages" not in comparison_text(found)


# -- scripts ---------------------------------------------------------------------------------------


def test_settings_of_scripts_are_compared(history, compare):
    recipe = [{"text_length_filter": {"min_len": 3}}]
    history.add(settings={"train.lr": 0.1, "train.same": 1, "recipe.process": recipe})
    history.add(settings={"train.lr": 0.2, "train.same": 1})
    found = compare("last~1", "last").settings
    assert [(one.job, one.name, one.values) for one in found] == [
        ("train", "lr", (0.1, 0.2)),
        ("recipe", "process", ("text_length_filter", None)),
        ("recipe", "process.text_length_filter.min_len", (3, None)),
    ]


# -- functions of another metric -------------------------------------------------------------------

LOSS = (
    Metric("loss", higher_is_better=False),
    Metric("perplexity", higher_is_better=False, function_of="loss"),
)


def perplexity(history, losses, perplexity=None):
    loss = fmean(losses)
    value = math.exp(loss) if perplexity is None else perplexity
    return history.score(
        0.5,
        metrics={"loss": loss, "perplexity": value},
        samples={"loss": {"values": losses, "weights": None}},
        declared=LOSS,
        directions={},
    )


def test_perplexity_has_the_interval_of_loss_and_no_word(history, compare):
    rng = random.Random(3)  # noqa: S311
    old = [rng.gauss(3, 0.5) for _ in range(200)]
    new = [value - 0.2 + rng.gauss(0, 0.1) for value in old]
    history.add(perplexity(history, old))
    history.add(perplexity(history, new))
    loss, found = (metric.contrasts[0] for metric in compare("last~1", "last").metrics)
    assert (loss.verdict, found.verdict) == ("better", "")
    base = math.exp(fmean(old))
    wanted = [base * (math.exp(end) - 1) for end in loss.difference.interval]
    assert found.difference.interval == pytest.approx(wanted)
    assert found.difference.low < found.difference.estimate < found.difference.high
    assert found.difference.method == "exp of the interval of loss"
    # The ratio of the two perplexities, resampled: the value before is taken as given.
    draws = stats.bootstrap((old, new), _ratio_of_perplexities, paired=True, rng=5)
    ratios = [1 + end / base for end in found.difference.interval]
    assert ratios == pytest.approx(list(draws.confidence_interval), abs=0.002)


def _ratio_of_perplexities(old, new, axis):
    return np.exp(new.mean(axis) - old.mean(axis))


@pytest.mark.parametrize("value", [7.0, math.inf, math.nan])
def test_what_is_not_the_exponential_has_no_interval(history, compare, value):
    for losses in ([1.0, 2.0, 3.0], [1.5, 2.6, 3.2]):
        history.add(perplexity(history, losses, value + len(losses) * losses[0]))
    found = {metric.name: metric for metric in compare("last~1", "last").metrics}
    (contrast,) = found["perplexity"].contrasts
    assert (contrast.difference.interval, contrast.verdict) == (None, "")


def test_perplexity_without_intervals_is_not_judged_either(history, compare):
    for loss in (1.0, 2.0):
        history.add(
            history.score(
                0.5,
                metrics={"loss": loss, "perplexity": math.exp(loss)},
                declared=LOSS,
                directions={},
            )
        )
    words = {one.name: one.contrasts[0].verdict for one in compare("last~1", "last").metrics}
    assert words == {"loss": "not judged", "perplexity": ""}
