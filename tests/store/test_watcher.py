import json
import math
from pathlib import Path

import numpy as np
import pytest

from djsb_core.interfaces.component import Watcher
from djsb_core.store.records import SampleValues
from djsb_core.store.store import Store
from djsb_core.store.watcher import SandboxWatcher, flatten


@pytest.fixture
def watched(tmp_path):
    """A watcher, its store and job, and what its listener hears."""
    store = Store(tmp_path / "work")
    run = store.add_run(names=("p", "e"), experiment=tmp_path, settings={})
    job = store.add_job(
        run.id,
        pipeline="a",
        iteration=1,
        stage="s",
        position=0,
        meta_name="m",
        hook="h",
        folder="f",
    )
    heard = []

    def hear(points):
        store.add_points(job, points)
        heard.extend(points)

    def keep(name, path):
        store.add_samples(job, name, path)

    yield SandboxWatcher(tmp_path, hear, keep), store, job, heard
    store.close()


@pytest.mark.parametrize(
    ("value", "name", "points"),
    [
        (1, "loss", [("loss", 1.0)]),
        (True, "ok", [("ok", 1.0)]),
        ("text", "note", [("note", "text")]),
        (None, "none", []),
        ({}, "empty", []),
        (
            {"a": {"b": 1, "c": [2, {"d": 3}]}},
            "x",
            [("x.a.b", 1.0), ("x.a.c.0", 2.0), ("x.a.c.1.d", 3.0)],
        ),
        ({"a": 1}, "", [("a", 1.0)]),
        ({"len": {"33.3%": 5}}, "", [("len.33.3%", 5.0)]),
        ({1: 2}, "", [("1", 2.0)]),
        ((1, 2), "t", [("t.0", 1.0), ("t.1", 2.0)]),
        (np.float32(0.5), "n", [("n", 0.5)]),
        (np.array(3), "n", [("n", 3.0)]),
    ],
)
def test_nested_values_are_flattened(value, name, points):
    assert list(flatten(value, name)) == points


@pytest.mark.parametrize("value", [object(), {"a": object()}, np.array([1, 2]), 1j])
def test_what_is_neither_number_nor_text_is_refused_by_name(value):
    with pytest.raises(TypeError, match=r"metric 'x.*': neither number nor text: "):
        list(flatten(value, "x"))


def test_it_is_a_watcher(watched):
    assert isinstance(watched[0], Watcher)


def test_what_is_watched_is_stored_and_heard(watched):
    watcher, store, job, heard = watched
    watcher.watch({"a": 1, "b": "x"}, "m", 7)
    watcher.watch(math.nan, "loss", np.int64(8))
    assert [(p.name, p.step) for p in heard] == [("m.a", 7), ("m.b", 7), ("loss", 8)]
    stored = store.points(job)
    assert stored[:2] == heard[:2]
    assert math.isnan(stored[2].value)
    assert stored[2].step == 8
    assert all(point.seconds >= 0 for point in stored)


def test_samples_are_kept(watched):
    watcher, store, job, _ = watched
    watcher.watch_samples(np.array([1.0, 2.0]), "loss", [3, 4])
    watcher.watch_samples([5, math.inf], "a/b")
    assert store.samples(job) == {
        "loss": SampleValues([1.0, 2.0], [3.0, 4.0]),
        "a/b": SampleValues([5.0, math.inf], None),
    }
    texts = [Path(path).read_text() for path in store.sample_paths(job).values()]
    assert sorted(json.loads(text)["values"][0] for text in texts) == [1.0, 5.0]


def test_samples_given_again_replace_the_first(watched):
    watcher, store, job, _ = watched
    watcher.watch_samples([1.0], "loss")
    watcher.watch_samples([2.0], "loss")
    assert store.samples(job)["loss"].values == [2.0]


def test_as_many_weights_as_values(watched):
    with pytest.raises(ValueError, match="loss: 2 values, but 1 weights"):
        watched[0].watch_samples([1, 2], "loss", [1])


def test_samples_whose_file_was_deleted_are_left_out(watched):
    watcher, store, job, _ = watched
    watcher.watch_samples([1.0], "loss")
    (path,) = store.sample_paths(job).values()
    Path(path).unlink()
    assert store.samples(job) == {}
