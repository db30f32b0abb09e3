"""``djsb runs``, ``djsb show`` and ``djsb compare``, as a user calls them."""

import csv
import io
import json
import re

import pytest
from click.testing import CliRunner

from djsb.cli import djsb

EVALUATE = """
work_dir: w
experiment_name: {name}
evaluation_job_configs:
- hook: EvaluateDataHook
  meta_name: eval
  extra_configs: {{type: lab_lengths, dataset_path: {data}}}
"""


@pytest.fixture
def invoke():
    return lambda *arguments: CliRunner().invoke(djsb, [str(one) for one in arguments])


@pytest.fixture
def two(lab):
    """Run two experiments; return their runs, the newest first."""
    lab.write("short.jsonl", "".join(f'{{"text": "{"x" * n}"}}\n' for n in (1, 1, 2, 2)))
    first = lab.run(EVALUATE.format(name="long", data="data.jsonl"))
    return lab.run(EVALUATE.format(name="short", data="short.jsonl")), first


def test_runs_with_filters(invoke, two):
    newest, first = two
    for arguments, found in (
        (["--experiment", "long"], [first]),
        (["--where", "mean_len > 3", "--where", "status == finished"], [first]),
        (["--sort", "-mean_len"], [first, newest]),
        (["--since", "1h", "--limit", "1"], [newest]),
        (["--status", "failed"], []),
        (["--sweep", "*"], []),
    ):
        result = invoke("runs", "w", "--json", *arguments)
        assert result.exit_code == 0, result.stderr
        assert [run["id"] for run in json.loads(result.stdout)] == [run.id for run in found]


def test_runs_as_text_and_csv(invoke, two):
    text = invoke("runs", "w").stdout
    assert "mean_len" in text.splitlines()[0]
    assert "dataset_path" in text.splitlines()[0]
    rows = list(csv.DictReader(io.StringIO(invoke("runs", "w", "--csv").stdout)))
    assert [row["eval.mean_len"] for row in rows] == ["1.5", "4.0"]
    assert invoke("runs", "w", "--columns", "eval.hook").exit_code == 2
    assert invoke("runs", "w", "--experiment", "no").stdout == "No runs.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["runs", "w", "--where", "mean_len"],
        ["runs", "w", "--where", "nothing > 3"],
        ["runs", "w", "--sort", "nothing"],
        ["runs", "w", "--columns", "nothing"],
        ["runs", "w", "--since", "yesterday"],
        ["runs", "w", "--status", "good"],
        ["runs", "w", "--limit", "0"],
        ["show", "last", "nothing", "w"],
        ["show", "nothing", "w"],
        ["show", "last~7", "w"],
        ["compare", "last", "-w", "w"],
        ["compare", "last", "nothing", "-w", "w"],
        ["compare", "last", "last:nothing", "-w", "w"],
        ["compare", *["last"] * 27, "-w", "w"],
    ],
)
def test_a_wrong_request_is_one_message(invoke, two, arguments):
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("Error: ") == 1
    assert "Traceback" not in result.stderr


def test_show_a_run_or_one_of_its_jobs(invoke, two):
    newest, first = two
    assert invoke("show", "last~1", "w").stdout.startswith(f"Run {first.id} ")
    text = invoke("show", "last", "eval", "w").stdout
    assert text.startswith(f"eval (evaluation) of run {newest.id}: finished\n")
    assert "\n    dataset_path: short.jsonl\n" in text
    (job,) = json.loads(invoke("show", first.id, "anonymous.eval", "w", "--json").stdout)
    assert job["metrics"] == {"mean_len": 4.0}


def test_show_here(invoke, two):
    assert invoke("show", "last", "eval").stdout.startswith("eval (evaluation)")
    assert invoke("show").stdout.startswith("Run ")


def test_compare(invoke, two):
    text = invoke("compare", "last~1", "last", "-w", "w").stdout
    words = [line.split() for line in text.splitlines()]
    assert ["eval", "dataset_path", "data.jsonl", "short.jsonl"] in words
    (row,) = [line for line in text.splitlines() if line.startswith("mean_len")]
    assert re.search(r"4 +1\.5 +-2\.5 +-62\.5% +no clear difference", row)
    assert text.endswith("Intervals: 95 %, Welch's t.\n")


def test_compare_for_scripts(invoke, two):
    found = json.loads(invoke("compare", "last~1", "last", "--json").stdout)
    assert found["metrics"][0]["values"] == [4.0, 1.5]
    (row,) = csv.DictReader(io.StringIO(invoke("compare", "last~1", "last", "--csv").stdout))
    assert (row["metric"], row["first"], row["value"]) == ("mean_len", "4.0", "1.5")


# -- the place -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["runs"],
        ["show"],
        ["show", "last"],
        ["show", "last", "eval"],
        ["compare", "last~1", "last"],
        ["cache", "ls"],
        ["cache", "why", "eval"],
        ["cache", "gc", "--dry-run"],
        ["cache", "rm", "eval"],
    ],
)
def test_a_place_is_the_last_argument_or_an_option(invoke, two, lab, arguments):
    (lab.folder / "sandbox.yaml").rename("other.yaml")
    for place in (["w"], ["./w"], ["other.yaml"], ["-w", "w"], ["-w", "other.yaml"]):
        if "rm" not in arguments or place == ["w"]:
            result = invoke(*arguments, *place)
            assert result.exit_code == 0, (place, result.stderr)
    for place in (["nosuch.yaml"], ["./nosuch"], ["nosuch/"], ["-w", "nosuch"]):
        result = invoke(*arguments, *place)
        assert result.exit_code == 2
        assert f"no such experiment file or work_dir: '{place[-1].strip('./')}" in (
            result.stderr.replace("'./", "'")
        )
    result = invoke(*arguments, "w", "-w", "other.yaml")
    assert "two places are given: w and -w other.yaml" in result.stderr


def test_without_a_place_the_message_names_what_was_given(invoke, two, lab):
    (lab.folder / "sandbox.yaml").unlink()
    for arguments in (["compare", "last", "nosuch"], ["show", "last", "nosuch"]):
        assert "work_dir: 'nosuch' is neither" in invoke(*arguments).stderr
    assert invoke("show").stderr.endswith("name an experiment file or a work_dir\n")
