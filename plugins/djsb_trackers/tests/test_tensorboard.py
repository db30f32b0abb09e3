"""What TensorBoard itself reads in the files."""

import json
import struct
from collections import defaultdict

import pytest

from djsb import SandboxWatcher

from .conftest import MIXED, same

pytest.importorskip("tensorboard", reason="tensorboard is not installed")


def read(run):
    """Return tag -> [(step, value)]: numbers, texts, and what has a shape."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util.tensor_util import make_ndarray

    found = {kind: defaultdict(list) for kind in ("number", "text", "shape")}
    for path in (run.folder / "tensorboard").rglob("events*"):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                array = make_ndarray(value.tensor)  # the reader makes tensors of all kinds
                if value.metadata.plugin_data.plugin_name == "text":
                    found["text"][value.tag].append((event.step, array.item().decode()))
                elif array.size == 1:
                    found["number"][value.tag].append((event.step, array.item()))
                else:
                    found["shape"][value.tag].append((event.step, array))
    return found


def single(value):
    """Round as TensorBoard's files do: to 32 bits."""
    return value if isinstance(value, str) else struct.unpack("f", struct.pack("f", value))[0]


def test_every_metric_is_there(two_pipelines):
    run = two_pipelines.run("tensorboard")
    found = read(run)
    series, results = two_pipelines.stored(run)
    for name, values in series.items():
        kind = "text" if isinstance(values[0][1], str) else "number"
        assert same(found[kind][name], [(step, single(value)) for step, value in values]), name
    for name, value in results.items():
        kind = "text" if isinstance(value, str) else "number"
        assert same(found[kind][name][-1], (0, single(value))), name
    assert found["text"]["run/status"][-1] == (0, "finished")
    assert found["text"]["jobs/iter_2/long/train.status"][-1] == (0, "cached")


def test_settings_histograms_and_images(lab, image):
    told = {**MIXED, "histogram": [1, 1, 2, 9], "media": [str(image)], "api_key": "sk-12345678"}
    lab.write(("look", told))
    found = read(lab.run("tensorboard"))
    ((_, settings),) = found["text"]["settings"]
    jobs = json.loads(settings)["execution_job_configs"]
    assert jobs[0]["extra_configs"]["api_key"] == "***"
    ((_, bins),) = found["shape"]["look.spread"]  # left, right, count
    assert bins[:, 2].sum() == 4
    assert (bins[0, 0], bins[-1, 1]) == (1, 9)
    ((step, picture),) = found["shape"]["look.shown"]  # width, height, content
    assert step == 0
    assert picture.tolist()[:2] == [b"6", b"4"]
    assert picture[2] == image.read_bytes()


def test_the_sweep_is_part_of_the_name(lab):
    lab.write(("train", MIXED))
    run = lab.run("tensorboard", sweep=lab.sweep("../rates of all"))
    (folder,) = (run.folder / "tensorboard").iterdir()
    assert folder.name == "___rates_of_all"
    assert read(run)["number"]["train.loss"]


def test_settings_that_a_script_gives_late(monkeypatch):
    monkeypatch.setenv("DJSB_TRACKERS", "tensorboard")
    with SandboxWatcher("w", "a project", "own") as watcher:
        watcher.watch(0.5, "train.loss")
        watcher.watch_cfgs([({"lr": 0.2}, "train")])
    (_, first), (step, late) = read(watcher)["text"]["settings"]
    assert "train.lr" not in json.loads(first)
    assert (step, json.loads(late)) == (1, {"train.lr": 0.2})
