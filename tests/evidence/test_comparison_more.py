"""Comparing packages, and the settings of scripts."""

import pytest

from djsb.report.comparison_text import (
    ABSENT,
    comparison_json,
    comparison_text,
)

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
