"""Names and references between jobs: what ``djsb_core.runner.binding`` makes of them."""

import pytest

ECHO = "execution_job_configs:\n- hook: Echo\n"


def echo(*jobs):
    """Write an experiment of ``Echo`` jobs, each given by its other keys."""
    return "execution_job_configs:\n" + "".join(f"- {{hook: Echo, {job}}}\n" for job in jobs)


def test_two_jobs_of_one_name(lab):
    assert lab.problem(echo("meta_name: a", "meta_name: a")) == (
        "sandbox.yaml:3: execution_job_configs[1].meta_name: "
        "another job has the name 'a' (sandbox.yaml:2)"
    )


def test_a_refinement_must_be_named_after_a_probe(lab):
    lab.write("sandbox.yaml", (lab.folder / "sandbox.yaml").read_text())
    assert lab.problem(None, "refine_recipe_job_configs.0.meta_name=analysis_or_data") == (
        "sandbox.yaml:16: refine_recipe_job_configs[0].meta_name: 'analysis_or_data' must name the "
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
        echo("meta_name: a, output: mine", "", f"input: {{extra_configs.text: '{source}'}}")
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
        ("anonymous.me.text", "no earlier job 'me'; known: a"),
        ("anonymous.a.txt", "the job 'a' has no output 'txt'; did you mean 'text'?"),
    ],
)
def test_a_reference_that_means_nothing_suggests_what_would(lab, source, problem):
    found = lab.problem(
        echo("meta_name: a", f"meta_name: me, input: {{extra_configs.text: '{source}'}}")
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
