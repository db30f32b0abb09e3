"""200 malformed experiment files: one message each with file and line, no traceback, no hang."""

import json
import re

import pytest
from click.testing import CliRunner

from djsb.cli import djsb
from djsb_core.problems import shorten
from tests.support.experiments import BASES
from tests.support.malformers import EACH, MALFORMERS, MILLION, made_by

LIMIT = 60
"""Seconds that a process may take; it takes one."""


def write(lab, file, content):
    """Write a file, and those that it may name."""
    lab.write("configs/broken.yaml", "a: [1,\n")
    (lab.folder / "configs" / "binary.yaml").write_bytes(bytes(range(255, 0, -1)))
    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    (lab.folder / file).write_bytes(data)


PLACE = re.compile(r"(?:^Error: |^  )(?:sandbox|configs/\w+|data)\.(?:yaml|json|jsonl):\d+: \S")


def check(lab, code, message):
    assert code == 2, message[:2000]
    assert "Traceback" not in message
    assert any(PLACE.match(line) for line in message.splitlines()), message[:2000]
    assert len(message) < MILLION / 2
    assert {"canary", "w", "outputs"}.isdisjoint(path.name for path in lab.folder.iterdir())


@pytest.mark.parametrize("name", MALFORMERS)
def test_a_malformed_experiment_is_one_message(lab, name):
    for file, content in made_by(name):
        write(lab, file, content)
        result = CliRunner().invoke(djsb, ["validate", file])
        assert isinstance(result.exception, SystemExit), f"{content[:500]}\n{result.output[:500]}"
        check(lab, result.exit_code, result.output)


@pytest.mark.parametrize("name", MALFORMERS)
def test_its_problems_are_the_same_as_json(lab, name):
    """Put together, the fields of each problem are the line that people see."""
    for file, content in made_by(name)[:2]:
        write(lab, file, content)
        said = CliRunner().invoke(djsb, ["validate", file]).stderr.removeprefix("Error: ")
        result = CliRunner().invoke(djsb, ["validate", file, "--json"])
        assert (result.exit_code, result.stderr) == (2, "")
        problems = json.loads(result.stdout)
        lines = [shorten(line_of(problem)) for problem in problems]
        count = [] if len(lines) == 1 else [f"{len(lines)} problems"]
        assert said.rstrip("\n") == "\n  ".join([*count, *lines])


def line_of(problem):
    place = ":".join(str(problem[name]) for name in ("file", "line") if problem[name] is not None)
    text = "; ".join(filter(None, (problem["text"], problem["remedy"])))
    return ": ".join(filter(None, (place, problem["key"], text)))


def test_they_are_two_hundred():
    assert len(MALFORMERS) * EACH == 200


@pytest.mark.parametrize(
    ("name", "i"),
    [
        ("aliases_that_multiply", 0),
        ("an_anchor_that_loops", 1),
        ("another_encoding", 0),
        ("a_tag", 0),
        ("deep_nesting", 0),
        ("no_text_at_all", 1),
        ("ten_megabytes_in_a_line", 0),
        ("ten_megabytes_in_a_line", 7),
        ("pipelines_of_another_shape", 5),
        ("an_absurd_target", 2),
    ],
)
def test_so_it_is_in_a_process_that_would_run_it(lab, name, i):
    file, content = made_by(name)[i]
    write(lab, file, content)
    ran = lab.djsb("run", file, timeout=LIMIT)
    assert ran.stdout == ""
    check(lab, ran.returncode, ran.stderr)


@pytest.mark.parametrize("text", BASES)
def test_what_they_are_made_from_is_valid(lab, text):
    lab.plan(text)
