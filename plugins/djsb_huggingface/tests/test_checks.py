import json
import shutil
import subprocess
import sys
from importlib.metadata import version

import pytest

from djsb_huggingface import checks
from djsb_huggingface.loading import folder_needs


def test_doctor_shows_versions_and_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    found = {check.subject: check for check in checks.list_checks()}
    assert found["torch"].finding.startswith(version("torch"))
    assert found["transformers"].finding.startswith(version("transformers"))
    assert found["Hugging Face cache"].finding == f"{tmp_path}: no models"
    (tmp_path / "models--org--name" / "snapshots").mkdir(parents=True)
    (tmp_path / "datasets--org--name" / "snapshots").mkdir(parents=True)
    assert checks.check_cache().finding == f"{tmp_path}: 1 model"


@pytest.mark.parametrize(
    "environment",
    [{}, {"HF_HOME": "/a"}, {"HF_HOME": "/a", "HF_HUB_CACHE": "/b"}, {"XDG_CACHE_HOME": "/c"}],
)
def test_the_cache_is_that_of_the_library(monkeypatch, environment):
    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    code = "from huggingface_hub.constants import HF_HUB_CACHE as c; print(c)"
    theirs = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert str(checks.cache_folder()) == theirs.strip()


def test_the_files_of_a_model_are_listed(models, tmp_path):
    folder = shutil.copytree(models(), tmp_path / "model")
    needs = folder_needs(folder)
    assert [need.path.name for need in needs[:2]] == ["config.json", "model.safetensors"]
    assert needs[1].size == (folder / "model.safetensors").stat().st_size
    assert all(need.ok and need.required for need in needs)
    assert folder_needs(tmp_path / "nothing") == []


def test_a_part_of_a_model_that_is_lost_is_named(models, tmp_path):
    folder = shutil.copytree(models(), tmp_path / "model")
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    parts = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": parts}))
    (lost,) = [need for need in folder_needs(folder) if not need.ok]
    assert lost.path == folder / "model-00002-of-00002.safetensors"
