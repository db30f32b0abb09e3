"""Any experiment file is valid, or each of its problems has a place: never a traceback."""

import json

import yaml
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings

from djsb.cli import djsb
from djsb_core.errors import MANY
from djsb_core.problems import shorten
from tests.support.schema_values import experiments, known_changes, mutations

EACH = settings(
    deadline=None,
    max_examples=150,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
"""The same files in every run: what is found is found for everybody."""


def check(lab, tree):
    """Validate an experiment, as text and as JSON."""
    text = yaml.safe_dump(tree, allow_unicode=False, sort_keys=False)
    lab.write("sandbox.yaml", text)
    plain = CliRunner().invoke(djsb, ["validate", "sandbox.yaml"])
    assert plain.exception is None or isinstance(plain.exception, SystemExit), text
    as_json = CliRunner().invoke(djsb, ["validate", "sandbox.yaml", "--json"])
    assert (as_json.exit_code, as_json.stderr) == (plain.exit_code, "")
    problems = json.loads(as_json.stdout)
    errors = [problem for problem in problems if problem["severity"] == "error"]
    assert plain.exit_code == (2 if errors else 0)
    for problem in problems:
        assert problem["file"], problem
        assert problem["line"], problem
        assert problem["text"], problem
    shown = plain.stderr if errors else plain.stdout
    for problem in problems[:MANY]:
        assert shorten(line_of(problem)) in shown


def line_of(problem):
    text = "; ".join(filter(None, (problem["text"], problem["remedy"])))
    place = f"{problem['file']}:{problem['line']}"
    return ": ".join(filter(None, (place, problem["key"], text)))


@EACH
@given(tree=experiments())
def test_an_experiment_of_the_schema_is_valid_or_explained(lab, tree):
    check(lab, tree)


@EACH
@given(tree=mutations())
def test_a_valid_experiment_with_one_change_is_valid_or_explained(lab, tree):
    check(lab, tree)


def test_each_text_with_a_meaning_is_valid_or_explained(lab):
    for tree in known_changes():
        check(lab, tree)
