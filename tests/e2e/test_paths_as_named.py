"""Paths are paths: any name, ``~`` and ``${NAME}``, and another working folder after planning."""

import re
import shlex
from pathlib import Path

import pytest

import djsb

TEXT = """\
work_dir: {work_dir}
execution_job_configs:
- hook: ProcessDataHook
  meta_name: process
  dj_configs:
    dataset_path: {dataset}
    export_path: {export}
    process: [{{length_filter: {{min_len: 2}}}}]
  extra_configs: {{type: lab_processor}}
evaluation_job_configs:
- hook: EvaluateDataHook
  meta_name: eval
  extra_configs: {{type: lab_lengths, dataset_path: {export}}}
"""


def text_of(work_dir, dataset, export):
    return TEXT.format(work_dir=repr(work_dir), dataset=repr(dataset), export=repr(export))


@pytest.mark.parametrize("name", ["my lab 2", "-dash", "größer “½” $HOME", "a;b&c"])
def test_any_name_works_to_the_end(lab, monkeypatch, name):
    folder = lab.folder / name
    folder.mkdir()
    (folder / f"{name}.jsonl").write_text((lab.folder / "data.jsonl").read_text())
    file = folder / f"{name}.yaml"
    file.write_text(text_of(f"{name}/w", f"{name}.jsonl", f"{name}/kept.jsonl"))
    monkeypatch.chdir(folder)
    ran = lab.djsb("run", "--", file.name)
    assert ran.returncode == 0, ran.stderr
    assert (folder / name / "kept.jsonl").is_file()
    monkeypatch.chdir(lab.folder)
    for command in re.findall(r"djsb ((?:show|report) .*?)(?:;|$)", ran.stdout.splitlines()[-1]):
        if not name.startswith("a;"):  # the sentence is cut at its own semicolon here
            assert lab.djsb(*shlex.split(command)).returncode == 0
    again = lab.djsb("init", "--", name + " 3")
    cd, target = shlex.split(re.search(r"^  (cd .*)$", again.stdout, re.MULTILINE)[1])
    assert (cd, (Path(target) / "sandbox.yaml").is_file()) == ("cd", True)


def test_home_and_variables_are_expanded(lab, monkeypatch):
    home = lab.folder / "home"
    (home / "data").mkdir(parents=True)
    (home / "data" / "d.jsonl").write_text((lab.folder / "data.jsonl").read_text())
    (home / "recipe.yaml").write_text("process: [{length_filter: {min_len: 2}}]\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PLACE", "data")
    text = text_of("~/${PLACE}/w", "~/${PLACE}/d.jsonl", "${HOME}/out/kept.jsonl")
    lab.write("sandbox.yaml", text)
    run = djsb.run("sandbox.yaml", {"process.dj_configs.np": 1})
    assert (run.status, run.folder.parents[1]) == ("finished", home / "data" / "w")
    assert (home / "out" / "kept.jsonl").is_file()
    assert lab.djsb("runs", "sandbox.yaml").returncode == 0
    assert [*lab.folder.glob("~*"), *lab.folder.glob("$*")] == []
    recipe = {"process.dj_configs": "~/recipe.yaml"}
    (problem,) = djsb.validate("sandbox.yaml", recipe)
    assert "a recipe" not in problem.text or problem.file == home / "recipe.yaml"


@pytest.mark.parametrize(
    ("values", "place"),
    [
        (("${NO_SUCH}/w", "data.jsonl", "kept.jsonl"), "1: work_dir"),
        (
            ("w", "${NO_SUCH}.jsonl", "kept.jsonl"),
            "6: execution_job_configs[0].dj_configs.dataset_path",
        ),
        (("w", "data.jsonl", "x/${NO_SUCH}"), "7: execution_job_configs[0].dj_configs.export_path"),
    ],
)
def test_an_unset_variable_is_a_problem_where_it_stands(lab, values, place):
    problem, *_ = lab.problems(text_of(*values))
    text = "the environment variable NO_SUCH is not set"
    assert problem == f"sandbox.yaml:{place}: {text}"


def test_an_unset_variable_in_the_path_of_a_file(lab):
    text = "execution_job_configs:\n- {hook: Echo, extra_configs: '${NO_SUCH}/a.yaml'}\n"
    assert lab.problem(text) == (
        "sandbox.yaml:2: execution_job_configs[0].extra_configs: "
        "the environment variable NO_SUCH is not set"
    )


@pytest.mark.parametrize("workers", [0, 1])
def test_a_plan_keeps_its_folder(lab, monkeypatch, workers):
    lab.write("sandbox.yaml", text_of("w", "data.jsonl", "out/kept.jsonl"))
    plan = djsb.plan("sandbox.yaml")
    elsewhere = lab.folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    run = djsb.run(plan, workers=workers)
    assert (run.status, run.folder.parents[1]) == ("finished", lab.folder / "w")
    assert (lab.folder / "out" / "kept.jsonl").is_file()
    assert [*elsewhere.iterdir()] == []
    assert djsb.open_run("last", lab.folder / "sandbox.yaml").id == run.id


def test_the_place_of_runs_may_be_below_home(lab, monkeypatch):
    lab.run(lab.echo("text: one"))
    monkeypatch.setenv("HOME", str(lab.folder))
    for place in ("~/w", "${HOME}/w", "~/sandbox.yaml"):
        assert djsb.open_run("last", place).status == "finished"
        assert lab.djsb("runs", "-w", place).returncode == 0
    ran = lab.djsb("runs", "-w", "${NO_SUCH}/w")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "the environment variable NO_SUCH is not set" in ran.stderr
