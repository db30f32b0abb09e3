from pathlib import Path

import pytest

from djsb.config.experiment import lookup_folders
from djsb.config.reader import read_experiment
from djsb.config.schema import Stage
from djsb_core.errors import ConfigError
from djsb_core.interfaces.hook import Section


def test_jobs_come_in_the_order_of_the_stages(read):
    stages = [f"{stage.key}: [{{hook: H{i}}}, {{hook: I}}]" for i, stage in enumerate(Stage)]
    jobs = read("\n".join(reversed(stages))).jobs
    assert [job.hook for job in jobs] == ["H0", "I", "H1", "I", "H2", "I", "H3", "I"]
    assert [job.position for job in jobs] == list(range(8))
    assert [job.stage for job in jobs[::2]] == list(Stage)
    assert jobs[1].meta_name == "probe_1"
    assert not jobs[1].named


def test_null_and_absent_sections_are_fine(read):
    experiment = read(
        """
project_name: p
hpo_config: null
pipelines: null
iter_targets:
iter_updater:
probe_job_configs:
refine_recipe_job_configs: []
execution_job_configs:
- hook: H
  meta_name:
  dj_configs:
  extra_configs:
  input:
  output:
  local:
"""
    )
    assert experiment.problems == ()
    (spec,) = experiment.jobs
    assert {section.values for section in spec.sections.values()} == {None}
    assert (spec.inputs, spec.output, dict(spec.local)) == ((), None, {})


def test_a_single_output_name_is_a_list_of_one(job):
    assert job("{hook: H, output: path}").output == ("path",)
    assert job("{hook: H, output: [a, b]}").output == ("a", "b")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- a\n", "x.yaml:1: an experiment is a mapping of keys"),
        ("text\n", "x.yaml:1: an experiment is a mapping of keys"),
        ("", "x.yaml:1: an experiment is a mapping of keys"),
    ],
)
def test_what_is_no_mapping_is_refused(read, text, problem):
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert list(map(str, caught.value.problems)) == [problem]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("project_name: p\n", "x.yaml:1: no job to run; add one to probe_job_configs, "),
        ("workdir: x\n", "x.yaml:1: workdir: unknown key; did you mean 'work_dir'?"),
        ("a: 1\n\nprobe_jobs: []\n", "x.yaml:3: probe_jobs: unknown key; "),
        ("work_dir: 3\n", "x.yaml:1: work_dir: should be a valid string, not 3"),
        ('work_dir: "o\\0ut"\n', "x.yaml:1: work_dir: a path cannot hold a NUL character"),
        (f"a: 1\nwork_dir: {'x' * 5000}\n", "x.yaml:2: work_dir: a name in this path has 5,"),
        (f"work_dir: {'x/' * 2500}\n", "x.yaml:1: work_dir: this path has "),
        ("work_dir: ~no-such-user/w\n", "x.yaml:1: work_dir: no such user's home: '~no-"),
        ("resume: sometimes\n", "x.yaml:1: resume: should be a valid boolean"),
        ("max_iter_num: -1\n", "x.yaml:1: max_iter_num: should be greater than or equal to 0"),
        (
            "max_iter_num: 0\n",
            "x.yaml:1: max_iter_num: 0 needs targets to end the iteration; set ",
        ),
        ("a: 1\niter_targets: a.b\n", "x.yaml:2: iter_targets: 'a.b' must be 'pipeline.meta_"),
        ("iter_targets:\n- a.b.c > 1\n- a.b > 1\n", "x.yaml:3: iter_targets[1]: 'a.b > 1': 'a.b'"),
        ("iter_targets: 3\n", "x.yaml:1: iter_targets: should be a valid list, not 3"),
        ("iter_updater: a\n", "x.yaml:1: iter_updater: should be a mapping, not 'a'"),
        ("iter_updater:\n  a.b: a.b.extra_configs.x\n", "x.yaml:2: iter_updater: 'a.b' must be "),
        (
            "iter_updater:\n  a.b.c: a.b.extra.x\n",
            "x.yaml:2: iter_updater: 'a.b.extra.x' must be 'pipeline.meta_name.extra_configs.key'",
        ),
        (
            "iter_updater:\n  a.b.c: a.b.dj_configs\n  a.b.d: a.b.dj_configs\n",
            "x.yaml:3: iter_updater: 'a.b.dj_configs' takes its value from 'a.b.c' already",
        ),
        ("iter_targets_mode: some\n", "x.yaml:1: iter_targets_mode: should be 'all' or 'any'"),
        ("probe_job_configs: {hook: H}\n", "x.yaml:1: probe_job_configs: should be a list of jobs"),
        ("probe_job_configs: ''\n", "x.yaml:1: probe_job_configs: should be a list of jobs"),
        ("probe_job_configs:\n- 3\n", "x.yaml:2: probe_job_configs[0]: "),
        (
            "probe_job_configs:\n- {}\n",
            "x.yaml:2: probe_job_configs[0].hook: missing; it is required",
        ),
        (
            "probe_job_configs:\n- hook: H\n  metaname: x\n",
            "x.yaml:3: probe_job_configs[0].metaname: unknown key; did you mean 'meta_name'?",
        ),
        (
            "probe_job_configs:\n- hook: H\n  meta_name: a.b\n",
            "x.yaml:3: probe_job_configs[0].meta_name: ",
        ),
        (
            "probe_job_configs:\n- hook: H\n  retries: 101\n",
            "x.yaml:3: probe_job_configs[0].retries: should be less than or equal to 100, not 101",
        ),
        (
            "probe_job_configs:\n- hook: H\n  timeout: soon\n",
            "x.yaml:3: probe_job_configs[0].timeout: 'soon' is not a duration; "  # noqa: ISC004
            "write seconds, or 90s",
        ),
        (
            "probe_job_configs:\n- hook: H\n  dj_configs: [a]\n",
            "x.yaml:3: probe_job_configs[0].dj_configs: ",
        ),
        (
            "probe_job_configs:\n- hook: H\n  input:\n    extra_configs.x: 3\n",
            "x.yaml:4: probe_job_configs[0].input.extra_configs.x: should be a valid string, not 3",
        ),
        (
            "probe_job_configs:\n- hook: H\n  input:\n    configs.x: -1.y\n",
            "x.yaml:4: probe_job_configs[0].input: 'configs.x' must begin with dj_configs or ",
        ),
        (
            "probe_job_configs:\n- hook: H\n  input:\n    dj_configs: job.out\n",
            "x.yaml:4: probe_job_configs[0].input: 'job.out' must be 'pipeline.meta_name.output'",
        ),
        (
            "probe_job_configs:\n- hook: H\n  local:\n    other.x: 1\n",
            "x.yaml:4: probe_job_configs[0].local: 'other.x' must begin with dj_configs or ",
        ),
    ],
)
def test_each_problem_has_file_line_key_and_sentence(read, text, problem):
    problems = list(map(str, read(text).problems))
    assert sum(one.startswith(problem) for one in problems) == 1, problems


@pytest.mark.parametrize("value", ["sweep.yaml", "{method: random}"])
def test_what_this_version_cannot_do_is_refused_by_name(read, value):
    text = f"project_name: p\nhpo_config: {value}\nprobe_job_configs: [{{hook: H}}]\n"
    (problem,) = read(text).problems
    assert str(problem) == (
        "x.yaml:2: hpo_config: this version cannot run a search over settings yet; "
        "remove it, and run the experiment once per value with --set"
    )


def test_all_problems_come_at_once(read):
    problems = read(
        "work_dir: 3\nprobe_job_configs:\n- {hook: 1}\n- {hook: H, dj_configs: no.yaml}\n- {h: 1}\n"
    ).problems
    assert [problem.line for problem in problems] == [1, 3, 4, 5, 5]


def test_cache_timeout_and_retries(job):
    spec = job("{hook: H}")
    assert (spec.cache, spec.timeout, spec.retries) == (True, None, 0)
    spec = job("{hook: H, cache: false, timeout: 2h, retries: 3}")
    assert (spec.cache, spec.timeout, spec.retries) == (False, 7200.0, 3)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *[("90", 90), ("0.5", 0.5), ("1e3", 1000), ("90s", 90), ("1.5m", 90), ("15 m", 900)],
        *[("2h", 7200), ("1d", 86400), ("", None)],
    ],
)
def test_durations(job, text, seconds):
    assert job(f"hook: H\n  timeout: {text}").timeout == seconds


@pytest.mark.parametrize(
    "text",
    ["0", "-1", "0s", "-5m", "1w", "m", "1h30m", "true", ".nan", ".inf", "[1]", "9" * 400 + "d"],
)
def test_what_is_no_duration(read, text):
    (problem,) = map(str, read(f"probe_job_configs:\n- hook: H\n  timeout: {text}\n").problems)
    assert problem.startswith("x.yaml:3: probe_job_configs[0].timeout: ")
    assert len(problem) < 200


def test_targets_and_updates_know_their_place(read):
    experiment = read(
        "max_iter_num: 0\niter_targets: a.b.c >= 1\n"
        "iter_updater: {a.b.c: a.b.extra_configs.x.y}\nprobe_job_configs: [{hook: H}]\n"
    )
    assert experiment.problems == ()
    ((target, location),) = experiment.targets
    assert (target.source, location) == ("a.b.c", ("iter_targets",))
    (update,) = experiment.updates
    assert (update.job, update.reference.target) == (("a", "b"), "extra_configs.x.y")
    listed = read("iter_targets: [a.b.c > 1, a.b.d < 2]\nprobe_job_configs: [{hook: H}]\n")
    assert [location for _, location in listed.targets] == [
        ("iter_targets", 0),
        ("iter_targets", 1),
    ]


def test_a_broken_file_that_two_jobs_name_is_one_problem(read, write):
    write("here/bad.yaml", "a: [\n")
    (problem,) = read("probe_job_configs:\n- {hook: H, dj_configs: bad.yaml}\n").problems
    again = "probe_job_configs:\n" + "- {hook: H, dj_configs: bad.yaml}\n" * 2
    assert read(again).problems == (problem,)


def test_an_absent_file_that_two_jobs_name_is_a_problem_of_both(read):
    problems = read("probe_job_configs:\n" + "- {hook: H, dj_configs: no.yaml}\n" * 2).problems
    assert [problem.line for problem in problems] == [2, 3]


# -- settings in files of their own ----------------------------------------------------------------


def test_settings_are_looked_up_here_then_beside_the_experiment(write):
    path = write("there/x.yaml", "probe_job_configs: [{hook: H, extra_configs: c/s.yaml}]\n")
    write("there/c/s.yaml", "where: beside\n")
    (spec,) = read_experiment(path).jobs
    assert spec.sections[Section.EXTRA_CONFIGS].values == {"where": "beside"}
    write("here/c/s.yaml", "where: here\n")
    (spec,) = read_experiment(path).jobs
    assert spec.sections[Section.EXTRA_CONFIGS].values == {"where": "here"}


@pytest.mark.parametrize("name", ["no.yaml", "x" * 300, "a\\0b", "", "."])
def test_a_file_that_is_not_there_names_both_folders(write, name):
    path = write("there/x.yaml", f'probe_job_configs:\n- hook: H\n  dj_configs: "{name}"\n')
    (problem,) = map(str, read_experiment(path).problems)
    assert problem.startswith(f"{path}:3: probe_job_configs[0].dj_configs: no such file: '")
    here, there = lookup_folders(path)
    assert problem.endswith(f"(looked in {here} and {there})")


def test_one_folder_is_named_once(read):
    (problem,) = read("probe_job_configs: [{hook: H, dj_configs: no.yaml}]").problems
    assert problem.text.endswith(f"(looked in {Path.cwd()})")


def test_problems_in_a_side_file_name_it(read, write):
    write("here/bad.yaml", "a: 1\nb: [\n")
    write("here/list.yaml", "- a\n")
    write("here/twice.json", '{\n\t"a": 1,\n\t"a": 2\n}')
    experiment = read(
        "probe_job_configs:\n"
        "- {hook: H, dj_configs: bad.yaml, extra_configs: list.yaml}\n"
        "- {hook: H, dj_configs: twice.json}\n"
    )
    problems = list(map(str, experiment.problems))
    assert problems[0].startswith("bad.yaml:3: not plain YAML")
    assert problems[1] == "list.yaml:1: must be a mapping of settings"
    assert problems[2].startswith("twice.json:3: the key 'a' is given twice")


def test_an_empty_side_file_is_no_settings(job, write):
    write("here/empty.yaml", "# nothing yet\n")
    assert job("{hook: H, extra_configs: empty.yaml}").sections[Section.EXTRA_CONFIGS].values == {}


def test_a_problem_in_settings_of_a_side_file_says_its_line(job, write):
    write("here/s.yaml", "a: 1\nb:\n  c: 2\n")
    spec = job("{hook: H, extra_configs: s.yaml}")
    problem = spec.problem(("extra_configs", "b", "c"), "is wrong")
    assert str(problem) == "s.yaml:3: execution_job_configs[0].extra_configs.b.c: is wrong"


def test_a_problem_in_an_override_says_the_line_of_the_override(job, write):
    write("here/s.yaml", "a: 1\n")
    spec = job("hook: H\n  extra_configs: s.yaml\n  local:\n    extra_configs.a: 2\n")
    problem = spec.problem(("extra_configs", "a"), "is wrong")
    assert (problem.file, problem.line) == (Path("x.yaml"), 5)


def test_the_published_placeholder_is_no_path(job):
    spec = job("{hook: H, dj_configs: '<auto_replaced_with_previous_output>'}")
    assert spec.sections[Section.DJ_CONFIGS].values is None


def test_a_job_may_stand_in_a_file_of_its_own(read, write):
    write("here/job.yaml", "hook: H\nmeta_name: mine\nextra_configs:\n  a: 1\n")
    (spec,) = read("evaluation_job_configs: [job.yaml]").jobs
    assert (spec.meta_name, spec.stage) == ("mine", Stage.EVALUATION)
    problem = spec.problem(("extra_configs", "a"), "x")
    assert str(problem) == "job.yaml:4: extra_configs.a: x"


def test_problems_of_a_job_in_a_file_of_its_own_name_the_file(read, write):
    write("here/job.yaml", "hook: H\nmetaname: mine\n")
    experiment = read("evaluation_job_configs:\n- job.yaml\n- none.yaml\n")
    problems = list(map(str, experiment.problems))
    assert problems[0] == "job.yaml:2: metaname: unknown key; did you mean 'meta_name'?"
    assert problems[1].startswith("x.yaml:3: evaluation_job_configs[1]: no such file: 'none.yaml'")
