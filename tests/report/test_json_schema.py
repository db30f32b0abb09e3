import copy
import json
from functools import cache

import jsonschema
import pytest
import yaml

from djsb.report.schema import json_schema

EXPERIMENT = """
project_name: p
work_dir: w
hpo_config: null
probe_job_configs:
- hook: ProbeViaAnalyzerHook
  meta_name: probe
  dj_configs: {dataset_path: d.jsonl, process: []}
  extra_configs: {type: lab_analyzer}
refine_recipe_job_configs:
- job.yaml
execution_job_configs:
- hook: TrainModelHook
  input: {extra_configs.train_dataset: -1.path}
  output: model
  extra_configs: {type: lab_trainer, train: {max_epochs: 2, optimizer: {lr: 0.1}}}
- {hook: TrainModelHook, extra_configs: side.yaml}
- {hook: Echo, dj_configs: null}
evaluation_job_configs:
"""


@pytest.fixture
def validator(lab):
    return make_validator()


@cache
def make_validator():
    """Describe the experiment file once, with the components of ``tests/lab`` installed."""
    schema = json.loads(json.dumps(json_schema()))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.fixture
def experiment():
    return yaml.safe_load(EXPERIMENT)


def test_a_right_experiment_is_valid(validator, experiment):
    assert list(validator.iter_errors(experiment)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("work_dirr",), "x"),
        (("work_dir",), 3),
        (("iter_targets_mode",), "some"),
        (("probe_job_configs", 0, "hook"), "NoSuchHook"),
        (("probe_job_configs", 0, "hooks"), "x"),
        (("probe_job_configs", 0, "extra_configs", "type"), "lab_trainer"),
        (("execution_job_configs", 0, "extra_configs", "type"), "lab_analyzer"),
        (("execution_job_configs", 0, "extra_configs", "trian"), {}),
        (("execution_job_configs", 0, "extra_configs", "train", "max_epochs"), "two"),
        (("execution_job_configs", 0, "extra_configs", "train", "optimizer", "rl"), 1),
        (("execution_job_configs", 0, "extra_configs"), {"train": {}}),
        (("execution_job_configs", 0, "extra_configs"), 3),
        (("execution_job_configs", 0), {"meta_name": "no hook"}),
    ],
)
def test_a_wrong_one_is_not(validator, experiment, path, value):
    wrong = copy.deepcopy(experiment)
    tree = wrong
    for part in path[:-1]:
        tree = tree[part]
    tree[path[-1]] = value
    assert not validator.is_valid(wrong)


STAGES = ("probe_job_configs", "execution_job_configs")


@pytest.mark.parametrize(
    "form", [lambda *named: list(named), lambda *named: {**named[0], **named[1]}]
)
def test_pipelines_are_described_in_both_forms(validator, experiment, form):
    stages = {key: experiment.pop(key) for key in STAGES}
    experiment["pipelines"] = form({"one": stages}, {"two": "two.yaml"})
    experiment["iter_updater"] = {"one.probe.a": "one.probe.dj_configs.np"}
    assert list(validator.iter_errors(experiment)) == []
    stages["execution_job_configs"][0]["extra_configs"]["train"]["max_epochs"] = "two"
    assert not validator.is_valid(experiment)


@pytest.mark.parametrize(
    "pipelines",
    [
        3,
        "x.yaml",
        ["x.yaml"],
        [{}],
        [{"one": {}, "two": {}}],
        [{"one": 3}],
        [{"one": {"probe_jobs": []}}],
        {"one": {"work_dir": "x"}},
        {"one": {"probe_job_configs": [{"hook": "NoSuchHook"}]}},
    ],
)
def test_wrong_pipelines(validator, pipelines):
    assert not validator.is_valid({"pipelines": pipelines})


@pytest.mark.parametrize(
    ("keys", "valid"),
    [
        ({"timeout": 90, "retries": 3, "cache": False}, True),
        ({"timeout": "90s"}, True),
        ({"timeout": [90]}, False),
        ({"retries": -1}, False),
        ({"retries": 101}, False),
        ({"cache": 3}, False),
    ],
)
def test_cache_timeout_and_retries(validator, keys, valid):
    assert validator.is_valid({"probe_job_configs": [{"hook": "Echo", **keys}]}) is valid


def test_every_key_is_described(validator):
    definitions = validator.schema["$defs"]
    for described in (validator.schema, definitions["JobSchema"], definitions["StagesSchema"]):
        keys = described["properties"].items()
        assert [name for name, one in keys if "description" not in one] == []


def test_every_installed_hook_and_type_is_in_it(validator):
    hooks = validator.schema["$defs"]["JobSchema"]["properties"]["hook"]["enum"]
    assert {"Echo", "ProcessDataHook", "EvaluateModelHook"} <= set(hooks)
    assert {"data_evaluators.lab_lengths", "data_evaluators.mse"} <= set(validator.schema["$defs"])


def test_every_setting_is_described(validator):
    mse = validator.schema["$defs"]["data_evaluators.mse"]["properties"]
    undescribed = [name for name, one in mse.items() if not {"description", "$ref"} & set(one)]
    assert undescribed == ["type"]


def test_a_package_that_does_not_import_is_left_out(lab, install):
    install(
        "brokenpkg", "import no_such_module", "[djsb.data_evaluators]\nbroken-lab = brokenpkg:X\n"
    )
    assert "data_evaluators.broken-lab" not in json_schema()["$defs"]


def test_models_of_one_name_in_two_packages_are_kept_apart(lab, install):
    source = """
        from pydantic import BaseModel
        from djsb_core.api import ComponentConfig, DataEvaluator

        class Train(BaseModel):
            only_here: int = 1

        class Config(ComponentConfig):
            train: Train = Train()

        class Twin(DataEvaluator):
            config_type = Config

            def evaluate(self):
                return {}
    """
    install("twinpkg", source, "[djsb.data_evaluators]\ntwin-lab = twinpkg:Twin\n")
    validator = jsonschema.Draft202012Validator(json_schema())

    def job(hook, type_, train):
        return {
            "execution_job_configs": [
                {"hook": hook, "extra_configs": {"type": type_, "train": train}}
            ]
        }

    assert validator.is_valid(job("TrainModelHook", "lab_trainer", {"max_epochs": 1}))
    assert not validator.is_valid(job("EvaluateDataHook", "twin-lab", {"only_here": "x"}))
    assert not validator.is_valid(job("TrainModelHook", "lab_trainer", {"only_here": 1}))


def evaluation(**extra_configs):
    settings = {"type": "lab_lengths", **extra_configs}
    return {"evaluation_job_configs": [{"hook": "EvaluateDataHook", "extra_configs": settings}]}


@pytest.mark.parametrize(
    ("keys", "valid"),
    [
        ({"env": "auto"}, True),
        ({"env": {"manager": "uv", "requirements": ["numpy<2"], "python": "3.11"}}, True),
        ({"env": {"manager": "conda", "packages": ["ffmpeg"], "file": "environment.yml"}}, True),
        ({"env": {"requirements": "requirements.txt", "python": 3.12}}, True),
        ({"env": {"path": "/opt/envs/x"}}, True),
        ({"env_name": "x", "env_manager": "mamba", "env_params": {"env_py_version": 3.9}}, True),
        ({"env": "uv"}, False),
        ({"env": {"manager": "pipenv"}}, False),
        ({"env": {"manager": "uv", "packages": ["ffmpeg"]}}, False),
        ({"env": {"manager": "uv", "requirements": [1]}}, False),
        ({"env_name": 3}, False),
        ({"env_manager": "pipenv"}, False),
        ({"env_params": {"env_python": 3.9}}, False),
    ],
)
def test_every_component_takes_an_environment(validator, keys, valid):
    assert validator.is_valid(evaluation(**keys)) is valid


def test_the_installed_managers_and_their_settings_are_in_it(validator):
    definitions = validator.schema["$defs"]
    known = {"uv", "venv", "virtualenv", "conda", "mamba"}
    assert known <= set(definitions["env_manager"]["enum"])
    assert all("description" in definitions[key] for key in ("env", *PUBLISHED_KEYS))
    for name in known:
        keys = definitions[f"environments.{name}"]["properties"].items()
        assert [key for key, one in keys if "description" not in one] == []


PUBLISHED_KEYS = ("env_name", "env_manager", "env_params")
