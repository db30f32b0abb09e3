"""Data-Juicer leaves nothing behind in our process."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from djsb_core.api import ComponentError
from djsb_datajuicer.recipe import recipe_type
from djsb_datajuicer.session import create_config, data_juicer

if TYPE_CHECKING:
    from pathlib import Path


def state() -> dict[str, Any]:
    import datasets
    from data_juicer.core.data import NestedDataset
    from data_juicer.core.exporter import Exporter
    from data_juicer.utils.mm_utils import SpecialTokens

    return {
        "stdout": sys.stdout,
        "stderr": sys.stderr,
        "tempdir": tempfile.tempdir,
        "caching": datasets.is_caching_enabled(),
        "bars": datasets.are_progress_bars_disabled(),
        "cache": datasets.config.HF_DATASETS_CACHE,
        "image": SpecialTokens.image,
        "ray": os.environ.get("RAY_JOB"),
        "exporter": Exporter._ensure_meta_stats_dicts_for_export,
        "writer": Exporter._write_jsonl_utf8,
        "filter": NestedDataset.filter,
    }


def test_settings_are_put_back(make_data: Any, tmp_path: Path) -> None:
    import datasets

    datasets.enable_caching()
    before = state()
    recipe = recipe_type()(
        dataset_path=make_data([{"text": "a"}]),
        use_cache=False,
        temp_dir=str(tmp_path / "temp"),
        ds_cache_dir=str(tmp_path / "cache"),
        image_special_token="<picture>",  # noqa: S106 (a mark in texts)
        executor_type="ray",
        process=["text_length_filter"],
    )
    with data_juicer(tmp_path):
        create_config(recipe, tmp_path / "out.jsonl", tmp_path)
        during = state()
    after = state()
    assert after == before
    changed = {name for name in before if during[name] != before[name]}
    assert {"tempdir", "caching", "cache", "image", "ray", "writer", "filter"} <= changed


def test_settings_are_put_back_after_a_failure(tmp_path: Path) -> None:
    before = state()

    def fail() -> None:
        with data_juicer(tmp_path):
            tempfile.tempdir = str(tmp_path)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert state() == before


def test_what_only_data_juicer_rejects_is_one_sentence(make_data: Any, tmp_path: Path) -> None:
    recipe = recipe_type()(dataset_path=make_data([{"text": "a"}]), job_id="a", resume="b")
    with (
        pytest.raises(ComponentError, match=r"Data-Juicer rejects the recipe: .*job_id"),
        data_juicer(tmp_path),
    ):
        create_config(recipe, tmp_path / "out.jsonl", tmp_path)


def test_caches_live_in_the_job_s_folder_and_go_with_the_job(
    make_data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    from djsb_core.api import Workspace
    from djsb_datajuicer.executor import DataJuicerExecutor

    home, job = tmp_path / "home", tmp_path / "job"
    for folder in (home, job):
        folder.mkdir()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", home)
    rows = [{"text": "word " * i} for i in range(50)]
    config = DataJuicerExecutor.config_type(
        dataset_path=make_data(rows), process=[{"text_length_filter": {"min_len": 50}}], np=2
    )
    written = DataJuicerExecutor(config, Workspace(job)).execute()
    assert list(home.iterdir()) == []
    assert not (job / "caches").exists()
    assert "word" in written.read_text()
    with data_juicer(job):
        assert job / "caches" == datasets.config.HF_DATASETS_CACHE
    assert home == datasets.config.HF_DATASETS_CACHE
