"""Sweep configurations: right and wrong ones, and whether wandb's own schema says the same."""

import json
import os
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest
from jsonschema import Draft7Validator, FormatChecker

from djsb.config.sweep import SHAPES, read_sweep
from djsb_core.errors import ConfigError

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
PACKAGE = "sweeps==0.3.0"
"""wandb's package of the schema; not installed, for it wants an old numpy."""

DATA_JUICER = """
sweep_name: hpo_for_data-juicer
sweep_max_count: 1000
method: bayes
metric:
  name: quality_score
  goal: maximize
parameters:
  character_repetition_filter.rep_len:
      values: [2, 4, 8, 16]
  text_length_filter.min_len:
      distribution: q_log_uniform_values
      min: 256
      max: 8192
early_terminate:
  type: hyperband
  max_iter: 27
  s: 2
"""


def example(name):
    """Return the least parameter of a distribution."""
    known = {"value": 3, "values": [1, "a"], "probabilities": [0.5, 0.5], "min": 1, "max": 9}
    return {"distribution": name} | {key: known[key] for key in sorted(SHAPES[name].required)}


SWEEP = {
    "method": "bayes",
    "metric": {"name": "eval.loss", "goal": "minimize", "target": 0.1, "impute": "best"},
    "name": "rates",
    "project": "p",
    "run_cap": 20,
    "program": "train.py",
    "command": ["${env}", "python"],
    "controller": {"type": "local", "more": 1},
    "early_terminate": {"type": "hyperband", "min_iter": 3, "eta": 2.5, "strict": False},
    "parameters": {"lr": {"value": 1}},
}
PARAMETERS = [
    *map(example, SHAPES),
    {"value": None},
    {"values": [0.1, None, "x"]},
    {"values": [1, 2], "probabilities": [0, 1]},
    {"min": 1, "max": 9},
    {"min": 1, "max": 9.5},
    {"distribution": "q_normal", "mu": -1, "sigma": 0, "q": 0.5},
    {"distribution": "q_beta", "a": 0, "b": 2.5, "q": 1},
    {"parameters": {"lr": {"values": [1]}, "more": {"parameters": {"x": {"value": 1}}}}},
]
VALUES = (None, True, "x", 0, -1, 2.5, [], [1], {}, {"a": 1})


@pytest.fixture(scope="session")
def wandbs(tmp_path_factory):
    """Return wandb's own judge of a configuration, out of its package."""
    folder = tmp_path_factory.mktemp("sweeps")
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    pip = [uv, "pip", "install", "--python", sys.executable] if uv else [*PIP, "install"]
    subprocess.run([*pip, "--quiet", "--no-deps", "--target", folder, PACKAGE], check=True)
    schema = json.loads((folder / "sweeps" / "config" / "schema.json").read_text())
    formats = FormatChecker(())
    formats.checks("float")(lambda value: isinstance(value, float))
    formats.checks("integer")(lambda value: isinstance(value, int))
    return Draft7Validator(schema, format_checker=formats)


def accepts(config):
    try:
        read_sweep(config)
    except ConfigError:
        return False
    return True


def paths(value, path=()):
    """Yield the place of every value inside."""
    yield path
    for key, item in value.items() if isinstance(value, dict) else ():
        yield from paths(item, (*path, key))


def changed(config, path, change):
    """Return a copy with another value, or another key beside it."""
    copy = deepcopy(config)
    inside = copy
    for part in path[:-1]:
        inside = inside[part]
    change(inside, path[-1])
    return copy


@pytest.mark.parametrize(
    "config",
    [SWEEP, *({"method": "grid", "parameters": {"p": one}} for one in PARAMETERS)],
    ids=lambda config: str(next(iter(config["parameters"].values())))[:40],
)
def test_wandb_accepts_what_we_accept_and_refuses_what_we_refuse(wandbs, config):
    assert accepts(config)
    assert wandbs.is_valid(config)
    judged = {True: 0, False: 0}
    for path in list(paths(config))[1:]:
        changes = [lambda inside, key: inside.pop(key)]
        for value in VALUES:
            changes.append(lambda inside, key, v=value: inside.update({key: v}))
            changes.append(lambda inside, key, v=value: inside.update({"min": v}))
        for one in (changed(config, path, change) for change in changes):
            ours, theirs = accepts(one), wandbs.is_valid(one)
            judged[ours] += 1
            assert ours == theirs or (theirs and is_stricter(one)), one
    assert min(judged.values()) > 0


def is_stricter(config):
    """Tell whether we refuse what wandb would only find out later: bounds and counts."""
    with pytest.raises(ConfigError) as caught:
        read_sweep(config)
    said = [problem.text for problem in caught.value.problems]
    return all(" is above `max`" in one or "as many items as" in one for one in said)


def test_data_juicers_own_form(tmp_path):
    path = tmp_path / "hpo.yaml"
    path.write_text(DATA_JUICER)
    sweep = read_sweep(path)
    assert (sweep.schema.sweep_name, sweep.schema.sweep_max_count) == ("hpo_for_data-juicer", 1000)
    assert sweep.config["metric"] == {"name": "quality_score", "goal": "maximize"}
    path.write_text(DATA_JUICER.replace("1000", "null"))
    assert read_sweep(str(path)).schema.sweep_max_count is None


@pytest.mark.parametrize(
    ("parameter", "problem"),
    [
        ({}, "write `value`, `values`, `min` and `max`, `distribution`, or `parameters`"),
        ({"min": 1}, "write `value`, `values`, `min` and `max`"),
        ({"min": 9, "max": 1}, "`min` 9 is above `max` 1"),
        ({"distribution": "normall"}, "unknown distribution 'normall'; did you mean 'normal'?"),
        ({"distribution": "uniform", "min": 1}, "uniform needs `max`"),
        ({"distribution": "normal", "min": 1}, "normal has no `min`; it has `mu` and `sigma`"),
        ({"distribution": "int_uniform", "min": 1.5, "max": 3}, "int_uniform needs integers"),
        ({"distribution": "log_uniform_values", "min": 0, "max": 3}, "needs a `min` above 0"),
        ({"values": [1, 2], "probabilities": [1]}, "`probabilities` must have as many items"),
        ({"parameters": {"x": {"value": 1}}, "value": 1}, "`parameters` cannot be combined"),
        ({"valeus": [1]}, "parameters.lr.valeus: unknown key; did you mean 'values'?"),
        ({"min": float("nan"), "max": 1.0}, "parameters.lr.min: "),
        ({"values": None}, "`values` has no value; leave it out"),
    ],
)
def test_wrong_parameters_are_said_in_one_sentence(parameter, problem):
    with pytest.raises(ConfigError) as caught:
        read_sweep({"method": "random", "parameters": {"lr": parameter}})
    (said,) = map(str, caught.value.problems)
    assert said.startswith("hpo_config: parameters.lr")
    assert problem in said


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("parameters: {lr: {values: [1]}}", "hpo.yaml:1: method: missing; it is required"),
        ("method: random\nmetrik: {name: x}", "hpo.yaml:2: metrik: unknown key; did you mean"),
        ("method: random\nrun_cap: 0", "hpo.yaml:2: run_cap: "),
        ("method: random\nmetric: {goal: maximize}", "hpo.yaml:2: metric.name: missing"),
        ("method: random\nparameters:\n  9lr: {value: 1}", "hpo.yaml:3: parameters.9lr: "),
        ("method: random\nearly_terminate: {type: hyperband}", "hyperband needs `min_iter`, or"),
        ("method: random\nmetric:", "`metric` has no value; leave it out"),
        ("[1]", "hpo.yaml:1: sweep: should be a mapping, not a list"),
        ("", "hpo.yaml:1: sweep: "),
    ],
)
def test_wrong_files_are_said_with_their_line(tmp_path, monkeypatch, text, problem):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hpo.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_sweep("hpo.yaml")
    (said,) = map(str, caught.value.problems)
    assert problem in said


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read"):
        read_sweep(tmp_path / "none.yaml")
