"""What a plan finds wrong in the settings of jobs."""

import pytest

from djsb.config.reader import read_experiment
from djsb.planner.plan import plan
from djsb_core.discovery import load_component
from djsb_core.errors import ComponentError, ConfigError
from djsb_core.interfaces.kinds import Kind

ECHO = "execution_job_configs:\n- hook: Echo\n"


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("txt: a", "extra_configs.txt: unknown key; did you mean 'text'?"),
        ("number: many", "extra_configs.number: should be a valid integer"),
        ("train: {max_epochs: 1, lr: 2}", "extra_configs.train.lr: unknown key"),
        (
            "train: {optimizer: {lr: fast}}",
            "extra_configs.train.optimizer.lr: should be a valid number",
        ),
        ("train: 3", "extra_configs.train: "),
        ("other: 0", "extra_configs: other must not be 0 without either"),
        ("missing: no GPU is here", "extra_configs: no GPU is here"),
    ],
)
def test_wrong_settings_say_where(lab, settings, problem):
    found = lab.problem(f"execution_job_configs:\n- hook: Echo\n  extra_configs: {{{settings}}}\n")
    assert f"sandbox.yaml:3: execution_job_configs[0].{problem}" in found


def test_wrong_settings_in_a_side_file_say_its_line(lab):
    lab.write(
        "configs/train.json", '{\n\t"type": "lab_trainer",\n\t"train": {\n\t\t"epochs": 2}\n}'
    )
    assert lab.problem() == (
        "configs/train.json:4: execution_job_configs[1].extra_configs.train.epochs: "
        "unknown key; did you mean 'max_epochs'?"
    ).replace("did you mean 'max_epochs'?", lab.problem().rpartition("; ")[2])


def test_settings_that_an_earlier_job_gives_are_not_missing(lab):
    text = (
        "execution_job_configs:\n- {hook: Echo}\n"
        "- {hook: EvaluateDataHook, extra_configs: {type: lab_lengths}, "
        "input: {extra_configs.dataset_path: -1.text}}\n"
    )
    assert len(lab.plan(text).jobs) == 2


def test_a_private_word_of_pydantic_is_a_key_like_any_other(lab):
    text = lab.echo_jobs("extra_configs: {_fields_set: 3, model_config: 4}")
    assert len(lab.problems(text)) == 2


def test_settings_beside_those_that_an_earlier_job_gives_are_checked(lab):
    text = (
        "execution_job_configs:\n- {hook: Echo}\n"
        "- {hook: EvaluateDataHook, extra_configs: {type: lab_lengths, weight: []}, "
        "input: {extra_configs.dataset_path: -1.text}}\n"
    )
    assert "extra_configs.weight: unknown key; did you mean 'weights'?" in lab.problem(text)


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("txt", "unknown setting 'txt'; did you mean 'text'?"),
        ("train.max_epoch", "unknown setting 'max_epoch'; did you mean 'max_epochs'?"),
    ],
)
def test_a_setting_that_an_earlier_job_gives_must_exist(lab, key, problem):
    assert lab.problem(lab.echo_jobs("", f"input: {{extra_configs.{key}: -1.text}}")) == (
        f"sandbox.yaml:3: execution_job_configs[1].input.extra_configs.{key}: {problem}"
    )


def test_the_type_may_come_from_an_earlier_job_no_more_than_be_missing(lab):
    text = (
        "execution_job_configs:\n- {hook: Echo}\n"
        "- {hook: TrainModelHook, input: {extra_configs.type: -1.text}}\n"
    )
    assert ".extra_configs.type: missing; choose a model train executor: " in lab.problem(text)


def test_a_rule_over_several_settings_waits_for_those_that_an_earlier_job_gives(lab):
    lab.plan(lab.echo_jobs("", "extra_configs: {other: 0}, input: {extra_configs.either: -1.text}"))


def test_a_whole_section_that_an_earlier_job_gives_is_not_checked(lab):
    lab.plan(lab.echo_jobs("", "input: {extra_configs: -1.text}"))


def test_nested_values_and_items_of_lists_may_come_from_an_earlier_job(lab):
    lab.plan(
        lab.echo_jobs(
            "",
            "extra_configs: {train: {max_epochs: no}, files: [none.txt]}, "
            "input: {extra_configs.train.max_epochs: -1.text, extra_configs.files.0: -1.text}",
        )
    )


def test_a_path_that_is_not_there_names_both_folders(lab, tmp_path):
    lab.write("../other/x.yaml", lab.echo_jobs("extra_configs: {file: none.txt}"))
    with pytest.raises(ConfigError) as caught:
        plan(read_experiment(tmp_path / "other" / "x.yaml"))
    (problem,) = caught.value.problems
    assert (
        f"no such file or folder: 'none.txt' (looked in {lab.folder} and {tmp_path}/other)"
        in problem.text
    )


@pytest.mark.parametrize(
    "name", ["x" * 300, "/" + "y" * 300 + "/z", "a\\0b", "~nobody-of-that-name/x"]
)
def test_a_path_that_cannot_be_is_one_problem(lab, name):
    text = f'execution_job_configs:\n- hook: Echo\n  extra_configs: {{file: "{name}"}}\n'
    assert "extra_configs.file: no such file or folder: " in lab.problem(text)


def test_a_path_that_an_earlier_job_writes_is_fine(lab):
    lab.plan(lab.echo_jobs("extra_configs: {out: a/b.txt}", "extra_configs: {file: a/b.txt}"))
    assert "no such file" in lab.problem(
        lab.echo_jobs("extra_configs: {file: a/b.txt}", "extra_configs: {out: a/b.txt}")
    )


def test_a_path_in_a_folder_that_an_earlier_job_writes_is_fine(lab):
    lab.plan(
        None,
        "execution_job_configs.1.extra_configs.work_dir=models/one",
        "evaluation_job_configs.3.input=",
        "evaluation_job_configs.3.extra_configs.model_path=models/one/weights.json",
    )


def test_a_path_that_a_job_with_pending_settings_writes_is_fine(lab):
    lab.plan(
        lab.echo_jobs(
            "",
            "extra_configs: {out: a.txt}, input: {extra_configs.number: -1.text}",
            "extra_configs: {file: a.txt}",
        )
    )


def test_a_whole_section_may_be_overridden(lab):
    (job,) = lab.plan(
        lab.echo_jobs("extra_configs: {text: a}, local: {extra_configs: {text: b}}")
    ).jobs
    assert job.settings.extra_configs == {"text": "b"}


def test_a_check_that_fails_is_a_problem_of_its_job(lab, monkeypatch):
    def check(_):
        raise ComponentError("weights.bin is damaged; fetch it again")

    lab.plan(lab.echo_jobs(""))
    monkeypatch.setattr(load_component(Kind.HOOK, "Echo"), "check", check)
    assert lab.problem(lab.echo_jobs("")) == (
        "sandbox.yaml:2: execution_job_configs[0].extra_configs: "
        "weights.bin is damaged; fetch it again"
    )
