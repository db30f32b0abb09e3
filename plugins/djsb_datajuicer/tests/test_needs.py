"""What an operator lacks is named before the run, and nothing is installed during it."""

from __future__ import annotations

import subprocess
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from djsb_core.api import CheckKind, ComponentError, Workspace
from djsb_datajuicer import needs as module
from djsb_datajuicer.executor import DataJuicerExecutor
from djsb_datajuicer.needs import needs
from djsb_datajuicer.operators import operator_of

if TYPE_CHECKING:
    from pathlib import Path


def needed(name: str, **arguments: Any) -> set[str]:
    operator = operator_of(name, {})
    assert operator is not None
    return {package for _, package in needs(operator, arguments)}


@pytest.mark.parametrize(
    ("name", "arguments", "packages"),
    [
        ("text_length_filter", {}, set()),
        ("language_id_score_filter", {}, {"fasttext-predict"}),
        ("perplexity_filter", {}, {"kenlm", "sentencepiece"}),
        ("words_num_filter", {}, set()),
        ("words_num_filter", {"tokenization": True}, {"sentencepiece"}),
        ("words_num_filter", {"tokenization": False}, set()),
        ("fix_unicode_mapper", {}, {"ftfy"}),
        ("document_simhash_deduplicator", {}, {"simhash-pybind"}),
    ],
)
def test_packages_follow_the_arguments(
    name: str, arguments: dict[str, Any], packages: set[str]
) -> None:
    assert packages <= needed(name, **arguments)
    if not packages:
        assert needed(name, **arguments) == set()


def test_names_are_those_that_data_juicer_would_install() -> None:
    from data_juicer.ops.op_env import analyze_lazy_loaded_requirements_for_code_file

    for name in ("fix_unicode_mapper", "document_simhash_deduplicator"):
        operator = operator_of(name, {})
        assert operator is not None
        theirs = analyze_lazy_loaded_requirements_for_code_file(str(operator.lineage[0].path))
        assert {one.split("=")[0].split(">")[0] for one in theirs} >= needed(name)


def component(make_data: Any, folder: Path, *process: Any) -> DataJuicerExecutor:
    config = DataJuicerExecutor.config_type(
        dataset_path=make_data([{"text": "one two three"}]),
        process=[{"text_length_filter": {"min_len": 1}}, *process],
    )
    return DataJuicerExecutor(config, Workspace(folder))


def test_check_names_operator_and_command(
    make_data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        module, "find_spec", lambda name: None if name == "ftfy" else find_spec(name)
    )
    said = component(make_data, tmp_path, "fix_unicode_mapper").check()
    sentence = "needs packages that are not installed; run: pip install ftfy"
    assert list(said) == [f"process[1].fix_unicode_mapper: {sentence}"]


def test_what_is_there_is_listed_too(make_data: Any, tmp_path: Path) -> None:
    process = component(make_data, tmp_path, {"words_num_filter": {"tokenization": True}})
    checks = {one.subject: one for one in process.needs() if one.kind is CheckKind.PACKAGE}
    assert set(checks) == {"process[1].words_num_filter"}
    assert "sentencepiece" in checks["process[1].words_num_filter"].sentence


def test_programs_that_packages_start_are_needed(
    make_data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    used = component(make_data, tmp_path, "audio_ffmpeg_wrapped_mapper")
    (check,) = [one for one in used.needs() if one.kind is CheckKind.COMMAND]
    assert check.finding == "command not found; audio_ffmpeg_wrapped_mapper needs it"
    assert any(said.startswith("ffmpeg: ") for said in used.check())


def test_a_run_installs_nothing(
    make_data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    def no_commands(*command: Any, **_: Any) -> None:
        pytest.fail(f"ran {command}")

    monkeypatch.setattr(subprocess, "check_call", no_commands)
    # A name that is None in sys.modules cannot be imported.
    monkeypatch.setitem(sys.modules, "ftfy", None)
    with pytest.raises(ComponentError, match="not installed; run: pip install ftfy"):
        component(make_data, tmp_path / "job", "fix_unicode_mapper").execute()
