"""A run imports the packages that it uses, and no other plugin that is installed."""

import json
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from djsb_core.discovery import LISTENERS

PLUGINS = sorted(path.name for path in Path(__file__).parents[2].glob("plugins/djsb_*"))
EXPERIMENT = """
work_dir: w
evaluation_job_configs:
- hook: EvaluateDataHook
  meta_name: score
  extra_configs:
    type: mse
    predicted_dataset_path: pairs.jsonl
    predicted_value_key: a
    ground_truth_value_key: b
"""
CODE = """
import json, sys
from djsb.cli import main
try:
    main()
finally:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.fixture
def imported(lab, monkeypatch):
    """Return a function that runs ``djsb`` in a process, and says which plugins it imported."""
    lab.write("sandbox.yaml", EXPERIMENT)
    lab.write("pairs.jsonl", '{"a": 1, "b": 2}\n')
    for name in list(os.environ):
        if name.startswith("WANDB_") or name in ("NETRC", "DJSB_TRACKERS"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(lab.folder))  # without a .netrc

    def run(*arguments):
        ran = subprocess.run(
            [sys.executable, "-c", CODE, *arguments], capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        return set(json.loads(ran.stdout.splitlines()[-1])).intersection(PLUGINS)

    return run


def test_there_are_plugins():
    assert len(PLUGINS) > 3


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_run_of_components_of_the_core_imports_no_plugin(imported, workers):
    listeners = {entry.module.partition(".")[0] for entry in entry_points(group=LISTENERS)}
    assert listeners.isdisjoint(PLUGINS), "a plugin here announces a listener"
    assert imported("run", "sandbox.yaml", "--workers", workers) == set()


def test_a_tracker_is_imported_for_the_run_that_asks_for_it(imported):
    arguments = ("run", "sandbox.yaml", "--workers", "0", "--set")
    assert imported(*arguments, "trackers=[tensorboard]") == {"djsb_trackers"}


def test_wandb_is_asked_where_there_is_a_sign_of_its_use(imported, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert imported("run", "sandbox.yaml", "--workers", "0") == {"djsb_trackers"}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["list-components"], ["validate", "sandbox.yaml"]]
)
def test_what_only_lists_and_checks_imports_no_plugin(imported, arguments):
    assert imported(*arguments) == set()
