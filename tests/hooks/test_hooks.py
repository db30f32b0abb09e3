"""Each of the core's hooks does for its component what ``DESIGN`` says."""

import inspect
from pathlib import Path

import pytest
import yaml

from djsb_core.discovery import list_components, load_component
from djsb_core.interfaces.hook import Section
from djsb_core.interfaces.kinds import Kind

CORE = [info.name for info in list_components("djsb.hooks") if info.package == "djsb-core"]


@pytest.mark.parametrize("name", CORE)
def test_a_hook_is_documented_and_names_its_outputs(name):
    hook = load_component(Kind.HOOK, name)
    assert inspect.getdoc(hook)
    assert hook.outputs_of_component or hook.output_names != ("output",)
    assert hook.takes_recipe or hook.uses.section is Section.EXTRA_CONFIGS


def refine(lab, settings="{type: lab_refiner}", recipe="configs/process.yaml"):
    return lab.run(
        None,
        "execution_job_configs=",
        "evaluation_job_configs=",
        f"refine_recipe_job_configs.0.extra_configs={settings}",
        f"refine_recipe_job_configs.0.dj_configs={recipe}",
    )


def last_job(lab, run):
    return lab.store(run).jobs(run.id)[-1]


def test_a_refinement_writes_the_recipe_and_says_what_it_changed(lab):
    run = refine(lab, "{type: lab_refiner, k: 2}")
    job = last_job(lab, run)
    path = Path(job.outputs["refined_recipe_path"])
    assert path == job.files / "refined_recipe.yaml"
    assert yaml.safe_load(path.read_text()) == {
        "project_name": "demo-process",
        "dataset_path": "./data.jsonl",
        "np": 4,
        "process": [{"length_filter": {"min_len": 8.0}}],
    }
    assert lab.store(run).metrics(job.id) == {
        "refined.length_filter.min_len.old": 0.0,
        "refined.length_filter.min_len.new": 8.0,
        "refined.length_filter.min_len.statistic": "text_len",
        "refined.length_filter.min_len.side": "lower",
    }


def test_a_refinement_writes_where_its_settings_say_too(lab):
    job = last_job(lab, refine(lab, "{type: lab_refiner, path_k_sigma_recipe: a/b/new.yaml}"))
    assert job.named_outputs == {"refined_recipe_path": str(lab.folder / "a/b/new.yaml")}
    assert Path("a/b/new.yaml").read_text() == (job.files / "refined_recipe.yaml").read_text()


def test_a_recipe_without_bounds_is_no_failure(lab, caplog):
    recipe = "{dataset_path: data.jsonl, process: [{length_filter: {}}]}"
    job = last_job(lab, refine(lab, recipe=recipe))
    assert job.status == "finished"
    assert "no argument of the recipe has a bound to refine" in caplog.text


def test_a_refinement_needs_statistics(lab):
    with pytest.raises(Exception, match="the probe 'p' has recorded no statistics"):
        lab.run(
            "probe_job_configs: [{hook: Echo, meta_name: p}]\n"
            "refine_recipe_job_configs:\n- {hook: RefineRecipeViaKSigmaHook, meta_name: p, "
            "dj_configs: configs/process.yaml, extra_configs: {type: lab_refiner}}\n"
        )


def test_an_evaluation_without_scores_fails(lab):
    lab.write("empty.jsonl", "")
    with pytest.raises(Exception, match="the evaluator returned no score"):
        lab.run(
            "evaluation_job_configs: [{hook: EvaluateDataHook, "
            "extra_configs: {type: lab_lengths, dataset_path: empty.jsonl}}]"
        )


@pytest.mark.parametrize(
    ("found", "metrics"),
    [("{a: 1, b: text, c: [2]}", {"a": 1.0}), ("[1, 2]", {}), ("3", {}), ("text", {})],
)
def test_what_a_probe_found_is_kept_and_its_numbers_are_metrics(lab, found, metrics):
    run = lab.run(
        "probe_job_configs: [{hook: GeneralProbeHook, "
        f"extra_configs: {{type: lab_findings, found: {found}}}}}]"
    )
    job = last_job(lab, run)
    assert job.outputs == {"output": yaml.safe_load(found)}
    assert lab.store(run).metrics(job.id) == metrics
