import filecmp
import json

import pytest
import torch
import transformers

from djsb_core.api import ComponentError, Kind, Workspace
from djsb_core.testing import ExecutorContract, RecordingWatcher
from djsb_modelscope.models import is_causal_lm
from djsb_modelscope.scratch import CausalLmFromScratch, CausalLmFromScratchConfig, make_folder


def small(corpus, **changes):
    settings = {"vocab_size": 300, "layers": 1, "hidden_size": 32, "heads": 2, "context_length": 32}
    return {"dataset_path": str(corpus / "held_out.jsonl"), **settings, **changes}


class TestContract(ExecutorContract):
    kind = Kind.GENERAL_DATA_EXECUTOR
    name = "causal_lm_from_scratch"

    @pytest.fixture
    def settings(self, corpus):
        return small(corpus)


@pytest.mark.parametrize("architecture", ["gpt2", "llama", "qwen2"])
def test_transformers_loads_it(corpus, tmp_path, architecture):
    watcher = RecordingWatcher()
    config = CausalLmFromScratchConfig(**small(corpus, architecture=architecture))
    folder = CausalLmFromScratch(config, Workspace(tmp_path, watcher)).execute()
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    parameters = sum(weight.numel() for weight in model.parameters())
    assert watcher.metrics == [("parameters", parameters, None), ("vocab_size", 300, None)]
    assert model.config.model_type == architecture
    assert len(tokenizer) == model.config.vocab_size == 300
    assert tokenizer.model_max_length == model.config.max_position_embeddings == 32
    assert is_causal_lm(folder)
    assert json.loads((folder / "configuration.json").read_text())["framework"] == "pytorch"


def test_every_text_comes_back_from_its_tokens(untrained):
    tokenizer = transformers.AutoTokenizer.from_pretrained(untrained)
    text = "Grüße, 世界!\n\t x  y 🙂"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_an_untrained_model_knows_nothing(untrained, corpus):
    model = transformers.AutoModelForCausalLM.from_pretrained(untrained)
    tokenizer = transformers.AutoTokenizer.from_pretrained(untrained)
    text = json.loads((corpus / "train.jsonl").open().readline())["text"]
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        loss = model(ids, labels=ids).loss.item()
    assert loss == pytest.approx(torch.tensor(400.0).log().item(), abs=0.3)


def test_the_seed_decides(corpus, tmp_path):
    torch.manual_seed(123)
    expected = torch.rand(1)
    torch.manual_seed(123)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        make_folder(CausalLmFromScratchConfig(**small(corpus, seed=seed)), tmp_path / name)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    same, *_ = filecmp.cmpfiles(tmp_path / "a", tmp_path / "b", names, shallow=False)
    assert same == names
    assert not filecmp.cmp(
        tmp_path / "a/model.safetensors", tmp_path / "c/model.safetensors", shallow=False
    )
    assert torch.rand(1) == expected, "the global random state was moved"


def test_a_folder_of_something_else_is_left_alone(corpus, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ComponentError, match="is not a model folder; choose another"):
        make_folder(CausalLmFromScratchConfig(**small(corpus)), tmp_path)
    assert (tmp_path / "thesis.txt").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"heads": 3}, "heads 3 must divide hidden_size 32"),
        ({"architecture": "llama", "hidden_size": 6, "heads": 2}, "must be even for llama"),
        ({"vocab_size": 100}, "greater than or equal to 258"),
    ],
)
def test_impossible_shapes_are_refused(corpus, changes, said):
    with pytest.raises(ValueError, match=said):
        CausalLmFromScratchConfig(**small(corpus, **changes))
