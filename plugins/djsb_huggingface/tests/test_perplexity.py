import json
import math
import shutil

import numpy as np
import pytest
from scipy.stats import bootstrap

from djsb_core.api import ComponentError, Kind, Workspace
from djsb_core.testing import EvaluatorContract, RecordingWatcher
from djsb_huggingface.perplexity import PerplexityConfig, PerplexityEvaluator

TEXTS = [
    "The quick brown fox.",
    "Data and models are developed together; naïve 你好 bytes count in UTF-8.",
    "x",
    "A probe looks at the data, a recipe refines it.",
]
LONG = "Question: what is two plus two? Answer: it is four, as measured by a fox. " * 5


def evaluate(model, dataset, watcher=None, **settings):
    config = PerplexityConfig(model_path=model, dataset_path=dataset, **settings)
    return PerplexityEvaluator(config, Workspace(watcher=watcher or RecordingWatcher())).evaluate()


def load(folder):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return (
        AutoModelForCausalLM.from_pretrained(folder).eval(),
        AutoTokenizer.from_pretrained(folder),
    )


def token_by_token(model, tokens, length, stride):
    """Sum the loss of one document, each token from its own run over its own context."""
    import torch

    total = 0.0
    for position in range(1, len(tokens)):
        start = 0
        while position > start + length:
            start += stride
        with torch.inference_mode():
            logits = model(torch.tensor([tokens[start:position]])).logits[0, -1].double()
        total -= logits.log_softmax(-1)[tokens[position]].item()
    return total


@pytest.fixture
def documents(write_data):
    return write_data([{"text": text} for text in TEXTS])


class TestContract(EvaluatorContract):
    kind = Kind.MODEL_EVALUATOR
    name = "perplexity"

    @pytest.fixture
    def settings(self, models, documents):
        return {"model_path": models(), "dataset_path": documents}


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2"])
def test_loss_is_the_model_s_own(models, write_data, family):
    import torch

    model, tokenizer = load(models(family))
    for text in TEXTS[:2]:
        tokens = tokenizer(text)["input_ids"]
        ids = torch.tensor([tokens])
        with torch.inference_mode():
            own = model(ids, labels=ids).loss.item()
        scores = evaluate(models(family), write_data([{"text": text}]))
        assert scores["loss"] == pytest.approx(own, rel=1e-5)
        assert scores["tokens"] == len(tokens) - 1
        nats = scores["loss"] * scores["tokens"]
        assert scores["bits_per_byte"] == pytest.approx(nats / math.log(2) / len(text.encode()))


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2"])
def test_perplexity_agrees_with_torchmetrics(models, documents, family):
    import torch
    from torchmetrics.text import Perplexity

    model, tokenizer = load(models(family))
    metric = Perplexity(ignore_index=-100)
    for text in TEXTS:
        ids = torch.tensor([tokenizer(text)["input_ids"]])
        if ids.shape[1] > 1:
            with torch.inference_mode():
                metric.update(model(ids).logits[:, :-1], ids[:, 1:])
    scores = evaluate(models(family), documents)
    assert scores["perplexity"] == pytest.approx(metric.compute().item(), rel=1e-5)


@pytest.mark.parametrize(
    ("family", "bos", "window"),
    [
        ("gpt2", False, (16, 5)),
        ("gpt2", False, (64, 64)),
        ("gpt2", False, (1, 1)),
        ("llama", True, (7, 1)),
        ("llama", True, (16, 16)),
    ],
)
def test_long_documents_agree_with_one_run_a_token(models, write_data, family, bos, window):
    length, stride = window
    folder = models(family, bos=bos)
    model, tokenizer = load(folder)
    dataset = write_data([{"text": LONG}, {"text": TEXTS[0]}])
    scores = evaluate(folder, dataset, max_length=length, stride=stride)
    expected, count = 0.0, 0
    for text in (LONG, TEXTS[0]):
        tokens = [0] * bos + tokenizer(text, add_special_tokens=False)["input_ids"]
        expected += token_by_token(model, tokens, length, stride)
        count += len(tokens) - 1
    assert len(tokenizer(LONG)["input_ids"]) > 2 * 64
    assert scores["tokens"] == count
    assert scores["loss"] == pytest.approx(expected / count, rel=1e-5)


def test_defaults_are_the_model_s_window_and_disjoint(models, write_data):
    dataset = write_data([{"text": LONG}])
    default = evaluate(models(), dataset)
    assert default == evaluate(models(), dataset, max_length=64, stride=64)
    assert default["loss"] != evaluate(models(), dataset, stride=32)["loss"]


@pytest.mark.parametrize("batch_tokens", [1, 40, 100_000])
@pytest.mark.parametrize("family", ["gpt2", "gemma2"])
def test_batches_and_padding_do_not_matter(models, write_data, family, batch_tokens):
    texts = [LONG[:length] for length in (5, 300, 2, 41, 80, 120, 7, 199)]
    dataset = write_data([{"text": text} for text in texts])
    watcher = RecordingWatcher()
    evaluate(models(family), dataset, watcher, batch_tokens=batch_tokens)
    nats, tokens = watcher.samples["loss"]
    for index, text in enumerate(texts):
        alone = evaluate(models(family), write_data([{"text": text}], "one.jsonl"))
        assert nats[index] / tokens[index] == pytest.approx(alone["loss"], rel=1e-5)
        assert tokens[index] == alone["tokens"]


def test_logits_a_few_at_a_time_do_not_matter(models, documents, monkeypatch):
    whole = evaluate(models(), documents)
    monkeypatch.setattr("djsb_huggingface.scoring.LOGITS_AT_A_TIME", 1)
    monkeypatch.setattr("djsb_huggingface.perplexity.CHARACTERS_AT_A_TIME", 1)
    assert evaluate(models(), documents) == pytest.approx(whole, rel=1e-5)


def test_uniform_model_has_the_entropy_of_its_vocabulary(models, documents, tmp_path):
    import torch

    model, tokenizer = load(models("llama"))
    torch.nn.init.zeros_(model.lm_head.weight)
    for part in (model, tokenizer):
        part.save_pretrained(tmp_path / "uniform")
    scores = evaluate(tmp_path / "uniform", documents)
    assert scores["loss"] == pytest.approx(math.log(len(tokenizer)), rel=1e-6)
    assert scores["perplexity"] == pytest.approx(len(tokenizer), rel=1e-5)
    assert scores["loss_stderr"] == pytest.approx(0, abs=1e-6)


def test_bos_is_context_and_an_end_token_is_not_scored(models, write_data):
    folder = models("llama", bos=True)
    _, tokenizer = load(folder)
    tokens = tokenizer(TEXTS[0])["input_ids"]
    assert (tokens[0], tokens[-1]) == (0, 1)
    scores = evaluate(folder, write_data([{"text": TEXTS[0]}]))
    assert scores["tokens"] == len(tokens) - 2


def test_samples_are_in_the_order_of_the_data_set(models, write_data):
    texts = ["", *TEXTS, LONG, "x"]
    watcher = RecordingWatcher()
    scores = evaluate(models(), write_data([{"text": text} for text in texts]), watcher)
    _, tokenizer = load(models())
    expected = [max(0, len(tokenizer(text)["input_ids"]) - 1) for text in texts]
    nats, tokens = watcher.samples["loss"]
    bits, octets = watcher.samples["bits_per_byte"]
    assert tokens == expected
    assert scores["skipped"] == expected.count(0) == 3
    assert scores["documents"] == len(texts) - 3
    assert octets == [len(t.encode()) if n else 0 for t, n in zip(texts, expected, strict=True)]
    assert scores["loss"] == pytest.approx(sum(nats) / sum(tokens))
    assert scores["bits_per_byte"] == pytest.approx(sum(bits) / sum(octets))


def test_standard_errors_agree_with_scipy_s_bootstrap(models, write_data):
    rng = np.random.default_rng(3)
    cuts = [sorted(rng.integers(0, len(LONG), 2)) for _ in range(150)]
    watcher = RecordingWatcher()
    dataset = write_data([{"text": LONG[start : end + 4]} for start, end in cuts])
    scores = evaluate(models(), dataset, watcher)
    for name in ("loss", "bits_per_byte"):
        drawn = bootstrap(
            watcher.samples[name],
            lambda values, weights, axis: values.sum(axis) / weights.sum(axis),
            paired=True,
            method="percentile",
            n_resamples=2000,
            rng=rng,
        )
        assert scores[f"{name}_stderr"] == pytest.approx(drawn.standard_error, rel=0.08)


def test_one_document_has_no_standard_error(models, write_data):
    assert "loss_stderr" not in evaluate(models(), write_data([{"text": LONG}]))


def test_max_documents_and_text_key(models, write_data):
    samples = [{"body": {"text": text}} for text in TEXTS]
    first = evaluate(models(), write_data(samples[:2], "two.jsonl"), text_key="body.text")
    limited = evaluate(models(), write_data(samples), text_key="body.text", max_documents=2)
    assert limited == first


def test_half_precision_is_near(models, documents):
    exact = evaluate(models(), documents)["loss"]
    assert evaluate(models(), documents, dtype="bfloat16")["loss"] == pytest.approx(exact, rel=0.05)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("", r"data\.jsonl: no sample in this file"),
        ('{"text": "a b"}\n{"text": \n', r"data\.jsonl:2: not JSON"),
        ('{"body": "a b"}\n', r"data\.jsonl:1: no field 'text'; fields: body"),
        ('{"text": "a b"}\n{"text": 3}\n', r"sample 2: field 'text' must be a string, not int"),
        ('{"text": "\\ud83d"}\n', r"sample 1: field 'text' is not valid Unicode"),
        ('{"text": ""}\n{"text": "x"}\n', r"no document has two tokens"),
    ],
)
def test_bad_data_is_one_message(models, tmp_path, lines, message):
    path = tmp_path / "data.jsonl"
    path.write_text(lines)
    with pytest.raises(ComponentError, match=message) as caught:
        evaluate(models(), path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("removed", "message"),
    [
        ("config.json", "not a Hugging Face model folder: no config.json"),
        ("*.safetensors", "the model has no weights"),
        ("tokenizer*", "the model has no tokenizer"),
    ],
)
def test_incomplete_model_is_found_before_and_in_the_run(
    models, documents, tmp_path, removed, message
):
    folder = shutil.copytree(models(), tmp_path / "model")
    for path in folder.glob(removed):
        path.unlink()
    config = PerplexityConfig(model_path=folder, dataset_path=documents)
    assert any(message in problem for problem in PerplexityEvaluator(config).check())
    with pytest.raises(ComponentError, match=message):
        PerplexityEvaluator(config).evaluate()


def save(model, tokenizer, folder):
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_other_kinds_of_model_are_refused(models, documents, tmp_path):
    import transformers

    _, tokenizer = load(models())
    size = {"vocab_size": len(tokenizer), "hidden_size": 32, "num_hidden_layers": 1}
    bert = transformers.BertConfig(**size, num_attention_heads=2, intermediate_size=32)
    classifier = transformers.BertForSequenceClassification(bert)
    masked = transformers.BertLMHeadModel(bert)
    t5 = transformers.T5ForConditionalGeneration(
        transformers.T5Config(vocab_size=len(tokenizer), d_model=32, d_kv=16, d_ff=32, num_layers=1)
    )
    for model, message in (
        (classifier, "not a causal language model: it is a BertForSequenceClassification"),
        (masked, "not a causal language model: later tokens change earlier predictions"),
        (t5, "not a causal language model: it is a T5ForConditionalGeneration"),
    ):
        folder = save(model, tokenizer, tmp_path / type(model).__name__)
        with pytest.raises(ComponentError, match=message):
            evaluate(folder, documents)


def test_weights_that_are_not_in_the_files_are_never_random(models, documents, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(models("llama"), tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ComponentError, match=r"1 weight is not in .*: model\.layers\.1\.mlp\.up"):
        evaluate(folder, documents)


def test_broken_weights_and_config_are_one_message(models, documents, tmp_path):
    folder = shutil.copytree(models(), tmp_path / "model")
    (folder / "model.safetensors").write_bytes(b"\0" * 64)
    with pytest.raises(ComponentError, match="the model cannot be loaded") as caught:
        evaluate(folder, documents)
    assert "\n" not in str(caught.value)
    (folder / "config.json").write_text(json.dumps({"model_type": "no-such-type"}))
    with pytest.raises(ComponentError, match=r"cannot be loaded: .*no-such-type"):
        evaluate(folder, documents)


def test_diverged_model_is_one_message(models, documents, tmp_path):
    import torch

    model, tokenizer = load(models())
    torch.nn.init.constant_(model.transformer.ln_f.weight, math.nan)
    with pytest.raises(ComponentError, match="predictions are not finite numbers"):
        evaluate(save(model, tokenizer, tmp_path / "model"), documents)


def test_tokenizer_of_another_model_is_one_message(models, documents, tmp_path):
    model, tokenizer = load(models())
    model.resize_token_embeddings(200)
    with pytest.raises(ComponentError, match="tokenizer does not match the model: token"):
        evaluate(save(model, tokenizer, tmp_path / "model"), documents)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_length": 65}, "max_length 65 exceeds the context window"),
        ({"stride": 65}, "stride 65 exceeds the window length"),
        ({"device": "cuda:77"}, "device 'cuda:77' cannot be used"),
        ({"device": "abacus"}, "device 'abacus' cannot be used"),
    ],
)
def test_settings_that_the_model_or_machine_cannot_meet(models, documents, settings, message):
    with pytest.raises(ComponentError, match=message):
        evaluate(models(), documents, **settings)


def test_stride_beyond_the_window_is_refused(models, documents):
    with pytest.raises(ValueError, match="some tokens would never be scored"):
        PerplexityConfig(model_path=models(), dataset_path=documents, max_length=8, stride=9)
