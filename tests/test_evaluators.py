import json
import math

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, mean_squared_error

from djsb_core.errors import ComponentError
from djsb_core.evaluators.accuracy import AccuracyConfig, AccuracyEvaluator
from djsb_core.evaluators.mse import MSEConfig, MSEEvaluator, squared_error
from djsb_core.interfaces.component import Workspace
from djsb_core.interfaces.kinds import Kind
from djsb_core.interfaces.paths import paths_of
from djsb_core.testing import EvaluatorContract, RecordingWatcher
from djsb_core.text import counted

LABELS = {"predicted_label_key": "guess.label", "ground_truth_label_key": "truth"}
VALUES = {"predicted_value_key": "guess.value", "ground_truth_value_key": "truth"}


def write(path, samples):
    path.write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    return path


def labelled(path, guesses, truths):
    pairs = zip(guesses, truths, strict=True)
    return write(path, [{"guess": {"label": g, "value": g}, "truth": t} for g, t in pairs])


@pytest.fixture
def draw():
    rng = np.random.default_rng(7)
    return lambda n: (list(map(str, rng.choice(list("abc"), n))) for _ in range(2))


@pytest.fixture
def numbers():
    rng = np.random.default_rng(8)
    return lambda n: rng.normal(0, 9, (2, n)).tolist()


def accuracy(watcher=None, **settings):
    config = AccuracyConfig(**LABELS | settings)
    return AccuracyEvaluator(config, Workspace(watcher=watcher or RecordingWatcher()))


def mse(watcher=None, **settings):
    config = MSEConfig(**VALUES | settings)
    return MSEEvaluator(config, Workspace(watcher=watcher or RecordingWatcher()))


class TestAccuracyContract(EvaluatorContract):
    kind = Kind.DATA_EVALUATOR
    name = "accuracy"

    @pytest.fixture
    def settings(self, tmp_path):
        return {"predicted_dataset_path": labelled(tmp_path / "p.jsonl", "aab", "abb"), **LABELS}


class TestMSEContract(EvaluatorContract):
    kind = Kind.DATA_EVALUATOR
    name = "mse"

    @pytest.fixture
    def settings(self, tmp_path):
        return {"predicted_dataset_path": labelled(tmp_path / "p.jsonl", [1, 2], [2, 4]), **VALUES}


def test_accuracy_agrees_with_scikit_learn(tmp_path, draw):
    drawn = [tuple(draw(count)) for count in (200, 101, 50)]
    paths = [labelled(tmp_path / f"{i}.jsonl", *both) for i, both in enumerate(drawn)]
    expected = [accuracy_score(truths, guesses) for guesses, truths in drawn]
    watcher = RecordingWatcher()
    evaluator = accuracy(watcher, predicted_dataset_path=paths)
    scores = evaluator.evaluate()
    assert [scores[f"accuracy.{i}"] for i in range(3)] == pytest.approx(expected)
    assert scores["max_accuracy"] == pytest.approx(max(expected))
    assert evaluator.outputs(scores) == (
        [
            {"pred_path": str(path), "gt_path": str(path), "accuracy": pytest.approx(value)}
            for path, value in zip(paths, expected, strict=True)
        ],
        pytest.approx(max(expected)),
    )
    hits, weights = watcher.samples["accuracy.1"]
    assert weights is None
    assert hits == [float(g == t) for g, t in zip(*drawn[1], strict=True)]


def test_mse_agrees_with_scikit_learn(tmp_path, numbers):
    drawn = [numbers(200), numbers(31)]
    predicted = [labelled(tmp_path / f"p{i}.jsonl", g, t) for i, (g, t) in enumerate(drawn)]
    truth = [
        write(tmp_path / f"t{i}.jsonl", [{"truth": t} for t in d[1]]) for i, d in enumerate(drawn)
    ]
    expected = [mean_squared_error(truths, guesses) for guesses, truths in drawn]
    evaluator = mse(predicted_dataset_path=predicted, ground_truth_dataset_path=truth)
    scores = evaluator.evaluate()
    assert [scores["mse.0"], scores["mse.1"]] == pytest.approx(expected)
    results, least = evaluator.outputs(scores)
    assert least == pytest.approx(min(expected))
    assert [result["mse"] for result in results] == pytest.approx(expected)
    assert results[1]["gt_path"] == str(truth[1])


def test_labels_are_compared_as_text(tmp_path):
    path = labelled(tmp_path / "p.jsonl", [1, "1", 1.0, None, True], ["1", 1, 1, "None", "true"])
    assert accuracy(predicted_dataset_path=path).evaluate()["accuracy.0"] == 3 / 5


def test_mse_counts_format_errors_and_leaves_them_out(tmp_path):
    guesses = ["4", " 2.5 ", "Grade: 3", None, [1], "nan", 1e300, "inf", 10**400]
    path = labelled(tmp_path / "p.jsonl", guesses, [1] * len(guesses))
    watcher = RecordingWatcher()
    evaluator = mse(watcher, predicted_dataset_path=path)
    scores = evaluator.evaluate()
    assert scores["format_error.0"] == 7
    assert scores["mse.0"] == pytest.approx(mean_squared_error([1, 1], [4, 2.5]))
    values, weights = watcher.samples["mse.0"]
    assert sum(values) / sum(weights) == scores["mse.0"]
    assert len(values) == len(weights) == len(guesses)


def test_a_file_of_format_errors_ranks_last(tmp_path):
    paths = [
        labelled(tmp_path / "bad.jsonl", ["x", "y"], [1, 2]),
        labelled(tmp_path / "good.jsonl", [1, 2], [1, 3]),
    ]
    evaluator = mse(predicted_dataset_path=paths)
    scores = evaluator.evaluate()
    assert scores == {"min_mse": 0.5, "mse.1": 0.5, "format_error.0": 2, "format_error.1": 0}
    results, least = evaluator.outputs(scores)
    assert (results[0]["mse"], results[1]["mse"], least) == (math.inf, 0.5, 0.5)


def test_only_format_errors_is_one_message(tmp_path):
    path = labelled(tmp_path / "p.jsonl", ["x", "y"], [1, 2])
    with pytest.raises(ComponentError, match=r"p\.jsonl: no sample has two numbers; .* 'x'"):
        mse(predicted_dataset_path=path).evaluate()


@pytest.mark.parametrize(("predicted", "truth"), [(3, 5), (5, 3), (1, 2)])
def test_unequal_lengths_name_both_counts(tmp_path, predicted, truth):
    left = labelled(tmp_path / "p.jsonl", "a" * predicted, "a" * predicted)
    right = labelled(tmp_path / "t.jsonl", "a" * truth, "a" * truth)
    evaluator = accuracy(predicted_dataset_path=left, ground_truth_dataset_path=right)
    message = rf"p\.jsonl has {counted(predicted, 'sample')}, but .*t\.jsonl has {truth};"
    with pytest.raises(ComponentError, match=message):
        evaluator.evaluate()


def test_a_sample_without_its_key_is_one_message_with_its_line(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text('{"guess": {"label": 1}, "truth": 1}\n{"guess": {"label": 1}}\n')
    with pytest.raises(ComponentError, match=r"p\.jsonl:2: no field 'truth'; fields: guess"):
        accuracy(predicted_dataset_path=path).evaluate()


def test_missing_files_are_found_before_the_run(tmp_path):
    with pytest.raises(ValueError, match=r"no such file or folder: '.*none\.jsonl'"):
        accuracy(predicted_dataset_path=tmp_path / "none.jsonl")
    with pytest.raises(ValueError, match="at least 1 item"):
        accuracy(predicted_dataset_path=[])


def test_each_prediction_needs_its_truth(tmp_path):
    paths = [labelled(tmp_path / f"{i}.jsonl", "a", "a") for i in range(2)]
    with pytest.raises(ValueError, match=r"2 files in predicted_dataset_path, 1 in ground"):
        accuracy(predicted_dataset_path=paths, ground_truth_dataset_path=paths[0])


def test_both_kinds_of_path_count_as_read(tmp_path):
    paths = [labelled(tmp_path / f"{i}.jsonl", "a", "a") for i in range(2)]
    evaluator = accuracy(predicted_dataset_path=[paths[0]], ground_truth_dataset_path=paths[1])
    assert paths_of(evaluator.config, writes=False) == paths


def test_squared_error_of_booleans_and_texts():
    assert squared_error("3", True) == 4.0
    assert squared_error({}, 1) is None
