"""A pipeline with seeds: repeated with each, sharing what does not depend on it."""

import json
from collections import Counter
from pathlib import Path

import pytest

from djsb.config.reader import read_experiment

COMPONENTS = """
    import json
    from pathlib import Path

    from pydantic import Field

    from djsb_core.api import ComponentConfig, InputPath, Metric, ModelTrainExecutor, OutputPath

    class Config(ComponentConfig):
        train_dataset: InputPath = Field(description="Data.")
        work_dir: OutputPath | None = Field(None, description="The model's folder.")
        seed: int = Field(0, description="Decides the result.")

    class Train(ModelTrainExecutor[Config]):
        '''Write the seed.'''
        config_type = Config
        metrics = (Metric("final_loss", higher_is_better=False),)

        def train(self):
            folder = self.config.work_dir or self.workspace.folder / "model"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "weights.json").write_text(json.dumps([self.config.seed]))
            self.workspace.watcher.watch(1.0 / self.config.seed, "final_loss")
            return folder
"""
ENTRY_POINTS = "[djsb.model_train_executors]\nseeded = seeded:Train"
EXPERIMENT = """
work_dir: w
seeds: [1, 2, 3]
execution_job_configs:
- hook: ProcessDataHook
  meta_name: process
  dj_configs: configs/process.yaml
  extra_configs: {type: lab_processor}
- hook: TrainModelHook
  meta_name: train
  input: {extra_configs.train_dataset: anonymous.process.export_path}
  extra_configs: {type: seeded, work_dir: models/small}
evaluation_job_configs:
- hook: EvaluateModelHook
  meta_name: score
  input: {extra_configs.model_path: -1.model_path}
  output: [scores, best]
  extra_configs: {type: lab_score}
"""


@pytest.fixture
def seeded(lab, install):
    install("seeded", COMPONENTS, ENTRY_POINTS)
    return lab


@pytest.mark.parametrize("workers", [0, 3])
def test_each_seed_has_its_own_training_and_shares_the_data(seeded, workers):
    run = seeded.run(EXPERIMENT, workers=workers)
    store = seeded.store(run)
    jobs = store.jobs(run.id)
    assert [job.pipeline for job in jobs[::3]] == [f"anonymous@seed={i}" for i in (1, 2, 3)]
    executed = Counter(job.meta_name for job in jobs if job.status == "finished")
    assert executed["process"] == 1
    assert executed["train"] == 3
    trained = {job.pipeline: job for job in jobs if job.meta_name == "train"}
    for seed in (1, 2, 3):
        job = trained[f"anonymous@seed={seed}"]
        assert job.settings["extra_configs"]["seed"] == seed
        place = Path(f"models/small/seed_{seed}/weights.json")
        assert json.loads(place.read_text()) == [seed]
        assert store.metrics(job.id) == {"final_loss": 1 / seed}


def test_pipelines_with_seeds_can_run_side_by_side(seeded):
    needs = seeded.plan(EXPERIMENT).needs
    assert set(needs) == {f"anonymous@seed={i}" for i in (1, 2, 3)}
    assert not any(needs.values())


def test_a_named_pipeline_refers_to_itself_by_its_name(seeded):
    inner = EXPERIMENT.replace("work_dir: w\n", "").replace("anonymous.", "small.")
    text = "work_dir: w\npipelines:\n  small:\n" + inner.strip().replace("\n", "\n    ").join(
        ["    ", "\n"]
    )
    run = seeded.run(text)
    assert {job.pipeline for job in seeded.store(run).jobs(run.id)} == {
        f"small@seed={i}" for i in (1, 2, 3)
    }


def test_an_earlier_seed_is_reused(seeded):
    seeded.run(EXPERIMENT.replace("[1, 2, 3]", "[2]"))
    assert [json.loads(Path("models/small/seed_2/weights.json").read_text())] == [[2]]
    run = seeded.run(EXPERIMENT)
    jobs = seeded.store(run).jobs(run.id)
    assert [job.status for job in jobs if job.meta_name == "train"] == [
        "finished",
        "cached",
        "finished",
    ]


@pytest.mark.parametrize(
    ("seeds", "said"),
    [
        ("[1, 1]", "sandbox.yaml:3: seeds: each seed may be listed only once"),
        ("[a]", "sandbox.yaml:3: seeds[0]: should be a valid integer"),
        ("3", "sandbox.yaml:3: seeds: should be a valid list"),
    ],
)
def test_bad_seeds(seeded, seeds, said):
    assert seeded.problems(EXPERIMENT.replace("[1, 2, 3]", seeds))[0].startswith(said)


def test_seeds_without_a_job_that_takes_one(lab):
    text = "work_dir: w\nseeds: [1, 2]\nexecution_job_configs:\n- {hook: Echo, meta_name: a}\n"
    assert lab.problem(text) == (
        "sandbox.yaml:4: anonymous: no training, inference or evaluation job takes a seed; "
        "remove seeds"
    )


def test_seeds_outside_of_the_pipelines(lab):
    text = "seeds: [1]\npipelines: {a: {execution_job_configs: [{hook: Echo}]}}\n"
    assert lab.problem(text).startswith("sandbox.yaml:1: seeds: give them inside a pipeline")


def test_a_given_seed_is_replaced_in_place_of_none(seeded):
    seeded.write("sandbox.yaml", EXPERIMENT.replace("{type: seeded,", "{type: seeded, seed: 99,"))
    assert len(read_experiment(Path("sandbox.yaml")).jobs) == 9
    settings = [job.settings.extra_configs for job in seeded.plan().jobs if job.spec.seed == 2]
    assert [one["seed"] for one in settings if one.get("type") == "seeded"] == [2]
