"""Which pipelines wait for which: what ``djsb.planner.needs`` finds."""

import pytest

from djsb.config.reader import read_experiment
from djsb.planner.plan import plan


def pipelines(*jobs):
    """Write an experiment of pipelines ``a``, ``b``, …, each of one ``Echo`` job."""
    return "pipelines:\n" + "".join(
        f"- {name}: {{execution_job_configs: [{{hook: Echo, meta_name: j, {job}}}]}}\n"
        for name, job in zip("abcdefgh", jobs, strict=False)
    )


def needs(lab, *jobs):
    return {
        name: "".join(sorted(found)) for name, found in lab.plan(pipelines(*jobs)).needs.items()
    }


def settings(**paths):
    return "extra_configs: {" + ", ".join(f"{k}: {v}" for k, v in paths.items()) + "}"


def test_independent_pipelines_wait_for_none(lab):
    assert needs(lab, "", settings(file="data.jsonl"), settings(file="data.jsonl")) == {
        "a": "",
        "b": "",
        "c": "",
    }


def test_a_reference_makes_a_pipeline_wait(lab):
    assert needs(
        lab,
        "",
        "",
        "input: {extra_configs.text: a.j.text}",
        "input: {extra_configs.text: -1.text}",
    ) == {"a": "", "b": "", "c": "a", "d": "c"}


def test_a_value_of_the_last_iteration_makes_none_wait(lab):
    text = pipelines("", "") + "iter_updater: {a.j.text: b.j.extra_configs.text}\n"
    assert lab.plan(text).needs == {"a": frozenset(), "b": frozenset()}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (settings(out="x/y"), settings(file="x/y")),
        (settings(out="x/y"), settings(file="x/y/inside.txt")),
        (settings(out="x/y"), settings(file="./x/../x/y")),
        (settings(out="configs/y"), settings(file="configs")),
        (settings(out="x/y"), settings(out="x/y")),
        (settings(out="x"), settings(out="x/y")),
        (settings(out="x/y"), settings(out="x")),
        (settings(file="data.jsonl"), settings(out="data.jsonl")),
        (settings(file="configs/process.yaml"), settings(out="configs")),
        (settings(out="link/y"), settings(file="configs/y")),
    ],
)
def test_files_make_a_pipeline_wait(lab, first, second):
    (lab.folder / "link").symlink_to("configs")
    assert needs(lab, first, "", second) == {"a": "", "b": "", "c": "a"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (settings(out="x/y"), settings(out="x/z")),
        (settings(out="x/y"), settings(out="x/y2")),
        (settings(file="data.jsonl"), settings(file="data.jsonl")),
        (settings(out="x/y"), settings(file="data.jsonl")),
    ],
)
def test_other_files_do_not(lab, first, second):
    assert needs(lab, first, second) == {"a": "", "b": ""}


def test_paths_count_beside_settings_that_another_job_gives(lab):
    pending = "input: {extra_configs.other: a.j.text}, extra_configs: {either: x, "
    jobs = [
        "",
        settings(out="x"),
        settings(file="data.jsonl"),
        pending.replace("either: x", "number: 1") + "file: x}",
        pending.replace("either: x", "number: 1") + "out: data.jsonl}",
    ]
    assert needs(lab, *jobs) == {"a": "", "b": "", "c": "", "d": "ab", "e": "ac"}


def test_paths_of_a_config_that_is_not_complete_yet_count(lab):
    text = (
        "pipelines:\n"
        "- a: {execution_job_configs: [{hook: Echo, meta_name: j, extra_configs: {out: x}}]}\n"
        "- b: {execution_job_configs: [{hook: Echo, meta_name: j}]}\n"
        "- c:\n"
        "    evaluation_job_configs:\n"
        "    - hook: EvaluateModelHook\n"
        "      input: {extra_configs.model_path: b.j.text}\n"
        "      extra_configs: {type: lab_score}\n"
        "- d:\n"
        "    execution_job_configs:\n"
        "    - hook: TrainModelHook\n"
        "      input: {extra_configs.train_dataset: b.j.text}\n"
        "      extra_configs: {type: lab_trainer, work_dir: x/model}\n"
    )
    planned = lab.plan(text)
    assert planned.needs == {
        "a": frozenset(),
        "b": frozenset(),
        "c": {"b"},
        "d": {"a", "b"},
    }
    assert planned.jobs[3].writes == (lab.folder.resolve() / "x/model",)


def test_the_plan_knows_what_is_read_and_written(lab):
    planned = lab.plan(pipelines(settings(out="x/y", file="data.jsonl"), settings(file="x/y/z")))
    here = lab.folder.resolve()
    assert planned.jobs[0].reads == (here / "data.jsonl",)
    assert planned.jobs[0].writes == (here / "x/y",)
    assert planned.jobs[1].reads == (here / "x/y/z",)
    assert planned.expected == {here / "x/y"}


def test_a_path_beside_the_experiment_is_found_in_a_config_that_is_not_complete(lab, tmp_path):
    lab.write("../other/model.bin", "x")
    path = lab.write(
        "../other/x.yaml",
        "execution_job_configs:\n- {hook: Echo, meta_name: j}\n"
        "- hook: Echo\n  input: {extra_configs.files.0: -1.text}\n"
        "  extra_configs: {file: model.bin, files: [x, data.jsonl]}\n",
    )
    planned = plan(read_experiment(path))
    assert planned.jobs[1].reads[0] == tmp_path / "other" / "model.bin"
