import json

import pytest

from djsb.config.frozen import thaw
from djsb.report.plan import plan_text
from djsb_core.errors import UnknownComponentError

ECHO = "execution_job_configs:\n- hook: Echo\n"


def test_the_published_demo_shape_plans(lab):
    planned = lab.plan()
    assert [job.component_info.name for job in planned.jobs] == [
        *("lab_analyzer", "lab_refiner", "lab_processor", "lab_trainer"),
        *("lab_analyzer", "lab_lengths", "lab_lengths", "lab_score"),
    ]
    process = planned.jobs[2]
    assert thaw(process.settings.dj_configs)["process"] == [{"length_filter": {"min_len": 0}}]
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
  other:
    evaluation_job_configs:
    - hook: Echo
      meta_name: last
      timeout: 0.5
      resources: {cpus: 0.5, gpus: 2, memory: 4 GiB}
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
       1 CPU
       → text

pipeline train

execution
  2  fit           Echo
       extra_configs.number ← -1.text
       extra_configs.text ← other.last.text (of the previous iteration)
       1 CPU, timeout 90m, retries 2, cache: false
       → mine

pipeline other (after: none)

evaluation
  3  last          Echo
       0.5 CPUs, 2 GPUs, 4.0 GiB of memory, timeout 0.5s
       → text

pipeline end (after: other)

evaluation
  4  evaluation_0  Echo
       extra_configs.text ← other.last.0
       1 CPU
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
    assert job.component_info.name == "lab_lengths"


def test_a_package_that_does_not_import_is_one_problem(lab, install):
    install("brokenpkg", "import no_such_module", "[djsb.data_evaluators]\nbroken = brokenpkg:X\n")
    problem = lab.problem(
        "evaluation_job_configs: [{hook: EvaluateDataHook, extra_configs: {type: broken}}]"
    )
    assert "cannot load data evaluator 'broken' of brokenpkg 1.0: ModuleNotFoundError" in problem


def test_as_many_output_names_as_values(lab):
    problem = lab.problem(lab.echo_jobs("output: [a, b]"))
    assert problem == (
        "sandbox.yaml:2: execution_job_configs[0].output: 2 names for 1 value; it returns text"
    )
    assert lab.plan(lab.echo_jobs("output: mine")).jobs[0].output_names == ("mine",)
    assert lab.plan(lab.echo_jobs("")).jobs[0].output_names == ("text",)


@pytest.mark.parametrize(
    ("stage", "hook", "name", "advice"),
    [
        (
            *("evaluation", "EvaluateDataHook", "vbench_video_evaluator"),
            "it is not there yet: a later version of djsb brings it",
        ),
        (
            *("execution", "TrainModelHook", "easyanimate"),
            "it is not there yet: a later version of djsb brings it",
        ),
        (
            *("execution", "GeneralDataExecutorHook", "coco_caption_to_dj_conversion"),
            "no package provides it yet; write one: djsb new-plugin",
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
    assert problem.endswith("; it is not there yet: a later version of djsb brings it")


def test_a_type_that_is_missing_often_is_looked_up_once(lab, monkeypatch):
    asked = []

    def find_component(kind, name):
        asked.append(name)
        raise UnknownComponentError(kind.label, name, ())

    monkeypatch.setattr("djsb.planner.load.find_component", find_component)
    assert len(lab.problems("execution_job_configs:\n" + "- {hook: A}\n" * 50)) == 50
    assert asked == ["A"]


# -- recipes ---------------------------------------------------------------------------------------


def test_a_recipe_that_is_needed(lab):
    problem = lab.problem(
        "probe_job_configs: [{hook: ProbeViaAnalyzerHook, extra_configs: {type: lab_analyzer}}]"
    )
    assert problem.endswith(
        "dj_configs: missing; the hook needs a recipe: a mapping, or the path of one"
    )


def test_a_recipe_that_is_not_taken(lab):
    problem = lab.problem(lab.echo_jobs("dj_configs: {np: 1}"))
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
        assert problem.startswith(f"--set {job}.local: an override names '")
        assert problem.endswith("', which does not exist")


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
    assert [problem.line for problem in lab.all_problems(text)] == [5, 7]


def test_trackers_that_no_package_offers(lab, install):
    install("board", "", "[djsb.trackers]\nboard = board:Board")
    text = "trackers: [board, bord, nothing]\n" + lab.echo("")
    problems = lab.problems(text)
    assert (
        problems[0] == "sandbox.yaml:1: trackers[1]: unknown tracker 'bord'; did you mean 'board'?"
    )
    assert problems[1].startswith("sandbox.yaml:1: trackers[2]: unknown tracker 'nothing'; known: ")


def test_a_plan_is_short_to_look_at(lab):
    planned = lab.plan()
    assert repr(planned).endswith(f"sandbox.yaml: {len(planned.jobs)} jobs>")
    assert len(repr(planned)) < 300


def test_a_listener_is_no_tracker(lab, install):
    install("ear", "", "[djsb.listeners]\near = ear")
    problem = lab.problem("trackers: [ear]\n" + lab.echo(""))
    assert problem.startswith("sandbox.yaml:1: trackers[0]: unknown tracker 'ear'; known: ")


@pytest.mark.parametrize("trackers", ["board", "[]", "null", "[board]"])
def test_trackers_that_are_there(lab, install, trackers):
    install("board", "", "[djsb.trackers]\nboard = board:Board")
    assert lab.plan(f"trackers: {trackers}\n" + lab.echo("")).jobs


def test_notes_keep_nothing_from_running(lab):
    planned = lab.plan(lab.echo("text: long"))
    note = "sandbox.yaml:3: execution_job_configs[0].extra_configs: it will take long"
    assert list(map(str, planned.warnings)) == [note]
    assert plan_text(planned).endswith(f"note: {note}")
    assert lab.run().status == "finished"


def test_notes_stand_below_the_problems(lab):
    text = lab.echo("text: long, missing: no such weight", "text: long")
    problems = [(problem.severity.value, problem.text) for problem in lab.all_problems(text)]
    assert problems == [
        ("error", "no such weight"),
        ("warning", "it will take long"),
        ("warning", "it will take long"),
    ]
