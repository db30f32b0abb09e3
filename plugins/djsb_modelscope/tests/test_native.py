import json

import pytest
import torch
import transformers

from djsb_core.api import ComponentError
from djsb_modelscope.scratch import CausalLmFromScratchConfig, make_folder


@pytest.fixture
def native(corpus, tmp_path):
    """ModelScope's own llama: its registry knows the type, its preprocessor makes the batches."""
    folder = tmp_path / "native"
    config = CausalLmFromScratchConfig(
        dataset_path=corpus / "train.jsonl",
        architecture="llama",
        vocab_size=300,
        layers=1,
        hidden_size=32,
        heads=2,
        context_length=128,
    )
    make_folder(config, folder)
    configuration = {
        "framework": "pytorch",
        "task": "text-generation",
        "model": {"type": "llama"},
        "preprocessor": {"type": "text-gen-tokenizer"},
        "pipeline": {"type": "text-generation"},
    }
    (folder / "configuration.json").write_text(json.dumps(configuration))
    return folder


def settings_for(model, corpus, tmp_path, **changes):
    return {
        "train_dataset": corpus / "held_out.jsonl",
        "work_dir": tmp_path / "work",
        "model_name": str(model),
        "mode": "native",
        "trainer_name": "text-generation-trainer",
        "key_remapping": {"text": "src_txt"},
        "threads": 1,
        "train": {
            "max_epochs": 2,
            "optimizer": {"type": "AdamW", "lr": 1e-2},
            "lr_scheduler": {"type": "StepLR", "step_size": 100, "options": {"by_epoch": False}},
            "dataloader": {"batch_size_per_gpu": 8, "workers_per_gpu": 0},
        },
        **changes,
    }


@pytest.mark.slow
def test_a_model_of_modelscope_is_trained(native, corpus, train_alone, guarded, tmp_path):
    folder, watcher = train_alone(settings_for(native, corpus, tmp_path), tmp_path / "job")
    losses = {step: value for name, value, step in watcher.metrics if name == "loss"}
    assert list(losses) == list(range(1, 11))
    assert losses[10] < losses[1] - 0.1
    assert not guarded.exists()
    assert not (folder.parent / "output").exists()
    trained = torch.load(folder.parent / "epoch_2.pth", weights_only=True)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    for name, value in model.state_dict().items():
        assert torch.equal(value, trained[name]), name
    assert transformers.AutoTokenizer.from_pretrained(folder)("a")["input_ids"]


@pytest.mark.skipif(transformers.__version__ < "5", reason="it works with transformers 4")
def test_a_model_that_transformers_5_broke_is_named(native, corpus, train, tmp_path):
    configuration = json.loads((native / "configuration.json").read_text())
    configuration["model"]["type"] = "xlm-roberta"
    (native / "configuration.json").write_text(json.dumps(configuration))
    with pytest.raises(ComponentError, match="'xlm-roberta' model cannot be imported with"):
        train(settings_for(native, corpus, tmp_path), tmp_path / "job")


def test_keys_of_the_other_mode_are_refused(native, corpus, train, tmp_path):
    settings = settings_for(native, corpus, tmp_path, packing=True)
    with pytest.raises(ValueError, match="packing: only in causal_lm mode"):
        train(settings, tmp_path / "job")
