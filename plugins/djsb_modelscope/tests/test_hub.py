import subprocess
import sys

import pytest

from djsb_core.api import ComponentError


@pytest.mark.slow
def test_a_download_that_fails_says_where_the_files_go(
    corpus, train_alone, guarded, monkeypatch, tmp_path
):
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "cache"))
    settings = {"train_dataset": corpus / "train.jsonl", "model_name": "nobody/no-such-model"}
    with pytest.raises(ComponentError) as caught:
        train_alone(settings, tmp_path / "job")
    said = str(caught.value)
    assert "'nobody/no-such-model' is not a local folder and could not be downloaded" in said
    assert f"into {tmp_path}/cache/models/nobody/no-such-model" in said
    assert guarded.exists()


@pytest.mark.slow
def test_files_that_were_put_there_are_found_without_a_network(guarded, monkeypatch, tmp_path):
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path))
    monkeypatch.setenv("MODELSCOPE_API_MAX_RETRIES", "1")
    folder = tmp_path / "models" / "nobody" / "tiny-0___5"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    code = "from djsb_modelscope import hub; print('found', hub._download('nobody/tiny-0.5'))"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert f"found {folder}" in said.stdout
