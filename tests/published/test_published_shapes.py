"""Configs of the shapes that were published run here as they are."""

import json
import re
from contextlib import closing
from pathlib import Path

import pytest

from djsb.config.reader import read_experiment
from djsb.planner.plan import plan
from djsb.runner.options import RunOptions
from djsb.runner.session import Session
from djsb_core.errors import ConfigError

SHAPES = [
    "demo/sandbox",
    "videos/1_single_op",
    "videos/2_multi_op",
    "videos/3_duplicate",
    "prompts/sandbox",
    "captions/sandbox",
]
ABSENT = (
    r"unknown [\w ]+ '[\w-]+'; (it comes with|.* a later version does:) .*pip install .+",
    r"unknown [\w ]+ '[\w-]+'; no package provides it yet; write one: djsb new-plugin",
    r"unknown [\w ]+ '[\w-]+'; it is not there yet: a later version of djsb brings it",
    r"needs packages that are not installed; run: pip install .+",
    r"needs the weights [\w.]+; .* put the file into .+",
    r"no such file or folder: '.+' \(looked in .+\)",
)
"""What may be wrong with a config that is right: something is not here, and how to get it."""
KEY = re.compile(r"[\w\[\].]+")


def planned(shape):
    return plan(read_experiment(Path(f"configs/{shape}.yaml")))


def execute(lab, shape, **options):
    with Session(0, lab.listeners) as session:
        return session.run(planned(shape), RunOptions(**options))


def infos(folder):
    """Return the outputs of a run by iteration, pipeline and job, as they are published."""
    found = json.loads(Path(folder, "context_infos.json").read_text())
    return {
        (iteration["iter"], pipeline["pipeline_name"]): pipeline["job_infos"]
        for iteration in found
        for pipeline in iteration["pipeline_infos"]
    }


def problems(shape):
    try:
        planned(shape)
    except ConfigError as error:
        return error.problems
    return ()


def is_absent(problem):
    """Tell whether a problem names what is not here, and where in a published file it is asked."""
    placed = problem.file.is_relative_to("configs") and problem.line and KEY.fullmatch(problem.key)
    return bool(placed) and any(re.fullmatch(one, problem.sentence) for one in ABSENT)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.usefixtures("published")
def test_only_what_is_not_here_is_wrong(shape):
    others = [problem for problem in problems(shape) if not is_absent(problem)]
    assert others == []


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("shape", "file"),
    [
        ("captions/sandbox", "<internvl_home>/data/captions/train.jsonl"),
        ("videos/3_duplicate", "outputs/clips/iter_1/with-several-stats.json"),
    ],
)
def test_a_file_that_is_to_be_brought_is_named(shape, file):
    (problem,) = problems(shape)
    assert problem.location[-1] == "dataset_path"
    assert f"no such file or folder: '{file}' (looked in {Path.cwd()} and" in problem.text


@pytest.mark.usefixtures("complete")
@pytest.mark.parametrize(
    ("shape", "pipelines", "jobs"),
    [
        ("demo/sandbox", 1, 6),
        ("videos/1_single_op", 1, 7),
        ("videos/2_multi_op", 1, 6),
        ("prompts/sandbox", 2, 7),
        ("captions/sandbox", 4, 19),
    ],
)
def test_a_complete_installation_plans_them(shape, pipelines, jobs):
    found = planned(shape)
    assert len(found.pipelines) == pipelines
    assert len(found.jobs) == jobs


@pytest.mark.parametrize("shape", ["demo/sandbox", "videos/1_single_op", "captions/sandbox"])
def test_a_complete_installation_runs_them(complete, shape):
    record = execute(complete, shape)
    assert record.status == "finished"
    assert set(complete.statuses(record)) == {"finished"}
    assert set(complete.statuses(execute(complete, shape))) == {"cached"}


def test_an_experiment_reads_what_another_left_as_the_first_iteration(complete):
    execute(complete, "videos/2_multi_op")
    assert execute(complete, "videos/3_duplicate").status == "finished"


def test_what_the_run_itself_makes_comes_before_what_the_original_left(complete):
    complete.write("outputs/clips/iter_1/with-text-length.jsonl", '{"old": 1}\n')
    execute(complete, "videos/1_single_op")
    assert '"old": 1' not in Path("outputs/clips/for-training.json").read_text()


def test_prompts_get_better_until_the_target_is_met(complete):
    record = execute(complete, "prompts/sandbox")
    assert record.reason == "1 of 1 target met after iteration 2"
    with closing(complete.store(record)) as store:
        targets = store.targets(record.id)
        jobs = store.jobs(record.id)
    assert [(one.iteration, one.met) for one in targets] == [(1, False), (2, True)]
    assert [one.value for one in targets] == pytest.approx([1 / 9, 1 / 25])
    first, second = (job.settings["dj_configs"] for job in jobs if job.meta_name == "new_prompts")
    best = {one.meta_name: one for one in jobs if one.iteration == 1}["merge_best"]
    assert first["dataset_path"] == "configs/data/prompts.jsonl"
    assert second["dataset_path"] == best.outputs["best_prompts"]


def test_each_iteration_has_its_folder(complete):
    execute(complete, "prompts/sandbox")
    made = Path("outputs/grading")
    seeds = [
        [json.loads(line)["prompt"].count("!") for line in path.read_text().splitlines()]
        for path in (made / "best/iter_1/prompts.jsonl", made / "best/iter_2/prompts.jsonl")
    ]
    assert seeds == [[2, 1], [4, 3]]
    pools = {i: sorted((made / f"pools/iter_{i}").iterdir()) for i in (1, 2)}
    assert {i: len(paths) for i, paths in pools.items()} == {1: 3, 2: 6}
    assert not (made / "best/iter_3").exists()


def test_the_outputs_are_written_down_as_published(complete):
    execute(complete, "prompts/sandbox")
    found = infos("outputs/grading")
    assert list(found) == [(i, name) for i in (1, 2) for name in ("write_prompts", "keep_best")]
    *_, errors = found[2, "write_prompts"]
    assert errors["meta_name"] == "grading_error"
    assert errors["min_mse"] == pytest.approx(1 / 25)
    assert [one["mse"] for one in errors["error_by_prompt"]]
    _, merged = found[1, "keep_best"]
    assert (
        Path(merged["best_prompts"]) == Path("outputs/grading/best/iter_1/prompts.jsonl").resolve()
    )


def test_a_second_run_repeats_nothing(complete):
    execute(complete, "prompts/sandbox")
    again = execute(complete, "prompts/sandbox")
    assert again.reason == "1 of 1 target met after iteration 2"
    with closing(complete.store(again)) as store:
        assert {job.status for job in store.jobs(again.id)} == {"cached"}


def test_the_command_line_shows_the_targets(complete):
    ran = complete.djsb("run", "configs/prompts/sandbox.yaml", "--workers", "2", "--resume")
    assert ran.returncode == 0, ran.stderr
    assert "write_prompts.grading_error.min_mse <= 0.1    0.1111      0.04  met" in ran.stdout
    assert "Stopped: 1 of 1 target met after iteration 2." in ran.stdout
