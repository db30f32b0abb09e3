from pathlib import Path

import pytest

from djsb.config.reader import read_experiment
from djsb_core.interfaces.hook import Section

JOBS = "{probe_job_configs: [{hook: A}], execution_job_configs: [{hook: B}, {hook: C}]}"


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Return a function that reads an experiment given as text, in a folder with other files."""
    monkeypatch.chdir(tmp_path)

    def read_text(text, *overrides, **files):
        Path("x.yaml").write_text(text)
        for name, content in files.items():
            Path(f"{name}.yaml").write_text(content)
        return read_experiment(Path("x.yaml"), overrides)

    return read_text


@pytest.mark.parametrize(
    "text",
    [
        f"pipelines:\n- one: {JOBS}\n- two: {JOBS}\n",
        f"pipelines:\n  one: {JOBS}\n  two: {JOBS}\n",
        f"pipelines:\n  one: {JOBS}\n  two: two.yaml\n",
        f"probe_job_configs: []\nevaluation_job_configs:\npipelines:\n  one: {JOBS}\n  two: {JOBS}",
    ],
    ids=["list", "mapping", "file", "empty stages beside"],
)
def test_every_form_gives_the_same_jobs(read, text):
    experiment = read(text, two=JOBS)
    assert experiment.problems == ()
    assert experiment.pipelines == ("one", "two")
    assert [(job.pipeline, job.hook, job.position) for job in experiment.jobs] == [
        *[("one", "A", 0), ("one", "B", 1), ("one", "C", 2)],
        *[("two", "A", 3), ("two", "B", 4), ("two", "C", 5)],
    ]
    names = ["probe_0", "execution_0", "execution_1"]
    assert [job.meta_name for job in experiment.jobs] == names * 2


@pytest.mark.parametrize("value", ["", "null", "[]", "{}"])
def test_no_pipelines_is_the_single_form(read, value):
    experiment = read(f"pipelines: {value}\nprobe_job_configs: [{{hook: A}}]\n")
    assert experiment.problems == ()
    assert experiment.pipelines == ("anonymous",)
    assert [job.pipeline for job in experiment.jobs] == ["anonymous"]


@pytest.mark.parametrize("value", ["", "{}", "{probe_job_configs: }", "empty.yaml"])
def test_one_pipeline_may_be_empty_if_another_is_not(read, value):
    experiment = read(f"pipelines:\n- one: {value}\n- two: {JOBS}\n", empty="# nothing\n")
    assert experiment.problems == ()
    assert experiment.pipelines == ("one", "two")
    (problem,) = read("pipelines: [{one: {}}]").problems
    assert str(problem).startswith("x.yaml:1: no job to run; ")


def test_global_keys_stand_beside_them(read):
    experiment = read(f"work_dir: w\npipelines:\n- one: {JOBS}\nmax_iter_num: 3\n")
    assert experiment.problems == ()
    assert (experiment.schema.work_dir, experiment.schema.max_iter_num) == ("w", 3)


def test_a_problem_of_a_job_names_its_place(read):
    experiment = read(
        "pipelines:\n- one:\n    probe_job_configs:\n    - hook: A\n      extra_configs:\n"
        "        lr: 1\n- two: two.yaml\n",
        two="evaluation_job_configs:\n- hook: B\n",
    )
    one, two = experiment.jobs
    assert one.location == ("pipelines", 0, "one", "probe_job_configs", 0)
    assert str(one.problem(("extra_configs", "lr"), "is wrong")) == (
        "x.yaml:6: pipelines[0].one.probe_job_configs[0].extra_configs.lr: is wrong"
    )
    assert str(two.problem(("hook",), "is wrong")) == (
        "two.yaml:2: evaluation_job_configs[0].hook: is wrong"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("pipelines: x.yaml\n", "x.yaml:1: pipelines: should hold pipelines; write a list of "),
        ("pipelines: 3\n", "x.yaml:1: pipelines: should hold pipelines; write a list of "),
        ("pipelines:\n- one\n", "x.yaml:2: pipelines[0]: should be a name with its stages; "),
        ("pipelines:\n- []\n", "x.yaml:2: pipelines[0]: should be a name with its stages; "),
        ("pipelines:\n- {}\n", "x.yaml:2: pipelines[0]: should be a name with its stages; "),
        (
            "pipelines:\n- one:\n  probe_job_configs: []\n",
            (
                "x.yaml:2: pipelines[0]: should have one key, the pipeline's name, but has one, "
                "probe_job_configs; indent its stages"
            ),
        ),
        ("pipelines:\n- one: 3\n", "x.yaml:2: one: should be a mapping of the four stages"),
        ("pipelines:\n- one: []\n", "x.yaml:2: one: should be a mapping of the four stages"),
        ("pipelines:\n- one: no.yaml\n", "x.yaml:2: pipelines[0].one: no such file: 'no.yaml' ("),
        ("pipelines:\n  a.b: {}\n", "x.yaml:2: pipelines.a.b: this name cannot be referred to; "),
        ("pipelines:\n  a b: {}\n", "x.yaml:2: pipelines.a b: this name cannot be referred to; "),
        ("pipelines:\n  -1: {}\n", "x.yaml:2: pipelines.-1: this name cannot be referred to; "),
        ("pipelines:\n- '': {}\n", "x.yaml:2: pipelines[0].: this name cannot be referred to; "),
        (
            "pipelines:\n- one: {}\n- two: {}\n- one: {}\n",
            "x.yaml:4: pipelines[2].one: another pipeline has this name (x.yaml:2)",
        ),
        (
            "pipelines:\n- one:\n    probe_jobs: []\n",
            "x.yaml:3: pipelines[0].one.probe_jobs: unknown key; did you mean 'probe_job_configs'?",
        ),
        (
            "pipelines:\n- one:\n    work_dir: x\n",
            "x.yaml:3: pipelines[0].one.work_dir: unknown key; known: ",
        ),
        (
            "pipelines:\n- one:\n    probe_job_configs: {hook: A}\n",
            "x.yaml:3: pipelines[0].one.probe_job_configs: should be a list of jobs",
        ),
        (
            "pipelines:\n- one:\n    probe_job_configs:\n    - {hook: A, nam: x}\n",
            "x.yaml:4: pipelines[0].one.probe_job_configs[0].nam: unknown key; ",
        ),
    ],
)
def test_a_wrong_form_is_one_problem(read, text, problem):
    (found,) = map(str, read(text).problems)
    assert found.startswith(problem), found


def test_both_forms_at_once_is_a_problem(read):
    text = f"evaluation_job_configs:\n- {{hook: A}}\npipelines:\n- one: {JOBS}\n"
    (problem,) = map(str, read(text).problems)
    assert problem == (
        "x.yaml:3: pipelines: stages also set outside the pipelines: evaluation_job_configs "
        "(x.yaml:1); use one form"
    )


def test_a_file_of_stages_that_is_wrong_is_named(read):
    experiment = read("pipelines: {one: a.yaml, two: b.yaml}", a="- x\n", b="probe: []\n")
    problems = list(map(str, experiment.problems))
    assert problems[0] == "a.yaml:1: one: should be a mapping of the four stages"
    assert problems[1].startswith("b.yaml:1: probe: unknown key; ")


def test_the_jobs_of_the_others_are_read_all_the_same(read):
    experiment = read(f"pipelines:\n- one: no.yaml\n- 3\n- two: {JOBS}\n- three: [1]\n")
    assert len(experiment.problems) == 3
    assert [job.position for job in experiment.jobs] == [2, 3, 4]
    assert experiment.unread == {0: ("one", ""), 1: ("", ""), 5: ("three", "")}


def test_overrides_reach_into_pipelines(read):
    text = "pipelines:\n{}one: {{execution_job_configs: [{{hook: A, extra_configs: s.yaml}}]}}\n"
    for form, at in (("- ", "0.one"), ("  ", "one")):
        job = f"pipelines.{at}.execution_job_configs.0"
        experiment = read(
            text.format(form), f"{job}.extra_configs.lr=1", f"{job}.dj_configs.np=2", s="lr: 3\n"
        )
        assert experiment.problems == ()
        (spec,) = experiment.jobs
        assert spec.local == {"extra_configs.lr": 1}
        assert spec.sections[Section.DJ_CONFIGS].values == {"np": 2}


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("pipelines.7.one.hook=1", "--set pipelines.7.one.hook=1: no key or index '7'; "),
        ("pipelines.0.two.x=1", "x.yaml:2: pipelines[0]: should have one key, the pipeline's name"),
        ("pipelines.0.one.probe_job_configs.9.hook=B", "--set pipelines.0.one.probe_job_configs.9"),
        ("pipelines.1.two.probe_job_configs.0.hook=B", "--set pipelines.1.two.probe_job_configs.0"),
    ],
)
def test_an_override_of_what_is_not_there_is_a_problem(read, override, problem):
    experiment = read(f"pipelines:\n- one: {JOBS}\n- two: two.yaml\n", override, two=JOBS)
    (found,) = map(str, experiment.problems)
    assert found.startswith(problem)


def test_a_section_is_found_behind_a_stage_only(read):
    text = "pipelines:\n  dj_configs: {probe_job_configs: [{hook: A, extra_configs: s.yaml}]}\n"
    at = "pipelines.dj_configs.probe_job_configs.0.extra_configs.lr"
    assert read(text, f"{at}=1", s="lr: 3\n").jobs[0].local == {"extra_configs.lr": 1}
