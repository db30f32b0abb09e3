"""Without a network, a recipe with models fails at once with one sentence, or uses what is here."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

import pytest
from huggingface_hub import constants

from djsb_core.api import ComponentError, Workspace
from djsb_datajuicer import fetch
from djsb_datajuicer.executor import DataJuicerExecutor
from djsb_datajuicer.fetch import fetch_models, undo_fetching

if TYPE_CHECKING:
    from pathlib import Path

NOWHERE = "http://127.0.0.1:1"
TOKENS = {"token_num_filter": {"hf_tokenizer": "owner/name"}}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without a network and without models."""
    monkeypatch.setenv("DATA_JUICER_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "ENDPOINT", NOWHERE)
    monkeypatch.delenv(fetch.OFFLINE, raising=False)
    monkeypatch.chdir(tmp_path)

    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError("no network")

    monkeypatch.setattr(socket, "create_connection", refuse)
    return tmp_path


def component(data: Path, folder: Path, step: dict[str, Any]) -> DataJuicerExecutor:
    config = DataJuicerExecutor.config_type(dataset_path=data, process=[step])
    return DataJuicerExecutor(config, Workspace(folder / "job"))


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        (TOKENS, "token_num_filter needs the hub's model owner/name, which is not in"),
        ({"language_id_score_filter": {}}, "language_id_score_filter needs lid.176.bin (131.3 MB)"),
        ({"stopwords_filter": {}}, "stopwords_filter needs stopwords.json at"),
    ],
)
def test_what_cannot_be_reached_is_one_sentence(
    folder: Path, data: Path, step: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ComponentError) as caught:
        component(data, folder, step).execute()
    text = str(caught.value)
    assert text.startswith(sentence)
    assert "cannot be reached" in text
    assert text.endswith("; where there is a network: djsb weights RECIPE --download")
    assert "\n" not in text


def test_a_model_in_the_cache_is_used_without_the_hub(folder: Path, data: Path) -> None:
    snapshot = folder / "hub" / "models--owner--name" / "snapshots" / "1"
    snapshot.mkdir(parents=True)
    (snapshot / "tokenizer.json").touch()
    undo = list(undo_fetching())
    fetch_models(component(data, folder, TOKENS).config)
    assert constants.HF_HUB_OFFLINE
    assert os.environ[fetch.OFFLINE] == "1"
    for step in undo:
        step()
    assert not constants.HF_HUB_OFFLINE
    assert fetch.OFFLINE not in os.environ


def test_a_recipe_without_models_asks_nobody(folder: Path, data: Path) -> None:
    fetch_models(component(data, folder, {"text_length_filter": {}}).config)
    assert not constants.HF_HUB_OFFLINE
