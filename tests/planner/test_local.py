"""The form of a job's ``local`` overrides."""

import pytest

JOB = "evaluation_job_configs:\n- hook: Echo\n  local: {VALUE}\n"


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("extra_config.type: mse", "'extra_config.type' must begin with dj_configs or"),
        ("1: 2", "'1' must begin with dj_configs or extra_configs"),
        ('"": 1', "'' must begin with dj_configs or extra_configs"),
        ("local.x: 1", "'local.x' must begin with dj_configs or extra_configs"),
        ("nope.x: 1", "'nope.x' must begin with dj_configs or extra_configs"),
        ("extra_configs.: 1", "'extra_configs.' has an empty part"),
        ("extra_configs: 5", "'extra_configs' must be a mapping of settings"),
        ("extra_configs: [a]", "'extra_configs' must be a mapping of settings"),
    ],
)
def test_an_override_of_another_form_is_one_problem(lab, override, sentence):
    problem = lab.problem(JOB.replace("VALUE", override))
    assert problem.startswith("sandbox.yaml:3: evaluation_job_configs[0].local: " + sentence)


def test_the_other_overrides_count(lab):
    problems = lab.problems(JOB.replace("VALUE", "nope.x: 1, extra_configs.txt: b"))
    assert len(problems) == 2
    assert "did you mean 'text'?" in problems[1]
