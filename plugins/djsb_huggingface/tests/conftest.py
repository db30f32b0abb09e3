import json
import socket

import pytest

SENTENCES = [
    "The quick brown fox jumps over the lazy dog.",
    "Data and models are developed together in a sandbox.",
    "Question: what is two plus two?\nAnswer: it is four.",
    "A probe looks at the data, a recipe refines it, a run measures the gain.",
]


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """Fail on any attempt to reach the network, in whatever thread."""
    attempts = []

    def refuse(*args, **kwargs):
        attempts.append(args)
        raise OSError("no network in tests")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    yield
    assert not attempts


def train_tokenizer(*, bos):
    from tokenizers import ByteLevelBPETokenizer
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(
        SENTENCES, vocab_size=320, special_tokens=["<s>", "</s>"], show_progress=False
    )
    core = trained._tokenizer
    if bos:
        core.post_processor = TemplateProcessing(
            single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
        )
    marks = {"eos_token": "</s>"} | ({"bos_token": "<s>"} if bos else {})
    return PreTrainedTokenizerFast(tokenizer_object=core, **marks)


def build_model(family, vocabulary):
    import torch
    import transformers

    torch.manual_seed(0)
    small = {
        "vocab_size": vocabulary,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 32,
        "max_position_embeddings": 64,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": 1,
    }
    if family == "gpt2":
        config = transformers.GPT2Config(
            vocab_size=vocabulary, n_embd=64, n_layer=2, n_head=2, n_positions=64,
            bos_token_id=1, eos_token_id=1, initializer_range=0.3,
        )  # fmt: skip
        return transformers.GPT2LMHeadModel(config)
    if family == "llama":
        return transformers.LlamaForCausalLM(
            transformers.LlamaConfig(**small, initializer_range=0.3)
        )
    if family == "gemma2":  # caps its logits after the head
        return transformers.Gemma2ForCausalLM(
            transformers.Gemma2Config(
                **small, final_logit_softcapping=3.0, sliding_window=16, initializer_range=0.3
            )
        )
    raise AssertionError(family)


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Give the folder of a tiny random model, saved on first use."""
    import torch

    torch.set_num_threads(1)  # more threads only wait for each other on models this small
    made = {}

    def folder(family="gpt2", *, bos=False):
        if (family, bos) not in made:
            path = tmp_path_factory.mktemp(f"{family}-{bos}")
            tokenizer = train_tokenizer(bos=bos)
            tokenizer.save_pretrained(path)
            build_model(family, len(tokenizer)).save_pretrained(path)
            made[family, bos] = path
        return made[family, bos]

    return folder


@pytest.fixture
def write_data(tmp_path):
    def write(samples, name="data.jsonl"):
        path = tmp_path / name
        path.write_text("".join(json.dumps(sample) + "\n" for sample in samples))
        return path

    return write
