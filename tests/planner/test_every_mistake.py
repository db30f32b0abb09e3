"""One round of ``validate`` reports every mistake that can be known, and no other."""

import pytest

JOB = """\
evaluation_job_configs:
- hook: EvaluateDataHook
  meta_name: a
{more}
  extra_configs:
    type: lab_lengths
    dataset_path: data.jsonl
"""


def keys(problems):
    return [problem.key.partition("].")[2] for problem in problems]


def test_an_invalid_value_of_a_job_hides_nothing_else(lab):
    text = (
        "evaluation_job_configs:\n"
        "- hook: EvaluateDataHook\n"
        "  timeout: soon\n"
        "  extra_configs:\n"
        "    type: lab_lengths\n"
        "    dataset_path: nowhere.jsonl\n"
        "    dataset: 1\n"
        "- hook: EvaluateDataHook\n"
        "  timeout: later\n"
        "  retries: -1\n"
        "  extra_configs: {type: lab_lenghts, dataset_path: nowhere.jsonl}\n"
    )
    assert [problem.line for problem in lab.all_problems(text)] == [3, 6, 7, 9, 10, 11]


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ("  timeout: soon", "timeout"),
        ("  retries: many", "retries"),
        ("  resources: {cpus: many, memory: 1 GiB}", "resources.cpus"),
        ("  resources: 4", "resources"),
        ("  output: {a: b}", "output"),
        ("  output: [1]", "output[0]"),
        ("  cache: sometimes", "cache"),
        ("  timeuot: 3s", "timeuot"),
        ("  input: 5", "input"),
        ("  input: {extra_configs.dataset_path: 5}", "input.extra_configs.dataset_path"),
        ("  input: {extra_configs.dataset_path: a.b}", "input"),
        ("  local: 5", "local"),
        ("  local: {extra_config.dataset_path: a}", "local"),
        ("  dj_configs: 5", "dj_configs"),
    ],
)
def test_what_cannot_be_read_is_one_problem(lab, more, key):
    text = JOB.format(more=more)
    assert keys(lab.all_problems(text)) == [key]
    # The same, and the values that only the unread part could have set.
    reads = text.replace("    dataset_path: data.jsonl\n", "")
    expected = [key] if key in UNSURE else [key, "extra_configs.dataset_path"]
    assert sorted(keys(lab.all_problems(reads))) == sorted(expected)
    misspelt = text.replace("dataset_path: data", "dataset: 1\n    dataset_path: data")
    assert sorted(keys(lab.all_problems(misspelt))) == sorted([key, "extra_configs.dataset"])


UNSURE = {"timeuot", "input", "input.extra_configs.dataset_path", "local"}


def test_other_jobs_may_refer_to_a_job_that_is_read_in_part(lab):
    jobs = (
        "execution_job_configs:\n"
        "- {hook: Echo, meta_name: a, BROKEN}\n"
        "- {hook: Echo, meta_name: b, input: {extra_configs.text: anonymous.a.NAME}}\n"
    )
    for broken, name, count in (
        ("timeout: soon", "text", 1),
        ("timeout: soon", "nothing", 2),
        ("output: {a: b}", "anything", 1),
        ("outptu: mine", "mine", 1),
        ("output: [mine], retries: many", "mine", 1),
        ("output: [mine], retries: many", "text", 2),
    ):
        text = jobs.replace("BROKEN", broken).replace("NAME", name)
        assert len(lab.problems(text)) == count, (broken, name)
    text = jobs.replace("meta_name: a", "meta_name: a.c").replace("BROKEN", "cache: true")
    assert len(lab.problems(text.replace("NAME", "text"))) == 1


def test_an_unknown_type_hides_nothing_that_can_be_known(lab):
    text = (
        "probe_job_configs:\n"
        "- hook: ProbeViaAnalyzerHook\n"
        "  meta_name: p\n"
        "  extra_configs: {type: lab_analyser}\n"  # also lacks its recipe
        "evaluation_job_configs:\n"
        "- hook: EvaluateDataHook\n"
        "  meta_name: p\n"
        "  input: {extra_configs.text: anonymous.nobody.text}\n"
        "  extra_configs: {type: lab_lenghts}\n"
    )
    assert sorted(keys(lab.all_problems(text))) == [
        "dj_configs",
        "extra_configs.type",
        "extra_configs.type",
        "input.extra_configs.text",
        "meta_name",
    ]


def test_an_unknown_hook_hides_no_invalid_value_of_a_known_type(lab):
    text = JOB.format(more="  input: {extra_configs.a: anonymous.nobody.text}")
    text = text.replace("EvaluateDataHook", "EvaluateDataHok")
    assert keys(lab.all_problems(text)) == ["hook", "input.extra_configs.a"]
    text = text.replace("data.jsonl", "nowhere.jsonl").replace("type:", "unknown: 1\n    type:")
    found = ["hook", "input.extra_configs.a", "extra_configs.dataset_path"]
    assert keys(lab.all_problems(text)) == found
    text = text.replace("  hook: EvaluateDataHok\n", "").replace("- hook: EvaluateDataHok\n ", "-")
    assert sorted(keys(lab.all_problems(text))) == sorted(found)


def test_a_name_given_twice_is_reported_though_a_job_is_invalid(lab):
    job = "- {hook: Echo, meta_name: a, extra_configs: {text: a}}\n"
    for other in (
        job.replace("Echo", "Ecko"),
        job.replace("text:", "txt:"),
        job.replace("extra_configs:", "timeout: soon, extra_configs:"),
    ):
        for jobs in (job + other, other + job):
            problems = lab.problems(f"execution_job_configs:\n{jobs}")
            assert len(problems) == 2
            assert sum("another job has the name 'a'" in problem for problem in problems) == 1


def test_what_a_job_without_its_component_may_write_is_not_missing(lab):
    text = (
        "execution_job_configs:\n"
        "- {hook: BROKEN, dj_configs: {dataset_path: data.jsonl, export_path: out/new.jsonl}}\n"
        "evaluation_job_configs:\n"
        "- {hook: EvaluateDataHook, extra_configs: {type: lab_lengths, dataset_path: PATH}}\n"
    )
    for hook in ("ProcessDataHok", "ProcessDataHook, extra_configs: {type: lab_procesor}"):
        broken = text.replace("BROKEN", hook)
        assert len(lab.problems(broken.replace("PATH", "out/new.jsonl"))) == 1
        assert len(lab.problems(broken.replace("PATH", "out/old.jsonl"))) == 2


def test_a_pipeline_whose_types_are_unknown_may_take_its_seeds(lab):
    text = (
        "pipelines:\n- a:\n    seeds: [1, 2]\n    evaluation_job_configs:\n"
        "    - {hook: EvaluateDataHook, extra_configs: {type: lab_lenghts}}\n"
    )
    (problem,) = lab.problems(text)
    assert "unknown data evaluator" in problem


def test_an_override_of_nothing_hides_nothing_else(lab):
    text = JOB.format(more="  local: {extra_configs.dataset_path.0: b, extra_configs.txt: 1}")
    assert keys(lab.all_problems(text.replace("data.jsonl", "nowhere.jsonl"))) == [
        "local",
        "extra_configs.txt",
    ]
