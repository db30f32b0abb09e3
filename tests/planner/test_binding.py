"""Names and references between jobs: what ``djsb.planner.binding`` makes of them."""

import pytest

ECHO = "execution_job_configs:\n- hook: Echo\n"


def test_two_jobs_of_one_name(lab):
    assert lab.problem(lab.echo_jobs("meta_name: a", "meta_name: a")) == (
        "sandbox.yaml:3: execution_job_configs[1].meta_name: "
        "another job has the name 'a' (sandbox.yaml:2)"
    )


def test_a_refinement_must_be_named_after_a_probe(lab):
    lab.write("sandbox.yaml", (lab.folder / "sandbox.yaml").read_text())
    assert lab.problem(None, "refine_recipe_job_configs.0.meta_name=analysis_or_data") == (
        "--set refine_recipe_job_configs.0.meta_name: 'analysis_or_data' must name the "
        "earlier probe whose statistics it reads; did you mean 'analysis_ori_data'?"
    )


@pytest.mark.parametrize(
    ("source", "job", "output", "rest"),
    [
        ("-1.text", 1, "text", ()),
        ("-2.mine", 0, "mine", ()),
        ("-1.0", 1, "text", ()),
        ("anonymous.a.mine", 0, "mine", ()),
        ("anonymous.a.mine.x.0", 0, "mine", ("x", "0")),
        ("anonymous.execution_1.text", 1, "text", ()),
    ],
)
def test_references(lab, source, job, output, rest):
    planned = lab.plan(
        lab.echo_jobs(
            "meta_name: a, output: mine", "", f"input: {{extra_configs.text: '{source}'}}"
        )
    )
    (found,) = planned.jobs[2].sources.values()
    assert (found.job, found.output, found.rest) == (job, output, rest)


def test_a_reference_means_the_latest_job_of_that_name_that_has_the_output(lab):
    lab.plan(None)
    jobs = lab.plan(
        None,
        "execution_job_configs.0.input="
        "{dj_configs: anonymous.analysis_ori_data.refined_recipe_path}",
        "evaluation_job_configs.1.input="
        "{extra_configs.dataset_path: anonymous.analysis_ori_data.export_path}",
    ).jobs
    assert [source.job for source in jobs[2].sources.values()] == [1]
    assert [source.job for source in jobs[5].sources.values()] == [0]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("-3.text", "'-3.text': there is no earlier job"),
        ("-1.txt", "the job 'a' has no output 'txt'; did you mean 'text'?"),
        ("-1.1", "the job 'a' has no output '1'; known: text"),
        ("-1.²", "the job 'a' has no output '²'; known: text"),
        ("anonymos.a.text", "no pipeline 'anonymos'; did you mean 'anonymous'?"),
        ("anonymous.b.text", "no earlier job 'b'; known: a"),
        ("anonymous.me.text", "'anonymous.me.text': refers to this job itself"),
        ("anonymous.a.txt", "the job 'a' has no output 'txt'; did you mean 'text'?"),
    ],
)
def test_a_reference_that_means_nothing_suggests_what_would(lab, source, problem):
    found = lab.problem(
        lab.echo_jobs("meta_name: a", f"meta_name: me, input: {{extra_configs.text: '{source}'}}")
    )
    assert found.startswith("sandbox.yaml:3: execution_job_configs[1].input.extra_configs.text: '")
    assert found.endswith(problem)


def test_a_job_that_cannot_be_planned_makes_no_second_problem(lab):
    problems = lab.problems(
        "execution_job_configs:\n"
        "- {hook: Ecco, meta_name: a}\n"
        "- {hook: Echo, input: {extra_configs.text: -1.text}}\n"
        "- {hook: Echo, input: {extra_configs.text: anonymous.a.text}}\n"
    )
    assert len(problems) == 1


@pytest.mark.parametrize(
    "broken", ["{hook: Echo, meta_name: a, x: 1}", "{hook: Echo, meta_name: [a]}", "no.yaml", "3"]
)
def test_a_job_that_cannot_be_read_makes_no_second_problem(lab, broken):
    problems = lab.problems(
        f"iter_targets: anonymous.a.text >= 1\n"
        "iter_updater: {anonymous.a.text: anonymous.b.extra_configs.text}\n"
        "execution_job_configs:\n"
        "- {hook: Echo, meta_name: first, output: one}\n"
        f"- {broken}\n"
        "- {hook: Echo, meta_name: b, input: {extra_configs.text: -1.text}}\n"
        "- {hook: Echo, input: {extra_configs.text: anonymous.a.text}}\n"
        "- {hook: Echo, input: {extra_configs.text: -4.one}}\n"
    )
    assert [problem.split(":")[1] for problem in problems] == ["5"]


def test_a_stage_with_a_typo_makes_no_second_problem(lab):
    text = "{execution_job_config: [{hook: Echo, meta_name: a}], evaluation_job_configs: [JOB]}"
    job = "{hook: Echo, input: {extra_configs.text: NAME.a.text}}"
    (problem,) = lab.problems(text.replace("JOB", job.replace("NAME", "anonymous")))
    assert "execution_job_config: unknown key; did you mean 'execution_job_configs'?" in problem
    pipelines = f"pipelines: {{one: {text.replace('JOB', job.replace('NAME', 'one'))}}}"
    assert "one.execution_job_config: unknown key" in lab.problem(pipelines)


def test_a_pipeline_that_cannot_be_read_makes_no_second_problem(lab):
    problems = lab.problems(
        "pipelines:\n- one: no.yaml\n"
        "- two: {execution_job_configs: [{hook: Echo, input: {extra_configs.text: one.a.text}}]}\n"
    )
    assert len(problems) == 1
    assert "no such file: 'no.yaml'" in problems[0]


def test_a_wrong_name_beside_a_job_that_cannot_be_planned_is_a_problem(lab):
    problems = lab.problems(
        "execution_job_configs:\n"
        "- {hook: Ecco, meta_name: a}\n"
        "- {hook: Echo, input: {extra_configs.text: anonymous.b.text}}\n"
    )
    assert len(problems) == 2


# -- several pipelines -----------------------------------------------------------------------------

PIPELINES = """
pipelines:
- one:
    execution_job_configs:
    - {hook: Echo, meta_name: a, output: mine}
    - {hook: Echo, meta_name: last}
- nothing:
- two:
    execution_job_configs:
    - {hook: Echo, meta_name: a, input: {extra_configs.text: SOURCE}}
- three:
    execution_job_configs:
    - {hook: Echo, meta_name: b}
"""


@pytest.mark.parametrize(
    ("source", "job", "output"),
    [("one.a.mine", 0, "mine"), ("one.last.text", 1, "text"), ("-1.text", 1, "text")],
)
def test_references_across_pipelines(lab, source, job, output):
    planned = lab.plan(PIPELINES.replace("SOURCE", source))
    (found,) = planned.jobs[2].sources.values()
    assert (found.job, found.output) == (job, output)
    assert planned.pipelines == ("one", "nothing", "two", "three")
    assert [len(planned.jobs_of(name)) for name in planned.pipelines] == [2, 0, 1, 1]


LATER = "move it before this one, or take its value from the last iteration with iter_updater"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("three.b.text", f"that job comes later (sandbox.yaml:13); {LATER}"),
        ("two.a.text", "refers to this job itself"),
        ("two.b.text", "no earlier job 'b'; known: none"),
        ("nothing.a.text", "no earlier job 'a'; known: none"),
        ("tree.b.text", "no pipeline 'tree'; did you mean 'three'?"),
        ("anonymous.a.text", "no pipeline 'anonymous'; known: nothing, one, three, two"),
        ("one.lst.text", "no earlier job 'lst'; did you mean 'last'?"),
        ("one.a.text", "the job 'a' has no output 'text'; known: mine"),
        ("-3.text", "there is no earlier job"),
    ],
)
def test_a_reference_across_pipelines_that_means_nothing(lab, source, problem):
    assert lab.problem(PIPELINES.replace("SOURCE", source)) == (
        "sandbox.yaml:10: pipelines[2].two.execution_job_configs[0].input.extra_configs.text: "
        f"'{source}': {problem}"
    )


def test_two_pipelines_may_use_the_same_names(lab):
    lab.plan(PIPELINES.replace("SOURCE", "one.a.mine"))


def test_a_refinement_is_named_after_a_probe_of_its_own_pipeline(lab):
    refine = "{hook: RefineRecipeViaKSigmaHook, meta_name: probe, dj_configs: configs/process.yaml"
    problem = lab.problem(
        "pipelines:\n"
        "- one: {probe_job_configs: [{hook: Echo, meta_name: probe}]}\n"
        "- two:\n    refine_recipe_job_configs:\n"
        f"    - {refine}, extra_configs: {{type: lab_refiner}}}}\n"
    )
    assert "'probe' must name the earlier probe whose statistics it reads; known: none" in problem


# -- iteration -------------------------------------------------------------------------------------

ITERATION = """
max_iter_num: 3
iter_targets: [one.a.mine.score >= 0.8, two.b.text < 2]
iter_updater:
  SOURCE: TARGET
pipelines:
- one:
    execution_job_configs:
    - {hook: Echo, meta_name: a, output: mine}
- two:
    execution_job_configs:
    - {hook: Echo, meta_name: b, extra_configs: {text: t, number: 2}}
    - hook: EvaluateDataHook
      meta_name: e
      input: {extra_configs.dataset_path: -1.text}
      extra_configs: {type: lab_lengths}
"""


def iteration(source="two.b.text", target="one.a.extra_configs.text"):
    return ITERATION.replace("SOURCE", source).replace("TARGET", target)


def test_targets_are_bound(lab):
    planned = lab.plan(iteration())
    assert [(target.text, source.job, source.output, source.rest) for target, source in
            planned.targets] == [
        ("one.a.mine.score >= 0.8", 0, "mine", ("score",)),
        ("two.b.text < 2", 1, "text", ()),
    ]  # fmt: skip


@pytest.mark.parametrize("target", ["one.a.extra_configs.text", "one.a.extra_configs"])
def test_a_value_of_the_last_iteration_may_come_from_a_later_job(lab, target):
    first, second, third = lab.plan(iteration(target=target)).jobs
    ((reference, source),) = first.carried.items()
    assert (reference.target, source.job, source.output) == (target.split(".", 2)[2], 1, "text")
    assert not second.carried
    assert not third.carried
    assert not first.settings.pending


def test_an_update_of_a_refinement_is_one_of_its_probe_too(lab):
    text = (lab.folder / "sandbox.yaml").read_text()
    planned = lab.plan(
        f"{text}\niter_updater:\n  anonymous.eval_model.best: "
        "anonymous.analysis_ori_data.dj_configs.np\n"
    )
    assert [len(job.carried) for job in planned.jobs] == [1, 1, 0, 0, 0, 0, 0, 0]


def test_the_first_iteration_takes_and_checks_the_value_in_the_file(lab):
    text = iteration(target="two.b.extra_configs.number")
    assert lab.plan(text).jobs[1].settings.extra_configs["number"] == 2
    assert "extra_configs.number: should be a valid integer" in lab.problem(
        text.replace("number: 2", "number: two")
    )


@pytest.mark.parametrize(
    ("source", "target", "problem"),
    [
        ("one.b.text", "one.a.extra_configs.text", "'one.b.text': no job 'b'; known: a"),
        ("on.b.text", "one.a.extra_configs.text", "'on.b.text': no pipeline 'on'; did you mean"),
        ("one.a.text", "one.a.extra_configs.text", "'one.a.text': the job 'a' has no output "),
        ("two.b.text", "one.c.extra_configs.text", "'one.c.extra_configs.text': no job 'c'; "),
        ("two.b.text", "tw.b.extra_configs.text", "'tw.b.extra_configs.text': no pipeline 'tw'; "),
        ("two.b.text", "one.a.extra_configs.txt", "unknown setting 'txt'; did you mean 'text'?"),
        ("two.b.text", "two.e.extra_configs.type", "the component is chosen before the run; set "),
        ("two.b.text", "two.e.extra_configs.x", "unknown setting 'x'; known: dataset_path, "),
        (
            "two.b.text",
            "two.e.extra_configs.dataset_path",
            "the job's input sets 'extra_configs.dataset_path' already; remove one of them",
        ),
    ],
)
def test_an_update_that_means_nothing(lab, source, target, problem):
    found = lab.problem(iteration(source, target))
    assert found.startswith(f"sandbox.yaml:5: iter_updater.{source}: {problem}")


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("oen.a.mine > 1", "'oen.a.mine': no pipeline 'oen'; did you mean 'one'?"),
        ("one.b.mine > 1", "'one.b.mine': no job 'b'; known: a"),
        ("one.a.text > 1", "'one.a.text': the job 'a' has no output 'text'; known: mine"),
    ],
)
def test_a_target_that_means_nothing(lab, target, problem):
    found = lab.problem(iteration(), f"iter_targets=[two.b.text > 1, {target}]")
    assert found == f"--set iter_targets: {problem}"
