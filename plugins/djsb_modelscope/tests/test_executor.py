import json
import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError

from djsb_core.api import ComponentError, Kind, PathContext
from djsb_core.testing import ComponentContract
from djsb_modelscope.executor import ModelscopeTrainConfig, ModelscopeTrainExecutor
from djsb_modelscope.job import Mode


class TestContract(ComponentContract):
    kind = Kind.MODEL_TRAIN_EXECUTOR
    name = "modelscope"

    @pytest.fixture
    def settings(self, corpus, untrained):
        return {"train_dataset": str(corpus / "train.jsonl"), "model_name": str(untrained)}


@pytest.fixture
def given(corpus, untrained):
    return {"train_dataset": corpus / "train.jsonl", "model_name": str(untrained)}


def problems(**settings):
    return "; ".join(ModelscopeTrainExecutor(ModelscopeTrainConfig(**settings)).check())


def test_a_causal_lm_folder_is_trained_as_one_whatever_the_trainer(given):
    config = ModelscopeTrainConfig(**given, trainer_name="nlp-base-trainer")
    assert config.find_mode() is Mode.CAUSAL_LM


def test_another_folder_is_native(given, tmp_path):
    (tmp_path / "config.json").write_text('{"architectures": ["BertForMaskedLM"]}')
    assert ModelscopeTrainConfig(**given | {"model_name": str(tmp_path)}).find_mode() is Mode.NATIVE


def test_an_id_on_the_hub_stays_one(given):
    config = ModelscopeTrainConfig(**given | {"model_name": "iic/nlp_gpt3-base"})
    assert (config.model_name, config.model_folder) == ("iic/nlp_gpt3-base", None)
    assert config.find_mode() is Mode.AUTO


def test_a_folder_is_looked_up_beside_the_experiment(given, untrained):
    context = PathContext(folders=(Path("/nonexistent"), untrained.parent))
    settings = given | {"model_name": "untrained"}
    config = ModelscopeTrainConfig.model_validate(settings, context=context)
    assert config.model_folder == untrained
    assert untrained in ModelscopeTrainExecutor(config).reads()


def test_a_folder_that_an_earlier_job_makes_is_expected(given, tmp_path):
    context = PathContext(expected=frozenset({tmp_path / "later"}))
    settings = given | {"model_name": str(tmp_path / "later")}
    config = ModelscopeTrainConfig.model_validate(settings, context=context)
    assert list(ModelscopeTrainExecutor(config).check()) == []


@pytest.mark.parametrize("name", ["./nowhere", "/no/where", "gpt2", "a/b/c"])
def test_a_missing_folder_is_named(given, name):
    with pytest.raises(ValidationError, match="not an id on the hub"):
        ModelscopeTrainConfig(**given | {"model_name": name})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"max_tokens": 5, "train": {"max_epochs": 1}}, "max_tokens or train.max_epochs, not both"),
        ({"mode": "native", "max_tokens": 5}, "max_tokens: only in causal_lm mode"),
    ],
)
def test_settings_that_do_not_go_together(given, settings, said):
    with pytest.raises(ValidationError, match=said):
        ModelscopeTrainConfig(**given, **settings)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({}, "text"),
        ({"key_remapping": {"body": "src_txt"}}, "body"),
        ({"key_remapping": {"id": "key", "body": "src_txt"}}, "body"),
        ({"key_remapping": {"body": "src_txt"}, "text_key": "title"}, "title"),
    ],
)
def test_where_the_text_is(given, settings, key):
    assert ModelscopeTrainConfig(**given, **settings).find_text_key() == key


def test_an_unknown_trainer_is_named(given):
    said = problems(**given, trainer_name="nlp-base-trainr")
    assert said == ("ModelScope has no trainer 'nlp-base-trainr'; did you mean 'nlp-base-trainer'?")


def test_what_a_folder_lacks_is_named(given, untrained, tmp_path):
    folder = shutil.copytree(untrained, tmp_path / "model")
    (folder / "tokenizer.json").unlink()
    (folder / "model.safetensors").unlink()
    said = problems(**given | {"model_name": str(folder), "max_length": 129})
    assert "the model folder has no tokenizer" in said
    assert "the model folder has no weights" in said
    assert "max_length 129 exceeds the model's context of 128 tokens" in said


def test_a_missing_megatron_is_known_before_the_run(given, tmp_path):
    configuration = {"task": "text-generation", "model": {"type": "gpt3"}}
    (tmp_path / "configuration.json").write_text(json.dumps(configuration))
    assert "'gpt3' needs the package megatron_util" in problems(
        **given | {"model_name": str(tmp_path)}
    )


def test_bad_data_is_found_before_anything_is_loaded(given, tmp_path, monkeypatch):
    monkeypatch.setattr("djsb_modelscope.training.run", None)
    file = tmp_path / "broken.jsonl"
    file.write_text('{"text": "a"}\n{"text"\n')
    config = ModelscopeTrainConfig(**given | {"train_dataset": file})
    with pytest.raises(ComponentError, match=r"broken.jsonl:2: not JSON"):
        ModelscopeTrainExecutor(config).train()
