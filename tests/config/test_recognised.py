"""Files that belong to an experiment, given in its place."""

import pytest

from djsb_core.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "project_name: p\ndataset_path: d.jsonl\nprocess:\n- a_filter:\n",
            (
                "x.yaml:3: process: this file is a recipe, not an experiment; "
                "name it in a job of an experiment: 'dj_configs: PATH'"
            ),
        ),
        (
            "np: 4\ndataset_path: d.jsonl\n",
            "x.yaml:2: dataset_path: this file is a recipe, not an experiment; ",
        ),
        (
            "dataset_path: d.jsonl\ntype: mse\n",
            (
                "x.yaml:2: type: this file has the settings of a component (type: mse), not an "
                "experiment; name it in a job of an experiment: 'extra_configs: PATH'"
            ),
        ),
        ("hook: H\nmeta_name: a\n", "x.yaml:1: hook: this file is one job, not an experiment; "),
        (
            "method: grid\nparameters: {a: {values: [1]}}\n",
            (
                "x.yaml:1: method: this file is a search over settings, not an experiment; "
                "its place is the key hpo_config"
            ),
        ),
        (
            "{lr: 1, betas: 2}",
            (
                "x.yaml:1: lr: not an experiment, none of whose keys it has, but lr, betas; "
                "if these are settings of a component, name it"
            ),
        ),
    ],
)
def test_a_file_in_the_wrong_place_is_told_its_own(read, text, problem):
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize(
    "text", ["type: x\nexecution_job_configs: []\n", "workdir: x\n", "process: []\npipelines: {}\n"]
)
def test_an_experiment_with_a_mistake_stays_one(read, text):
    assert "this file" not in str(read(text).problems)
