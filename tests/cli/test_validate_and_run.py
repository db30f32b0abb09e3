import json
import shlex

import pytest
from click.testing import CliRunner

from djsb.cli import djsb


@pytest.fixture
def invoke():
    def call(*arguments):
        return CliRunner().invoke(djsb, [str(one) for one in arguments], prog_name="djsb")

    return call


def test_validate_counts_the_jobs(invoke, lab):
    assert invoke("validate", "sandbox.yaml").stdout == "sandbox.yaml: valid, 8 jobs\n"
    lab.write("one.yaml", "probe_job_configs: [{hook: Echo}]")
    assert invoke("validate", "one.yaml").stdout == "one.yaml: valid, 1 job\n"


def test_validate_says_every_problem(invoke, lab):
    result = invoke("validate", "sandbox.yaml", "--set", "a=1", "--set", "work_dir=3")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: 2 problems\n  --set ")
    assert "\n  --set a: unknown key; " in result.stderr
    assert "\n  --set work_dir: should be a valid string, not 3\n" in result.stderr


def test_validate_gives_every_problem_as_json(invoke, lab):
    result = invoke("validate", "sandbox.yaml", "--set", "a=1", "--set", "work_dir=3", "--json")
    assert (result.exit_code, result.stderr) == (2, "")
    wrong, unknown = json.loads(result.stdout)
    assert unknown["text"] == "unknown key"
    assert unknown["remedy"].startswith(("did you mean", "known: "))
    assert wrong == {
        "file": None,
        "line": None,
        "key": "--set work_dir",
        "text": "should be a valid string, not 3",
        "severity": "error",
        "remedy": "",
    }


def test_warnings_alone_are_valid(invoke, lab):
    assert json.loads(invoke("validate", "sandbox.yaml", "--json").stdout) == []
    lab.write("long.yaml", lab.echo("text: long"))
    result = invoke("validate", "long.yaml", "--json")
    assert result.exit_code == 0
    (warning,) = json.loads(result.stdout)
    assert (warning["severity"], warning["text"]) == ("warning", "it will take long")
    plain = invoke("validate", "long.yaml")
    place = "long.yaml:3: execution_job_configs[0].extra_configs"
    assert plain.stdout == f"long.yaml: valid, 1 job\nnote: {place}: it will take long\n"


def test_what_cannot_be_read_at_all_is_a_problem_too(invoke, lab):
    lab.write("bad.yaml", "a: [1\n")
    result = invoke("validate", "bad.yaml", "--json")
    assert result.exit_code == 2
    (problem,) = json.loads(result.stdout)
    assert (problem["file"], problem["line"], problem["key"]) == ("bad.yaml", 2, "")
    result = invoke("validate", "sandbox.yaml", "--json", "--set", "work_dir.a.b=1")
    (problem,) = json.loads(result.stdout)
    assert (problem["file"], problem["key"]) == (None, "--set work_dir.a.b=1")


def test_a_dry_run_prints_the_plan_and_writes_nothing(invoke, lab):
    before = sorted(lab.folder.rglob("*"))
    result = invoke("run", "sandbox.yaml", "--dry-run", "--set", "experiment_name=other")
    assert result.exit_code == 0
    assert result.stdout.startswith("lab / other: 8 jobs, results in ./outputs/lab\n")
    assert sorted(lab.folder.rglob("*")) == before


def test_run_summarizes(invoke, lab):
    result = invoke("run", "sandbox.yaml")
    assert result.exit_code == 0
    (row,) = [line for line in result.stdout.splitlines() if "eval_before → eval_data" in line]
    assert row.endswith("no clear difference")  # of two and of five other texts
    again = invoke("run", "sandbox.yaml")
    assert again.stdout.count(" cached ") == 8


def test_a_failed_run_says_how_to_go_on(invoke, lab):
    lab.write(
        "bad.yaml", "work_dir: w\nprobe_job_configs: [{hook: Echo, extra_configs: {mode: raise}}]"
    )
    result = invoke("run", "bad.yaml")
    assert result.exit_code == 1
    message, log, hint = result.stderr.strip().splitlines()[-3:]
    assert message == "Error: job 'probe_0' failed: ValueError: it broke"
    assert log.startswith("  its log: ")
    assert hint == "Finished jobs are kept; resume with: djsb run bad.yaml"


def test_the_advice_to_resume_has_the_options_that_were_given(invoke, lab):
    lab.write("a b.yaml", "work_dir: w\nprobe_job_configs: [{hook: Echo, meta_name: j}]")
    key = "probe_job_configs.0.extra_configs"
    given = ("run", "a b.yaml", "--set", f"{key}.mode=raise", "--set", f"{key}.text=it's")
    result = invoke(*given, "--workers", "0", "--keep-going", "--rerun", "j", "--no-preflight")
    assert result.exit_code == 1
    *_, hint = result.stderr.strip().splitlines()
    words = shlex.split(hint.partition("resume with: ")[2])
    assert words[:7] == ["djsb", *given]
    assert words[7:] == ["--workers", "0", "--keep-going", "--rerun", "j", "--no-preflight"]
    result = CliRunner().invoke(djsb, ["--debug", *given[:4], "--workers=0"])
    assert "djsb --debug run" in "".join(result.exception.__notes__)


def test_an_interrupted_run_says_how_to_go_on(invoke, lab):
    lab.write(
        "x.yaml", "work_dir: w\nprobe_job_configs: [{hook: Echo, extra_configs: {mode: interrupt}}]"
    )
    result = invoke("run", "x.yaml")
    assert result.exit_code == 130
    assert result.stderr.strip().splitlines()[-2:] == [
        "Interrupted.",
        "Finished jobs are kept; resume with: djsb run x.yaml",
    ]
    assert [run["status"] for run in json.loads(invoke("runs", "w", "--json").stdout)] == [
        "interrupted"
    ]


def test_a_work_dir_that_cannot_be_used_is_one_message(invoke, lab):
    result = invoke("run", "sandbox.yaml", "--set", "work_dir=data.jsonl/x")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: work_dir: cannot use {lab.folder}/data.jsonl/x: ")
    result = invoke("run", "sandbox.yaml", "--no-preflight", "--set", "work_dir=data.jsonl/x")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: cannot use data.jsonl/x/djsb.sqlite: ") or (
        f"Error: cannot use {lab.folder}/data.jsonl/x/djsb.sqlite: " in result.stderr
    )
