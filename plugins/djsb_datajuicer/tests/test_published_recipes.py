"""All published recipes are valid on a fresh install, or refused for a reason that is named."""

from __future__ import annotations

import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from djsb_datajuicer import package_needs
from djsb_datajuicer.executor import DataJuicerExecutor

ARCHIVE = Path(__file__).with_name("published_recipes.zip")
SOURCES = ("dataset", "generated_dataset_config")
NOT_INSTALLED = {
    "av",
    "cv2",
    "imagededup",
    "label_studio_sdk",
    "librosa",
    "nltk",
    "ram",
    "resampy",
    "samplerate",
    "spacy",
    "spacy_pkuseg",
    "torchcodec",
}
"""Modules that a fresh install does not have, and that someone's machine may."""
TAGGER = "git+https://github.com/cmgzn/recognize-anything.git"
FAULTS = {
    "config_all": "has no argument 'entity_attribute_key'; did you mean 'attribute_key'?",
    "video_on_ray_configs_demo": "has no argument 'redis_host'; did you mean 'redis_address'?",
    "4_test_bad_val": "Input should be less than or equal to 20, not 30",
}
"""What is wrong in a file itself, by the end of its name."""
LACKS = {
    "annotation_annotation_default": "label_studio_sdk",
    "annotation_annotation_with_notifications": "label_studio_sdk",
    "config_annotation_default": "label_studio_sdk",
    "config_annotation_with_notifications": "label_studio_sdk",
    "data-juicer-sandbox-self-evolution": "opencv-contrib-python",
    "general-video-refine-example": "opencv-contrib-python",
    "img-diff-recipe": "nltk opencv-contrib-python",
    "all_text_image_stats": "nltk spacy spacy-pkuseg",
    "video_on_ray_configs_demo-new-config": "av",
    "performance_configs_audio": "librosa resampy samplerate torchcodec",
    "performance_configs_image": "imagededup",
    "performance_configs_video": f"{TAGGER}@889201b76458513d04afde5d4cfa376aa9e33ebf",
}
"""What a recipe lacks, as in its one ``pip install`` line, by the end of its name."""
VALID = 92


@pytest.fixture(scope="module")
def recipes() -> dict[str, dict[str, Any]]:
    """All recipes by their names."""
    with zipfile.ZipFile(ARCHIVE) as archive:
        names = [name for name in archive.namelist() if name.endswith(".yaml")]
        return {name: yaml.safe_load(archive.read(name)) for name in names}


def refusals(settings: dict[str, Any], data: Path, folder: Path) -> list[str]:
    """Return why a recipe is refused, with a dataset that is here."""
    own = {name: value for name, value in settings.items() if name not in SOURCES}
    paths = {"dataset_path": data, "export_path": folder / "result.jsonl"}
    try:
        config = DataJuicerExecutor.config_type(**{**own, **paths})
    except ValidationError as error:
        return [details["msg"] for details in error.errors()]
    return list(DataJuicerExecutor(config).check())


def expected(table: dict[str, str], name: str) -> str | None:
    return next((text for end, text in table.items() if name.endswith(f"_{end}.yaml")), None)


def test_those_refused_are_refused_for_a_reason(
    recipes: dict[str, Any], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        package_needs, "find_spec", lambda name: None if name in NOT_INSTALLED else find_spec(name)
    )
    valid = 0
    for name, settings in recipes.items():
        reasons = refusals(settings, data, tmp_path)
        fault, lacking = expected(FAULTS, name), expected(LACKS, name)
        if fault:
            assert any(fault in reason for reason in reasons), name
        elif lacking:
            assert len(reasons) == 1, name
            (reason,) = reasons
            assert reason.endswith(f"not installed; run: pip install {lacking}"), name
        else:
            assert reasons == [], name
            valid += 1
    assert len(recipes) == 110
    assert valid >= VALID


def test_a_key_that_is_not_set_is_said_where_the_recipe_is_used(
    recipes: dict[str, Any], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "DASHSCOPE_API_KEY", "SK"):
        monkeypatch.delenv(name, raising=False)
    (settings,) = (settings for name, settings in recipes.items() if "role_playing_system" in name)
    config = DataJuicerExecutor.config_type(dataset_path=data, process=settings["process"])
    component = DataJuicerExecutor(config)
    sentence = "API of qwen2.5-72b-instruct: no key is set; set OPENAI_API_KEY, and "
    assert component.check() == []
    (warning,) = (text for text in component.warnings() if text.startswith("API of"))
    assert warning.startswith(sentence)
    (need,) = (need for need in component.needs() if need.subject.startswith("API of"))
    assert (need.ok, need.required) == (False, True)
    monkeypatch.setenv("DASHSCOPE_API_KEY", "anything")
    assert not any(text.startswith("API of") for text in component.warnings())
