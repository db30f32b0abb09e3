import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from djsb_modelscope.libraries import prepared_libraries


def variables():
    names = ("OMP_", "HF_", "TRANSFORMERS_OFFLINE", "TOKENIZERS_PARALLELISM", "MODELSCOPE_")
    return {name: text for name, text in os.environ.items() if name.startswith(names)}


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    for name in variables():
        monkeypatch.delenv(name)


def test_a_local_model_keeps_the_libraries_off_the_network(job):
    with prepared_libraries(job):
        assert variables() == {
            "HF_DATASETS_OFFLINE": "1",
            "HF_HUB_OFFLINE": "1",
            "MODELSCOPE_API_MAX_RETRIES": "1",
            "OMP_NUM_THREADS": "3",
            "OMP_WAIT_POLICY": "PASSIVE",
            "TRANSFORMERS_OFFLINE": "1",
        }


def test_a_model_of_the_hub_does_not(job):
    with prepared_libraries(replace(job, local=False, threads=None)):
        assert set(variables()) == {"MODELSCOPE_API_MAX_RETRIES", "OMP_WAIT_POLICY"}


def test_forked_loaders_and_the_tokenizers_threads_exclude_each_other(job):
    loader = job.train.dataloader.model_copy(update={"workers_per_gpu": 2})
    train = job.train.model_copy(update={"dataloader": loader})
    with prepared_libraries(replace(job, train=train)):
        assert os.environ["TOKENIZERS_PARALLELISM"] == "false"


def test_all_is_put_back(job, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    before = variables(), torch.get_num_threads()
    with pytest.raises(ValueError, match="failed"), prepared_libraries(job):  # noqa: PT012
        assert os.environ["HF_HUB_OFFLINE"] == "1"
        assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE", "the user's own"
        assert torch.get_num_threads() == 3
        raise ValueError("failed")
    assert (variables(), torch.get_num_threads()) == before


IN_A_NEW_PROCESS = """
import sys
from pathlib import Path
from djsb_core.api import Workspace
from djsb_modelscope import training
from djsb_modelscope.executor import ModelscopeTrainConfig, ModelscopeTrainExecutor

def look(job, watcher):
    heavy = {"torch", "transformers", "modelscope", "datasets", "huggingface_hub", "tokenizers"}
    print("imported before:", sorted(heavy & set(sys.modules)))
    from huggingface_hub import constants
    print("offline:", constants.HF_HUB_OFFLINE)

training._train = look
data, model, folder = sys.argv[1:]
config = ModelscopeTrainConfig(train_dataset=data, model_name=model, threads=THREADS)
ModelscopeTrainExecutor(config, Workspace(Path(folder))).train()
"""


def test_the_variables_come_before_the_libraries(corpus, untrained, tmp_path):
    arguments = [str(corpus / "train.jsonl"), str(untrained), str(tmp_path)]

    def said(code, **extra):
        result = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, **extra},
        )
        return result.stdout + result.stderr

    assert "imported before: []" in said(IN_A_NEW_PROCESS.replace("THREADS", "None"))
    shown = said(IN_A_NEW_PROCESS.replace("THREADS", "3"), OMP_DISPLAY_ENV="true")
    assert "offline: True" in shown
    # What GNU's OpenMP says when torch loads it.
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in shown
    assert "OMP_NUM_THREADS = '3'" in shown
