import json
import math

import numpy as np
import pytest

from djsb.store.store import Store
from djsb_core.interfaces.component import Watcher
from djsb_core.job.reports import Artifact, ArtifactKind, SampleValues
from djsb_core.job.watcher import JobWatcher, flatten, histogram


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

    def keep(artifact):
        store.add_artifact(job, artifact)

    yield JobWatcher(run.folder, hear, keep), store, job, heard
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
    texts = [one.path.read_text() for one in store.artifacts(job)]
    assert sorted(json.loads(text)["values"][0] for text in texts) == [1.0, 5.0]


def test_samples_given_again_replace_the_first(watched):
    watcher, store, job, _ = watched
    watcher.watch_samples([1.0], "loss")
    watcher.watch_samples([2.0], "loss")
    assert store.samples(job)["loss"].values == [2.0]


def test_as_many_weights_as_values(watched):
    with pytest.raises(ValueError, match="loss: 2 values, but 1 weight"):
        watched[0].watch_samples([1, 2], "loss", [1])


def test_samples_whose_file_was_deleted_are_left_out(watched):
    watcher, store, job, _ = watched
    watcher.watch_samples([1.0], "loss")
    (kept,) = store.artifacts(job)
    kept.path.unlink()
    assert store.samples(job) == {}


# -- distributions, images, videos -----------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 7, 199, 200, 5000])
def test_a_histogram_counts_as_numpy_does(count):
    values = np.random.default_rng(count).lognormal(size=count)
    found = histogram(values)
    low, high = np.sort(values)[[count // 200, -1 - count // 200]]
    if low == high:
        assert found["counts"] == [1]
        return
    counts, edges = np.histogram(values, bins=50, range=(low, high))
    assert found["counts"] == counts.tolist()
    assert found["edges"] == pytest.approx(edges.tolist())
    assert found["below"] + sum(found["counts"]) + found["above"] == count
    assert (found["min"], found["max"]) == (values.min(), values.max())


@pytest.mark.parametrize("values", [[3], [3, 3, 3], [1, *[3] * 400, 9]])
def test_equal_values_have_one_bin(values):
    found = histogram(values)
    assert (found["edges"], found["counts"]) == ([2.5, 3.5], [values.count(3)])
    assert (found["below"], found["above"]) == (values.count(1), values.count(9))


def test_what_is_not_finite_is_left_out():
    assert histogram([math.nan, math.inf, -math.inf])["counts"] == [0]
    assert sum(histogram([math.nan, 1.0, 2.0])["counts"]) == 2


def test_distributions_are_kept_by_step(watched):
    watcher, store, job, _ = watched
    watcher.watch_histogram([1, 2, 3], "len")
    watcher.watch_histogram([1, 2], "len", 7)
    watcher.watch_histogram([5], "len", 7)
    first, second = store.artifacts(job)
    assert (first.name, first.kind, first.step) == ("len", ArtifactKind.HISTOGRAM, None)
    assert second.step == 7
    assert json.loads(second.path.read_text()) == histogram([5])
    assert json.loads(first.path.read_text()) == histogram([1, 2, 3])


def test_images_and_videos_are_told_apart(watched, tmp_path):
    watcher, store, job, _ = watched
    watcher.watch_media(tmp_path / "a.PNG", "shot", 1)
    watcher.watch_media(tmp_path / "b.mp4", "clip")
    assert store.artifacts(job) == [
        Artifact("shot", ArtifactKind.IMAGE, 1, tmp_path / "a.PNG"),
        Artifact("clip", ArtifactKind.VIDEO, None, tmp_path / "b.mp4"),
    ]
    with pytest.raises(ValueError, match=r"c.txt: neither image nor video; known: \.avi"):
        watcher.watch_media(tmp_path / "c.txt", "text")
