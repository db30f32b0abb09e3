import json
from importlib.metadata import version

import pytest

from djsb_core.config.reader import read_experiment
from djsb_core.discovery import load_component
from djsb_core.errors import ComponentError, ConfigError, UnknownComponentError
from djsb_core.interfaces.kinds import Kind
from djsb_core.report.plan import plan_text
from djsb_core.runner.plan import plan

ECHO = "execution_job_configs:\n- hook: Echo\n"


def echo(*jobs):
    """Write an experiment of ``Echo`` jobs, each given by its other keys."""
    return "execution_job_configs:\n" + "".join(f"- {{hook: Echo, {job}}}\n" for job in jobs)


def test_the_published_demo_shape_plans(lab):
    planned = lab.plan()
    assert [job.component_offer.name for job in planned.jobs] == [
        *("lab_analyzer", "lab_refiner", "lab_processor", "lab_trainer"),
        *("lab_analyzer", "lab_lengths", "lab_lengths", "lab_score"),
    ]
    process = planned.jobs[2]
    assert process.settings.dj_configs["process"] == [{"length_filter": {"min_len": 0}}]
    (source,) = process.sources.values()
    assert (source.job, source.output) == (1, "refined_recipe_path")
    assert planned.jobs[1].probe == 0


def test_planning_writes_nothing(lab):
    before = sorted(lab.folder.rglob("*"))
    lab.plan()
    assert sorted(lab.folder.rglob("*")) == before


def test_the_plan_as_text(lab):
    text = plan_text(lab.plan())
    assert text.startswith("lab / whole: 8 jobs, results in ./outputs/lab\n")
    assert "dj_configs ← -1.refined_recipe_path" in text
    assert "(djsb_lab 1.0)" in text
    assert [line.split()[0] for line in text.splitlines() if " EvaluateDataHook: " in line] == [
        "6",
        "7",
    ]


def test_the_plan_of_pipelines_and_iterations_as_text(lab):
    text = plan_text(
        lab.plan(
            """
max_iter_num: 5
iter_targets: [train.fit.mine > 0.5, other.last.text < 1]
iter_targets_mode: any
iter_updater: {other.last.text: train.fit.extra_configs.text}
pipelines:
  prepare: {execution_job_configs: [{hook: Echo, meta_name: a}]}
  train:
    execution_job_configs:
    - hook: Echo
      meta_name: fit
      input: {extra_configs.number: -1.text}
      output: mine
      timeout: 90m
      retries: 2
      cache: false
  other: {evaluation_job_configs: [{hook: Echo, meta_name: last, timeout: 0.5}]}
  end: {evaluation_job_configs: [{hook: Echo, input: {extra_configs.text: other.last.0}}]}
"""
        )
    )
    assert text == PLAN


PLAN = """\
hello_world / experiment1: 4 jobs in 4 pipelines, results in ./outputs/hello_world
iterations: at most 5
until (any): train.fit.mine > 0.5, other.last.text < 1

pipeline prepare

execution
  1  a             Echo
       → text

pipeline train

execution
  2  fit           Echo
       extra_configs.number ← -1.text
       extra_configs.text ← other.last.text (of the iteration before)
       timeout 90m, retries 2, cache: false
       → mine

pipeline other (after: none)

evaluation
  3  last          Echo
       timeout 0.5s
       → text

pipeline end (after: other)

evaluation
  4  evaluation_0  Echo
       extra_configs.text ← other.last.0
       → text"""


def test_a_number_of_iterations_without_limit_as_text(lab):
    text = plan_text(
        lab.plan(
            "max_iter_num: 0\niter_targets: anonymous.a.text > 1\n"
            "execution_job_configs: [{hook: Echo, meta_name: a}]\n"
        )
    )
    assert text.splitlines()[1:3] == ["iterations: no limit", "until: anonymous.a.text > 1"]
    assert "pipeline" not in text


# -- hooks, types and outputs ----------------------------------------------------------------------


def test_an_unknown_hook_suggests_the_nearest(lab):
    assert lab.problem("\nprobe_job_configs:\n- hook: Ecco\n") == (
        "sandbox.yaml:3: probe_job_configs[0].hook: unknown hook 'Ecco'; did you mean 'Echo'?"
    )


def test_an_unknown_type_suggests_the_nearest(lab):
    text = (
        "evaluation_job_configs:\n- hook: EvaluateDataHook\n  extra_configs: {type: lab_length}\n"
    )
    assert lab.problem(text) == (
        "sandbox.yaml:3: evaluation_job_configs[0].extra_configs.type: "
        "unknown data evaluator 'lab_length'; did you mean 'lab_lengths'?"
    )


@pytest.mark.parametrize("given", ["3", "[lab_lengths]", "{a: 1}", "''"])
def test_a_type_that_is_no_name_is_unknown(lab, given):
    text = (
        f"evaluation_job_configs:\n- hook: EvaluateDataHook\n  extra_configs: {{type: {given}}}\n"
    )
    assert ".extra_configs.type: unknown data evaluator '" in lab.problem(text)


@pytest.mark.parametrize(
    "sections", ["", "\n  extra_configs: {dataset_path: data.jsonl}", "\n  extra_configs:"]
)
def test_a_missing_type_lists_what_is_installed(lab, sections):
    problem = lab.problem(f"evaluation_job_configs:\n- hook: EvaluateDataHook{sections}\n")
    assert (
        "evaluation_job_configs[0].extra_configs.type: missing; choose a data evaluator: "
        in problem
    )
    assert "lab_lengths" in problem


def test_the_type_may_come_from_an_override(lab):
    (job,) = lab.plan(
        "evaluation_job_configs:\n- hook: EvaluateDataHook\n  extra_configs: configs/eval.yaml\n"
        "  local: {extra_configs.type: lab_lengths}\n"
    ).jobs
    assert job.component_offer.name == "lab_lengths"


def test_a_package_that_does_not_import_is_one_problem(lab, install):
    install("brokenpkg", "import no_such_module", "[djsb.data_evaluators]\nbroken = brokenpkg:X\n")
    problem = lab.problem(
        "evaluation_job_configs: [{hook: EvaluateDataHook, extra_configs: {type: broken}}]"
    )
    assert "cannot load data evaluator 'broken' of brokenpkg 1.0: ModuleNotFoundError" in problem


def test_as_many_output_names_as_values(lab):
    problem = lab.problem(echo("output: [a, b]"))
    assert problem == (
        "sandbox.yaml:2: execution_job_configs[0].output: 2 names for 1 values; it returns text"
    )
    assert lab.plan(echo("output: mine")).jobs[0].output_names == ("mine",)
    assert lab.plan(echo("")).jobs[0].output_names == ("text",)


@pytest.mark.parametrize(
    ("stage", "hook", "name", "advice"),
    [
        (
            *("evaluation", "EvaluateDataHook", "vbench_video_evaluator"),
            "it comes with djsb-vbench: pip install djsb-vbench",
        ),
        (
            *("execution", "TrainModelHook", "easyanimate"),
            "it comes with djsb-easyanimate: pip install djsb-easyanimate",
        ),
        (
            *("execution", "GeneralDataExecutorHook", "coco_caption_to_dj_conversion"),
            "no package offers it yet; write one: djsb new-plugin",
        ),
    ],
)
def test_a_published_type_that_is_not_installed_says_what_to_install(
    lab, stage, hook, name, advice
):
    text = f"{stage}_job_configs:\n- {{hook: {hook}, extra_configs: {{type: {name}}}}}\n"
    assert lab.problem(text).endswith(f" '{name}'; {advice}")


def test_a_published_hook_of_a_later_version_says_so(lab):
    problem = lab.problem("probe_job_configs: [{hook: ProbeViaModelInferHook}]")
    assert f"the installed djsb-core {version('djsb-core')} does not have it" in problem


def test_a_type_that_is_missing_often_is_looked_up_once(lab, monkeypatch):
    asked = []

    def find_offer(kind, name):
        asked.append(name)
        raise UnknownComponentError(kind.label, name, ())

    monkeypatch.setattr("djsb_core.runner.plan.find_offer", find_offer)
    assert len(lab.problems("execution_job_configs:\n" + "- {hook: A}\n" * 50)) == 50
    assert asked == ["A"]


# -- settings --------------------------------------------------------------------------------------


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
    text = echo("extra_configs: {_fields_set: 3, model_config: 4}")
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
    assert lab.problem(echo("", f"input: {{extra_configs.{key}: -1.text}}")) == (
        f"sandbox.yaml:3: execution_job_configs[1].input.extra_configs.{key}: {problem}"
    )


def test_the_type_may_come_from_an_earlier_job_no_more_than_be_missing(lab):
    text = (
        "execution_job_configs:\n- {hook: Echo}\n"
        "- {hook: TrainModelHook, input: {extra_configs.type: -1.text}}\n"
    )
    assert ".extra_configs.type: missing; choose a model train executor: " in lab.problem(text)


def test_a_rule_over_several_settings_waits_for_those_that_an_earlier_job_gives(lab):
    lab.plan(echo("", "extra_configs: {other: 0}, input: {extra_configs.either: -1.text}"))


def test_a_whole_section_that_an_earlier_job_gives_is_not_checked(lab):
    lab.plan(echo("", "input: {extra_configs: -1.text}"))


def test_nested_values_and_items_of_lists_may_come_from_an_earlier_job(lab):
    lab.plan(
        echo(
            "",
            "extra_configs: {train: {max_epochs: no}, files: [none.txt]}, "
            "input: {extra_configs.train.max_epochs: -1.text, extra_configs.files.0: -1.text}",
        )
    )


def test_a_path_that_is_not_there_names_both_folders(lab, tmp_path):
    lab.write("../other/x.yaml", echo("extra_configs: {file: none.txt}"))
    with pytest.raises(ConfigError) as caught:
        plan(read_experiment(tmp_path / "other" / "x.yaml"))
    (problem,) = caught.value.problems
    assert (
        f"no such file or folder: 'none.txt' (looked in {lab.folder} and {tmp_path}/other)"
        in problem
    )


@pytest.mark.parametrize(
    "name", ["x" * 300, "/" + "y" * 300 + "/z", "a\\0b", "~nobody-of-that-name/x"]
)
def test_a_path_that_cannot_be_is_one_problem(lab, name):
    text = f'execution_job_configs:\n- hook: Echo\n  extra_configs: {{file: "{name}"}}\n'
    assert "extra_configs.file: no such file or folder: " in lab.problem(text)


def test_a_path_that_an_earlier_job_writes_is_fine(lab):
    lab.plan(echo("extra_configs: {out: a/b.txt}", "extra_configs: {file: a/b.txt}"))
    assert "no such file" in lab.problem(
        echo("extra_configs: {file: a/b.txt}", "extra_configs: {out: a/b.txt}")
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
        echo(
            "",
            "extra_configs: {out: a.txt}, input: {extra_configs.number: -1.text}",
            "extra_configs: {file: a.txt}",
        )
    )


def test_a_whole_section_may_be_overridden(lab):
    (job,) = lab.plan(echo("extra_configs: {text: a}, local: {extra_configs: {text: b}}")).jobs
    assert job.settings.extra_configs == {"text": "b"}


def test_a_check_that_fails_is_a_problem_of_its_job(lab, monkeypatch):
    def check(_):
        raise ComponentError("weights.bin is damaged; fetch it again")

    lab.plan(echo(""))
    monkeypatch.setattr(load_component(Kind.HOOK, "Echo"), "check", check)
    assert lab.problem(echo("")) == (
        "sandbox.yaml:2: execution_job_configs[0].extra_configs: "
        "weights.bin is damaged; fetch it again"
    )


# -- recipes ---------------------------------------------------------------------------------------


def test_a_recipe_that_is_needed(lab):
    problem = lab.problem(
        "probe_job_configs: [{hook: ProbeViaAnalyzerHook, extra_configs: {type: lab_analyzer}}]"
    )
    assert problem.endswith(
        "dj_configs: missing; the hook needs a recipe: a mapping, or the path of one"
    )


def test_a_recipe_that_is_not_taken(lab):
    problem = lab.problem(echo("dj_configs: {np: 1}"))
    assert problem.endswith("dj_configs: Echo takes no recipe; remove it")


def test_a_recipe_that_cannot_be_read_is_one_problem_for_its_job_only(lab):
    problems = lab.problems(
        "probe_job_configs:\n"
        "- {hook: ProbeViaAnalyzerHook, dj_configs: no.yaml, extra_configs: {type: lab_analyzer}}\n"
        "- {hook: ProbeViaAnalyzerHook, extra_configs: {type: lab_analyzer}}\n"
    )
    assert len(problems) == 2
    assert "no such file: 'no.yaml'" in problems[0]
    assert "probe_job_configs[1].dj_configs: missing; the hook needs a recipe" in problems[1]


def test_settings_that_cannot_be_read_are_one_problem(lab):
    problem = lab.problem(
        "evaluation_job_configs: [{hook: EvaluateDataHook, extra_configs: no.yaml}]"
    )
    assert "no such file: 'no.yaml'" in problem


def test_a_wrong_operator_is_found_in_a_refined_recipe_too(lab):
    lab.write("configs/process.yaml", "dataset_path: data.jsonl\nprocess: []\nnpp: 4\n")
    problems = lab.problems()
    assert [problem.split(".npp: ")[0] for problem in problems] == [
        "configs/process.yaml:3: probe_job_configs[0].dj_configs",  # once for both probes
        "sandbox.yaml:29: execution_job_configs[0].dj_configs",
    ]


def test_an_override_changes_a_refined_recipe(lab):
    jobs = lab.plan(None, "execution_job_configs.0.dj_configs.np=2").jobs
    assert jobs[2].settings.dj_configs["np"] == 2
    assert jobs[1].settings.dj_configs["np"] == 4
    assert "np: should be" in lab.problem(None, "execution_job_configs.0.dj_configs.np=two")


@pytest.mark.parametrize("place", ["dj_configs.process.3.x", "dj_configs.np.x.y"])
def test_an_override_of_what_is_not_there_is_one_problem(lab, place):
    text = json.dumps({place: 1})
    for job in ("execution_job_configs.0", "probe_job_configs.0"):
        problem = lab.problem(None, f"{job}.local={text}")
        assert "].local: an override names '" in problem
        assert problem.endswith("', which is not there")


def test_every_problem_of_every_job_comes_at_once(lab):
    problems = lab.problems(
        "work: x\n"
        "execution_job_configs:\n"
        "- {hook: Ecco}\n"
        "- {hook: Echo, extra_configs: {number: x, txt: y}}\n"
        "- {hook: Echo, input: {extra_configs.text: -9.text}}\n"
        "- {hook: Echo, extra_configs: {file: none}, output: [a, b]}\n"
        "evaluation_job_configs:\n"
        "- {hook: EvaluateDataHook, extra_configs: {type: none}}\n"
    )
    assert sorted(problem.split(":")[1] for problem in problems) == [
        "1",
        "3",
        "4",
        "4",
        "5",
        "6",
        "6",
        "8",
    ]


def test_a_plugin_whose_check_fails_is_one_problem(lab, install):
    install(
        "faulty",
        """
        from djsb_core.api import GeneralProbe
        from djsb_core.api import ComponentConfig

        class Faulty(GeneralProbe):
            config_type = ComponentConfig

            def check(self):
                return 1 / 0

            def probe(self):
                return {}
        """,
        "[djsb.general_probes]\nfaulty = faulty:Faulty\n",
    )
    text = "probe_job_configs:\n- hook: GeneralProbeHook\n  extra_configs: {type: faulty}\n"
    assert lab.problem(text) == (
        "sandbox.yaml:3: probe_job_configs[0].extra_configs: "
        "Faulty cannot be checked: ZeroDivisionError: division by zero"
    )


def test_an_override_is_the_place_of_its_own_key_only(lab):
    text = (
        "evaluation_job_configs:\n"
        "- hook: EvaluateDataHook\n"
        "  extra_configs:\n"
        "    type: lab_lengths\n"
        "    dataset_path: nowhere.jsonl\n"
        "  local:\n"
        "    extra_configs.dataset: 1\n"
    )
    places = [problem.split(": ")[0] for problem in lab.problems(text)]
    assert places == ["sandbox.yaml:5", "sandbox.yaml:7"]


def test_trackers_that_no_package_offers(lab, install):
    install("board", "", "[djsb.listeners]\nboard = board")
    text = "trackers: [board, bord, nothing]\n" + lab.echo("")
    problems = lab.problems(text)
    assert (
        problems[0] == "sandbox.yaml:1: trackers[1]: unknown tracker 'bord'; did you mean 'board'?"
    )
    assert problems[1].startswith("sandbox.yaml:1: trackers[2]: unknown tracker 'nothing'; known: ")


@pytest.mark.parametrize("trackers", ["board", "[]", "null", "[board]"])
def test_trackers_that_are_there(lab, install, trackers):
    install("board", "", "[djsb.listeners]\nboard = board")
    assert lab.plan(f"trackers: {trackers}\n" + lab.echo("")).jobs
