"""An interruption costs one batch, and the results are those of a job that was not interrupted."""

import json

import pytest

from djsb_core.api import Workspace
from djsb_core.testing import RecordingWatcher
from djsb_huggingface.generation import Generator
from djsb_huggingface.inference import HuggingfaceInferConfig, HuggingfaceInferExecutor
from djsb_huggingface.perplexity import PerplexityConfig, PerplexityEvaluator
from djsb_huggingface.scoring import Scorer

SAMPLES = [
    {"query": f"The fox says {i}.", "text": f"A run {i} measures data. " * 3} for i in range(9)
]
SAMPLED = {"max_new_tokens": 4, "do_sample": True, "top_k": 0, "temperature": 1.5}


class Interruption(KeyboardInterrupt):
    """What ends a job."""


@pytest.fixture
def work(models, write_data):
    """Return a function that runs a job in a folder, up to an interruption, and counts batches."""
    data = [write_data(SAMPLES, "a.jsonl"), write_data(SAMPLES[:5], "b.jsonl")]

    def begin(kind, folder, monkeypatch, stop=None, **more):
        folder.mkdir(exist_ok=True)
        watcher, batches = RecordingWatcher(), []
        workspace = Workspace(folder, watcher)
        owner, method = (Generator, "answer") if kind == "infer" else (Scorer, "score")
        original = getattr(owner, method)

        def counted(self, batch):
            if len(batches) == stop:
                raise Interruption
            batches.append(len(batch))
            return original(self, batch)

        with monkeypatch.context() as patch:
            patch.setattr(owner, method, counted)
            try:
                if kind == "infer":
                    config = HuggingfaceInferConfig(
                        model=models(), dataset_path=data, batch_size=2,
                        sampling_params=SAMPLED, **more,
                    )  # fmt: skip
                    paths = HuggingfaceInferExecutor(config, workspace).infer()
                    return [path.read_bytes() for path in paths], len(batches)
                config = PerplexityConfig(
                    model_path=models(), dataset_path=data[0], batch_tokens=60, **more
                )
                scores = PerplexityEvaluator(config, workspace).evaluate()
                return (scores, watcher.samples), len(batches)
            except Interruption:
                return None, len(batches)

    return begin


@pytest.mark.parametrize("kind", ["infer", "perplexity"])
def test_it_goes_on_after_any_batch(work, kind, tmp_path, monkeypatch):
    whole, total = work(kind, tmp_path / "whole", monkeypatch)
    assert total > 4
    for stop in range(total):
        folder = tmp_path / f"{kind}{stop}"
        assert work(kind, folder, monkeypatch, stop=stop) == (None, stop)
        assert work(kind, folder, monkeypatch) == (whole, total - stop)
        assert not [path for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("kind", ["infer", "perplexity"])
def test_what_other_settings_left_is_not_used(work, kind, tmp_path, monkeypatch):
    more = {"seed": 5} if kind == "infer" else {"stride": 7}
    _, total = work(kind, tmp_path / "whole", monkeypatch, **more)
    assert work(kind, tmp_path / "job", monkeypatch, stop=3) == (None, 3)
    assert work(kind, tmp_path / "job", monkeypatch, **more)[1] == total


@pytest.mark.parametrize("kind", ["infer", "perplexity"])
@pytest.mark.parametrize("damage", ["cut", "remove", "garbage"])
def test_damaged_leftovers_are_no_harm(work, kind, damage, tmp_path, monkeypatch):
    whole, total = work(kind, tmp_path / "whole", monkeypatch)
    job = tmp_path / "job"
    work(kind, job, monkeypatch, stop=4)
    for path in job.iterdir():
        if damage == "remove":
            if path.name.endswith(".part"):
                path.unlink()
        else:
            data = path.read_bytes()
            path.write_bytes(data[:-3] if damage == "cut" else b"\0garbage")
    again, batches = work(kind, job, monkeypatch)
    assert again == whole
    assert batches <= total


def test_lines_that_the_state_does_not_count_are_written_again(work, tmp_path, monkeypatch):
    whole, total = work("infer", tmp_path / "whole", monkeypatch)
    work("infer", tmp_path / "job", monkeypatch, stop=2)
    with (tmp_path / "job" / "a_inference.jsonl.part").open("a") as file:
        file.write(json.dumps(SAMPLES[4]))  # killed while it wrote
    assert work("infer", tmp_path / "job", monkeypatch) == (whole, total - 2)
