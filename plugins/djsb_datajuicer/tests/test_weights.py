"""Absent model files: named as Data-Juicer itself would look for them."""

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from djsb_core.api import CheckKind
from djsb_datajuicer.executor import DataJuicerExecutor
from djsb_datajuicer.recipe import recipe_type


def component(data: Path, *process: Any) -> DataJuicerExecutor:
    return DataJuicerExecutor(recipe_type()(dataset_path=data, process=list(process)))


def absent(data: Path, *process: Any) -> list[str]:
    return list(component(data, *process).warnings())


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for model files."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("DATA_JUICER_MODELS_CACHE", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.mark.parametrize(
    ("step", "files"),
    [
        ({"language_id_score_filter": {}}, ["lid.176.bin"]),
        ({"perplexity_filter": {"lang": "fr"}}, ["fr.arpa.bin", "fr.sp.model"]),
        ({"words_num_filter": {"tokenization": True, "lang": "zh"}}, ["zh.sp.model"]),
        ({"words_num_filter": {"tokenization": False}}, []),
        ({"text_length_filter": {}}, []),
        ({"image_segment_mapper": {}}, ["FastSAM-x.pt"]),
    ],
)
def test_they_are_those_that_data_juicer_asks_for(
    models: Path, data: Path, monkeypatch: Any, step: dict[str, Any], files: list[str]
) -> None:
    from data_juicer.ops.base_op import OPERATORS
    from data_juicer.utils import model_utils

    asked: list[str] = []
    monkeypatch.setattr(model_utils, "check_model", lambda file, **_: asked.append(file) or file)
    for library in ("fasttext", "kenlm", "sentencepiece", "ultralytics"):
        monkeypatch.setattr(model_utils, library, MagicMock())
    monkeypatch.setattr("data_juicer.utils.lazy_loader.LazyLoader.check_packages", MagicMock())
    ((name, arguments),) = step.items()
    for value in vars(OPERATORS.modules[name](**arguments)).values():
        if isinstance(value, partial):  # what loads a model
            value()
    assert sorted(set(asked)) == files
    said = absent(data, step)
    named = sorted(one.split("the weights ")[1].split(", ")[0].split(" (")[0] for one in said)
    assert named == files
    for one in said:
        assert f", to be downloaded to {models}" in one
        assert one.endswith("; get them beforehand: djsb weights RECIPE --download")


@pytest.mark.parametrize("place", ["models", "elsewhere", "."])
def test_a_file_that_is_there_is_not_named(
    models: Path, data: Path, monkeypatch: Any, place: str
) -> None:
    monkeypatch.setenv("DATA_JUICER_EXTERNAL_MODELS_HOME", str(models.parent / "elsewhere"))
    folder = models.parent / place
    folder.mkdir(exist_ok=True)
    (folder / "lid.176.bin").touch()
    assert absent(data, {"language_id_score_filter": {}}) == []
    needs = component(data, {"language_id_score_filter": {}}).needs()
    (check,) = [need for need in needs if need.kind is CheckKind.FILE]
    assert (check.ok, check.size, check.required) == (True, 0, False)
    assert check.path is not None
    assert check.path.resolve() == folder.resolve() / "lid.176.bin"


@pytest.mark.parametrize(
    "environment",
    [{}, {"CACHE_HOME": "/somewhere"}, {"DATA_JUICER_CACHE_HOME": "/else", "CACHE_HOME": "/x"}],
)
def test_the_folder_is_data_juicers(
    monkeypatch: Any, data: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    code = "from data_juicer.utils.cache_utils import DATA_JUICER_MODELS_CACHE as c; print(c)"
    theirs = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    (said,) = absent(data, {"language_id_score_filter": {}})
    assert f"lid.176.bin (131.3 MB), to be downloaded to {theirs.strip()}/" in said


@pytest.mark.parametrize(
    ("operator", "words"), [("stopwords_filter", "stopwords"), ("flagged_words_filter", "flagged")]
)
def test_word_lists_are_weights(
    models: Path, data: Path, monkeypatch: Any, operator: str, words: str
) -> None:
    folder = models.parent / "assets"
    monkeypatch.setenv("DATA_JUICER_ASSETS_CACHE", str(folder))
    (said,) = absent(data, {operator: {}})
    assert words in said
    assert f"to be downloaded to {folder}/" in said
    own = models.parent / "own"
    own.mkdir()
    (own / f"my_{words}_words_flagged_words_stopwords.json").write_text('{"en": []}')
    argument = "stopwords_dir" if words == "stopwords" else "flagged_words_dir"
    assert absent(data, {operator: {argument: str(own)}}) == []


def test_hub_models_are_named(models: Path, data: Path, monkeypatch: Any) -> None:
    hub = models.parent / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", str(hub))
    step = {"token_num_filter": {"hf_tokenizer": "owner/name"}}
    (said,) = absent(data, step)
    folder = hub / "models--owner--name"
    assert f"needs the hub's model owner/name, to be downloaded to {folder};" in said
    (folder / "snapshots" / "1").mkdir(parents=True)
    (folder / "snapshots" / "1" / "tokenizer.json").touch()
    assert absent(data, step) == []


def test_a_tokenizer_in_a_folder_that_is_not_there(models: Path, data: Path) -> None:
    step = {"token_num_filter": {"hf_tokenizer": "./models/mine"}}
    (said,) = component(data, step).check()
    assert said.startswith("token_num_filter: needs the model ./models/mine, which is neither")
    (models / "mine").mkdir()
    assert component(data, step).check() == []


def test_nltk_data_is_found_where_nltk_looks(models: Path, data: Path, monkeypatch: Any) -> None:
    from djsb_datajuicer.operators import operator_of
    from djsb_datajuicer.weights import list_weights

    assert operator_of("sentence_split_mapper", {})
    monkeypatch.setenv("NLTK_DATA", str(models))
    steps: list[tuple[str, dict[str, Any]]] = [("sentence_split_mapper", {"lang": "en"})]
    (weight,) = list_weights(steps, {})
    assert (weight.path, weight.exists) == (models / "tokenizers" / "punkt.zip", False)
    (models / "tokenizers" / "punkt").mkdir(parents=True)
    (weight,) = list_weights(steps, {})
    assert weight.exists
