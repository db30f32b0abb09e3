"""Runs written into a store as the runner writes them."""

import json
from pathlib import Path

import pytest

from djsb.store.environment import write_environment
from djsb.store.store import Store
from djsb_core.job.reports import Artifact, ArtifactKind, Point
from tests.support.declared import with_declarations


@pytest.fixture
def history(tmp_path):
    """Return an empty history of runs."""
    store = Store(tmp_path / "w")
    yield History(store)
    store.close()


class History:
    """A store, and how to add runs to it."""

    def __init__(self, store):
        self.store = store

    def add(
        self,
        *jobs,
        names=("p", "e"),
        status="finished",
        settings=None,
        started=None,
        **more,
    ):
        """Add a run; each job is a mapping of the columns that matter, metrics and samples."""
        packages = more.pop("packages", None)
        run = self.store.add_run(names=names, experiment=Path("x"), settings=settings or {}, **more)
        if packages is not None:
            write_environment(run.folder, {"python": "3.11.7", "packages": packages})
        for position, job in enumerate(jobs):
            self._add_job(run, position, dict(job))
        if status != "running":
            self.store.end_run(run.id, status, 1.0)
        if started is not None:
            self.store._write("UPDATE runs SET started = ? WHERE id = ?", (started, run.id))
        return self.store.run(run.id)

    def _add_job(self, run, position, job):
        metrics, samples = job.pop("metrics", {}), job.pop("samples", {})
        columns = {
            "pipeline": "anonymous", "iteration": 1, "stage": "evaluation", "hook": "H",
            "component": "c", "status": "finished", "position": position, "seconds": 1.0,
        }  # fmt: skip
        folder = run.folder / f"{position}-{job['meta_name']}"
        folder.mkdir()
        job = with_declarations({**columns, "folder": folder, **job})
        added = self.store.add_job(run.id, **job)
        for name, value in metrics.items():
            values = value if isinstance(value, list) else [value]
            steps = range(len(values)) if isinstance(value, list) else [None]
            points = [Point(name, v, s, 0.0) for v, s in zip(values, steps, strict=True)]
            self.store.add_points(added, points)
        for name, values in samples.items():
            path = folder / f"samples.{name}.json"
            given = values if isinstance(values, dict) else {"values": values, "weights": None}
            path.write_text(json.dumps(given))
            self.store.add_artifact(added, Artifact(name, ArtifactKind.SAMPLES, None, path))

    @staticmethod
    def train(**settings):
        """Return a training job with these settings."""
        return {
            "meta_name": "train",
            "stage": "execution",
            "settings": {"dj_configs": None, "extra_configs": settings},
        }

    @staticmethod
    def score(value, meta_name="eval", **more):
        """Return an evaluation job with this score, of which more is better."""
        return {
            "meta_name": meta_name,
            "metrics": {"score": value},
            "directions": {"score": True},
            **more,
        }
