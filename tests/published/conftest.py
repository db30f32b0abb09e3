"""A folder with configs of the published shapes, and the components that they name."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PACKAGES = {
    "djsb_datajuicer": """
        [djsb.data_executors]
        data_juicer = {module}:Executor
        [djsb.data_analyzers]
        data_juicer = {module}:Analyzer
        [djsb.recipe_refiners]
        k_sigma = {module}:Refiner
        [djsb.data_evaluators]
        dj_text_quality_classifier = {module}:Score
        [djsb.data_pool_manipulators]
        data_pool_cartesian_join = {module}:CartesianJoin
        data_pool_combination = {module}:Merging
        data_pool_construction = {module}:Construction
        data_pool_downsampling = {module}:Merging
        data_pool_merging = {module}:Merging
        [djsb.general_probes]
        data_pool_ranking = {module}:Ranking
    """,
    "djsb_easyanimate": """
        [djsb.general_data_executors]
        dj_to_easyanimate_video_dataset_conversion = {module}:Conversion
        [djsb.model_train_executors]
        easyanimate = {module}:Trainer
        [djsb.model_infer_executors]
        easyanimate = {module}:Videos
    """,
    "djsb_modelscope": """
        [djsb.model_train_executors]
        modelscope = {module}:Trainer
    """,
    "djsb_vbench": """
        [djsb.data_evaluators]
        vbench_video_evaluator = {module}:Score
    """,
    "of_nobody": """
        [djsb.general_data_executors]
        coco_caption_meta_generation = {module}:Conversion
        coco_caption_to_dj_conversion = {module}:Conversion
        [djsb.model_train_executors]
        internvl_coco_caption = {module}:Trainer
        [djsb.model_infer_executors]
        api = {module}:Grader
        [djsb.model_evaluators]
        internvl_coco_caption = {module}:ModelScore
    """,
}
"""Named as the real ones, so that these stand in for them where they are installed."""


@pytest.fixture
def published(lab):
    """Work in a folder that has the configs, as one that was checked out."""
    shutil.copytree(HERE / "configs", lab.folder / "configs", dirs_exist_ok=True)
    return lab


ENVIRONMENTS = ("captions", "clips-scoring", "clips-training")


@pytest.fixture
def conda(published, monkeypatch):
    """Have a ``conda`` that knows the environments of the configs: this one, by three names."""
    home = published.folder / "conda"
    folders = [home / "envs" / name for name in ENVIRONMENTS]
    (home / "envs").mkdir(parents=True)
    for folder in folders:
        folder.symlink_to(sys.prefix)
    program = home / "conda"
    program.write_text(f"#!/bin/sh\necho '{json.dumps({'envs': [*map(str, folders)]})}'\n")
    program.chmod(0o755)
    monkeypatch.delenv("CONDA_EXE", raising=False)
    monkeypatch.setenv("PATH", f"{home}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def installed(published, install, conda):
    """Have every component and every environment that the configs name."""
    source = (HERE / "components.py").read_text()
    for package, entry_points in PACKAGES.items():
        install(package, source, entry_points.format(module=package))
    return published


@pytest.fixture
def complete(installed):
    """Have also what a user has to bring: the data, and its place in the configs."""
    installed.write("captioner/data/captions/train.jsonl", '{"caption": "a boat"}\n' * 3)
    home = str(installed.folder / "captioner")
    for path in (installed.folder / "configs" / "captions").iterdir():
        path.write_text(path.read_text().replace("<internvl_home>", home))
    return installed
