import json
import subprocess
import sys

import pytest
import torch
import transformers

from djsb_core.api import ComponentError
from djsb_modelscope.causal_lm import load_model, load_tokenizer, measure_loss
from djsb_modelscope.schedule import plan_epochs
from djsb_modelscope.tokens import collate, encode


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def read(path):
    return [json.loads(line)["text"] for line in path.open()]


def loss_at(folder, texts, distance):
    """Mean loss of predicting the token `distance` places on, by plain torch."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    total = count = 0
    for text in texts:
        ids = tokenizer(text, return_tensors="pt", truncation=True, max_length=64)["input_ids"]
        with torch.no_grad():
            logits = model(ids).logits[0, :-distance]
        target = ids[0, distance:]
        total += torch.nn.functional.cross_entropy(logits, target, reduction="sum").item()
        count += len(target)
    return total / count


def test_it_learns_the_next_token_and_not_the_one_after(trained, untrained, corpus):
    texts = read(corpus / "held_out.jsonl")
    next_token = loss_at(trained.folder, texts, 1)
    assert next_token < loss_at(trained.folder, texts, 2) - 1
    assert next_token < loss_at(untrained, texts, 1) - 1


def test_reloaded_folder_gives_the_reported_loss_exactly(trained, corpus):
    model, tokenizer = load_model(trained.folder), load_tokenizer(trained.folder)
    rows = encode(read(corpus / "held_out.jsonl"), tokenizer, 64)
    assert measure_loss(model, rows, 8, tokenizer.pad_token_id) == trained.total("eval_loss")


def test_eval_loss_is_transformers_own_row_by_row(trained, corpus):
    model, tokenizer = load_model(trained.folder), load_tokenizer(trained.folder)
    total = count = 0
    for text in read(corpus / "held_out.jsonl"):
        ids = torch.tensor([(tokenizer(text)["input_ids"] + [tokenizer.eos_token_id])[:64]])
        with torch.no_grad():
            total += model(ids, labels=ids).loss.item() * (ids.shape[1] - 1)
        count += ids.shape[1] - 1
    assert trained.total("eval_loss") == pytest.approx(total / count, rel=1e-5)


def test_first_loss_is_that_of_the_untrained_model_on_the_first_rows(trained, untrained, corpus):
    model, tokenizer = load_model(untrained), load_tokenizer(untrained)
    rows = encode(read(corpus / "train.jsonl"), tokenizer, 64)
    first = [rows[i] for i in plan_epochs(200, 8, 4, 42, shuffle=True).indices(0)[:8]]
    losses, weights = [], [len(row) - 1 for row in first]
    for row in first:
        ids = torch.from_numpy(row)[None]
        losses.append(model(ids, labels=ids).loss.item())
    alone = sum(x * w for x, w in zip(losses, weights, strict=True)) / sum(weights)
    assert trained.curve("loss")[1] == pytest.approx(alone, rel=1e-5)


def test_padding_does_not_count(untrained):
    model, tokenizer = load_model(untrained), load_tokenizer(untrained)
    rows = encode(["one", "two words and some more of them", "three"], tokenizer, 64)
    batch = collate([rows[i] for i in range(3)], tokenizer.pad_token_id)
    assert (batch["labels"] == -100).any()
    with torch.no_grad():
        together = model(**batch).loss.item()
        alone = [model(i, labels=i).loss.item() for i in (torch.from_numpy(r)[None] for r in rows)]
    weights = [len(rows[i]) - 1 for i in range(3)]
    expected = sum(x * w for x, w in zip(alone, weights, strict=True)) / sum(weights)
    assert together == pytest.approx(expected, rel=1e-5)


def test_every_step_is_reported_with_the_learning_rate_it_used(trained):
    steps = list(range(1, 101))
    assert list(trained.curve("loss")) == steps
    assert trained.curve("lr") == pytest.approx({s: 3e-3 * 0.8 ** ((s - 1) // 10) for s in steps})
    assert trained.curve("epoch")[25] == 1.0
    assert trained.curve("epoch")[100] == 4.0


def test_totals_count_what_was_trained(trained, corpus):
    tokenizer = load_tokenizer(trained.folder)
    lengths = [min(64, len(tokenizer(t)["input_ids"]) + 1) for t in read(corpus / "train.jsonl")]
    assert trained.total("tokens") == trained.curve("tokens")[100] == 4 * sum(lengths)
    assert (trained.total("steps"), trained.total("documents")) == (100, 200)
    last = list(trained.curve("loss").values())[-10:]
    assert trained.total("final_loss") == pytest.approx(sum(last) / 10)


def test_held_out_loss_is_reported_on_the_way(trained):
    curve = trained.curve("eval_loss")
    assert list(curve) == [50, 100]
    assert curve[50] > curve[100] == trained.total("eval_loss")


def test_nothing_was_asked_of_the_network(trained, network_guard):
    assert not trained.network_log.exists()
    environment, log = network_guard
    look_up = "import socket; socket.getaddrinfo('example.invalid', 80)"
    control = subprocess.run([sys.executable, "-c", look_up], env=environment, check=False)
    assert control.returncode
    assert "example.invalid" in log.read_text()
    log.unlink()


def test_no_stale_copy_and_no_half_folder_is_left(trained):
    assert trained.folder.name == "final"
    names = {path.name for path in trained.folder.parent.iterdir()}
    assert names.isdisjoint({"output", "final.partial"})
    assert {"model.safetensors", "tokenizer.json", "configuration.json"} <= {
        path.name for path in trained.folder.iterdir()
    }


class Impatient:
    """Interrupts the run, as Ctrl-C does."""

    def watch(self, value, name, step=None):
        if step == 31:
            raise KeyboardInterrupt


@pytest.mark.parametrize("named", [True, False])
def test_interrupted_and_resumed_is_bitwise_the_same(trained, train, tmp_path, named):
    """In the work_dir that the settings name, or in what the interrupted execution left."""
    settings = {**trained.settings, "work_dir": tmp_path / "work" if named else None}
    with pytest.raises(KeyboardInterrupt):
        train({**settings, "resume": True}, tmp_path / "first", Impatient())
    if not named:  # the runner hands it on under a new name
        (tmp_path / "first").rename(tmp_path / "second")
    folder, watcher = train({**settings, "resume": True}, tmp_path / "second")
    resumed = {step: value for name, value, step in watcher.metrics if name == "loss"}
    assert list(resumed) == list(range(29, 101))
    whole = trained.curve("loss")
    assert resumed == {step: whole[step] for step in resumed}
    totals = {name: value for name, value, step in watcher.metrics if step is None}
    for name in ("tokens", "steps", "final_loss", "eval_loss"):
        assert totals[name] == trained.total(name)
    weights = (folder / "model.safetensors").read_bytes()
    assert weights == (trained.folder / "model.safetensors").read_bytes()


def test_a_checkpoint_of_another_training_is_refused(trained, train, tmp_path):
    settings = {**trained.settings, "resume": True, "seed": 7}
    with pytest.raises(ComponentError, match="different seed"):
        train(settings, tmp_path / "job")


def test_a_token_budget_is_kept_with_packing(settings, train, tmp_path):
    chosen = {
        "train_dataset": settings["train_dataset"],
        "model_name": settings["model_name"],
        "packing": True,
        "max_length": 32,
        "max_tokens": 10_000,
        "threads": 1,
        "train": {
            "dataloader": {"batch_size_per_gpu": 4},
            "optimizer": {"type": "AdamW", "lr": 1e-3},
            "lr_scheduler": {"type": "OneCycleLR", "max_lr": 1e-3, "options": {"by_epoch": False}},
        },
    }
    _, watcher = train(chosen, tmp_path / "job")
    tokens = {step: value for name, value, step in watcher.metrics if name == "tokens" and step}
    assert tokens == {step: step * 4 * 32 for step in range(1, 80)}
    assert not (tmp_path / "job" / "output").exists()


def test_the_backends_error_is_one_sentence(settings, train, tmp_path):
    train_section = {"optimizer": {"type": "NoSuchOptimizer", "lr": 1e-3}}
    with pytest.raises(ComponentError, match=r"training failed: .*NoSuchOptimizer"):
        train({**settings, "work_dir": tmp_path, "train": train_section}, tmp_path / "job")


def test_a_training_that_changes_nothing_is_said(settings, trained, train, tmp_path):
    optimizer = {"type": "AdamW", "lr": 1e-12}
    few = {"max_epochs": 1, "optimizer": optimizer, "dataloader": {"batch_size_per_gpu": 16}}
    more = {"work_dir": tmp_path / "w", "train": few}
    _, watcher = train(settings | more, tmp_path / "job")
    warnings = [(value, step) for name, value, step in watcher.metrics if name == "no_change"]
    (first, at), (_, end), (held_out, none) = warnings
    assert first.startswith("after 10 updates the model has changed by ")
    assert "the learning rate is 1e-12; raise train.optimizer.lr" in first
    assert (at, end, none) == (10, 13, None)
    assert "as before the training" in held_out
    assert not [name for name, *_ in trained.watcher.metrics if name == "no_change"]
