"""Reading Data-Juicer's config once for jobs that differ in nothing but paths."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from djsb_datajuicer import native_config
from djsb_datajuicer.native_config import read_config

if TYPE_CHECKING:
    from pathlib import Path

PROCESS: list[dict[str, Any]] = [
    {"text_length_filter": {"min_len": 20}},
    {"alphanumeric_filter": {"min_ratio": 0.5}},
    {"text_length_filter": {"max_len": 2000}},
]


@pytest.fixture(autouse=True)
def readings(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Record what Data-Juicer itself is asked to read."""
    import data_juicer.config as peer

    asked: list[dict[str, Any]] = []
    original = peer.get_init_configs

    def read(settings: dict[str, Any]) -> Any:
        asked.append(settings)
        return original(settings)

    monkeypatch.setattr(peer, "get_init_configs", read)
    monkeypatch.setattr(native_config, "_read", {})
    return asked


@pytest.fixture
def make_settings(make_data: Any, tmp_path: Path) -> Any:
    """Make the settings of one of several jobs."""

    def settings(job: str, **more: Any) -> dict[str, Any]:
        return {
            "dataset_path": str(make_data([{"text": job}], f"{job}.jsonl")),
            "export_path": str(tmp_path / job / "out.jsonl"),
            "work_dir": str(tmp_path / job),
            "process": copy.deepcopy(PROCESS),
            **more,
        }

    return settings


def plain(config: Any) -> dict[str, Any]:
    """Return a config without the random name of its job and of the file it was read from."""
    values = {
        name: repr(value).replace(config.job_id, "JOB") for name, value in vars(config).items()
    }
    del values["config"], values["backed_up_config_path"]
    return values


def test_a_second_job_gets_what_data_juicer_would_read(
    make_settings: Any, readings: list[dict[str, Any]]
) -> None:
    from data_juicer.config import get_init_configs

    read_config(make_settings("first"))
    second = read_config(make_settings("second"))
    assert len(readings) == 1
    assert plain(second) == plain(get_init_configs(make_settings("second")))
    assert second.process[0]["text_length_filter"]["work_dir"] == second.work_dir


def test_jobs_do_not_share_what_they_change(make_settings: Any) -> None:
    for _ in range(2):
        config = read_config(make_settings("job"))
        assert config.process[0]["text_length_filter"]["min_len"] == 20
        config.process[0]["text_length_filter"]["min_len"] = 0
        config.np = 77


def test_the_dataset_cache_of_the_process_is_looked_up_again(
    make_settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import datasets

    read_config(make_settings("first"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "elsewhere")
    assert read_config(make_settings("second")).ds_cache_dir == str(tmp_path / "elsewhere")


@pytest.mark.parametrize(
    "more",
    [
        {"process": [{"text_length_filter": {"min_len": 21}}]},
        {"np": 1},
        {"job_id": "mine"},
        {"process": [{"text_length_filter": {"work_dir": "elsewhere"}}]},
        {"executor_type": "ray"},
    ],
)
def test_other_recipes_are_read(
    make_settings: Any,
    readings: list[dict[str, Any]],
    more: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("RAY_JOB", raising=False)
    monkeypatch.setenv("RAY_JOB", "0")  # so that it is put back
    read_config(make_settings("first"))
    read_config(make_settings("second", **copy.deepcopy(more)))
    assert len(readings) == 2


def test_a_few_recipes_are_kept(
    make_settings: Any, readings: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native_config, "KEPT", 1)
    for count in (1, 2, 1):
        read_config(make_settings("job", auto_num=count))
    assert len(readings) == 3
    assert len(native_config._read) == 1
