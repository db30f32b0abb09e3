"""Experiments that report what they are told to, and trackers to show them in."""

import json
import logging
import math
import os
import sys
import textwrap
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
import yaml
from stevedore.extension import ExtensionManager

from djsb.config.reader import read_experiment
from djsb.planner.plan import plan
from djsb.runner.options import RunOptions
from djsb.runner.session import Session
from djsb.store.store import Store
from djsb_core.discovery import load_component, new_listeners
from djsb_core.errors import JobError

PATIENCE = 60  # seconds until something that must happen counts as not happening

HOOK = """
    import os
    from pathlib import Path
    from djsb_core.api import ComponentConfig, Hook

    class TellConfig(ComponentConfig):
        points: list = []      # of [name, value, step]
        histogram: list = []
        media: list = []       # of paths
        api_key: str = ""
        act: str = ""
        unless: str = ""

    class Tell(Hook[TellConfig, object]):
        config_type = TellConfig
        output_names = ("told",)

        def run(self, context):
            for name, value, step in self.config.points:
                number = isinstance(value, str) and value.removeprefix("-") in ("nan", "inf")
                context.watcher.watch(float(value) if number else value, name, step)
            if self.config.histogram:
                context.watcher.watch_histogram(self.config.histogram, "spread")
            for i, path in enumerate(self.config.media):
                context.watcher.watch_media(Path(path), "shown", i)
            mended = self.config.unless and Path(self.config.unless).exists()
            if self.config.act == "raise" and not mended:
                raise ValueError("it broke")
            if self.config.act == "interrupt":
                import signal
                signal.raise_signal(signal.SIGINT)
            if self.config.act == "wait":
                import time
                while not Path("go").exists():
                    time.sleep(0.02)
            return (self.config.act,)
"""


@pytest.fixture(autouse=True)
def own_environment(tmp_path, monkeypatch):
    """Keep the user's trackers out of the tests, and the tests out of them."""
    monkeypatch.setenv("DJSB_TRACKERS", "")
    for name in list(os.environ):
        if name.startswith(("WANDB_", "TRACKIO_", "MLFLOW_", "DJSB_")) or name == "NETRC":
            monkeypatch.delenv(name)
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TRACKIO_DIR"):
        folder = tmp_path / "home" / name
        folder.mkdir(parents=True)
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setenv("DJSB_TRACKERS_WAIT", str(PATIENCE))
    monkeypatch.setattr(ExtensionManager, "ENTRY_POINT_CACHE", {})
    (tmp_path / "lab").mkdir()
    monkeypatch.chdir(tmp_path / "lab")


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Return a folder of packages that are found first, here and in other processes."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def lab(site):
    """Return a place to run experiments of ``Tell`` jobs in."""
    (site / "djsb_tell.py").write_text(textwrap.dedent(HOOK))
    metadata = site / "djsb_tell-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: djsb-tell\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[djsb.hooks]\nTell = djsb_tell:Tell\n")
    load_component.cache_clear()
    yield Lab()
    load_component.cache_clear()


class Lab:
    """A folder with an experiment."""

    def write(self, *jobs, **keys):
        """Write an experiment of jobs, each a name and what it is told."""
        settings = {
            "work_dir": "w",
            "project_name": "a project",
            "experiment_name": "an experiment",
        }
        if jobs:
            settings["execution_job_configs"] = self.jobs(*jobs)
        Path("sandbox.yaml").write_text(yaml.safe_dump(settings | keys, sort_keys=False))

    @staticmethod
    def jobs(*jobs):
        return [{"hook": "Tell", "meta_name": name, "extra_configs": told} for name, told in jobs]

    def run(self, *trackers, sweep=None):
        """Run it in this process with these trackers; return its record, however it ended."""
        os.environ["DJSB_TRACKERS"] = ",".join(trackers)  # which the next test does not see
        messages = []
        handler = logging.Handler()
        handler.emit = lambda record: messages.append(record.getMessage())
        log = logging.getLogger("djsb_core.discovery")
        log.addHandler(handler)
        planned = plan(read_experiment(Path("sandbox.yaml")))
        with suppress(JobError, KeyboardInterrupt), Session(0, new_listeners()) as session:
            session.run(planned, RunOptions(sweep=sweep))
        log.removeHandler(handler)
        assert not messages, "a tracker was skipped or dropped"
        return self.last()

    @staticmethod
    def sweep(name):
        """Record a sweep; return its id."""
        with closing(Store(Path("w").absolute())) as store:
            return store.add_sweep(name=name, project_name="p", config={}).id

    def last(self):
        with closing(Store(Path("w").absolute())) as store:
            return store.run("last")

    def stored(self, run):
        """Return the series and the results of a run: name in a tracker -> values."""
        series, results = {}, {}
        several = run.settings.get("max_iter_num", 1) != 1
        with closing(Store(Path("w").absolute())) as store:
            for job in store.jobs(run.id):
                prefix = f"iter_{job.iteration}/" if several else ""
                prefix += "" if job.pipeline == "anonymous" else f"{job.pipeline}/"
                for point in store.points(job.id):
                    name = f"{prefix}{job.meta_name}.{point.name}"
                    if point.step is None:
                        results[name] = point.value
                    else:
                        series.setdefault(name, []).append((point.step, point.value))
        assert series
        assert results
        return series, results


def same(one, other):
    """Compare values, NaN included, in the types in which they were kept."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and math.isnan(one):
        return isinstance(other, float) and math.isnan(other)
    return one == other and isinstance(one, str) == isinstance(other, str)


def wait_for(condition):
    until = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)
    return found


SERIES = [["loss", 1 / (1 + i), i] for i in range(40)] + [["lr", 1e-5 * i, i] for i in range(40)]
SHORT = {
    "points": [
        *SERIES,
        ["loss", "nan", 40],
        ["grad.norm", "inf", 40],
        ["note", "warm-up", 0],
        ["note", "decay", 20],
        ["loss", 0.0, 100],
        ["rows", 17, None],
        ["text_len", {"mean": 3.5, "33.3%": -0.0, "note": "a text"}, None],
        ["worst", "-inf", None],
        ["none", "nan", None],
        ["seconds", 2.5, None],
    ]
}
MIXED = {"points": [["loss", 0.1, 7], ["score", 0.5, None], ["score", 0.75, None]]}


@pytest.fixture
def two_pipelines(lab):
    """Write an experiment with all that metrics can be, in two iterations of two pipelines."""
    pipelines = [
        {"short": {"execution_job_configs": lab.jobs(("train", SHORT), ("eval", MIXED))}},
        {"long": {"execution_job_configs": lab.jobs(("train", MIXED))}},
    ]
    lab.write(pipelines=pipelines, max_iter_num=2)
    return lab


@pytest.fixture
def image(tmp_path):
    from PIL import Image

    path = tmp_path / "picture.png"
    Image.new("RGB", (6, 4), (200, 30, 30)).save(path)
    return path


@pytest.fixture
def histogram_file(tmp_path):
    def write(count, **more):
        path = tmp_path / f"histogram{count}.json"
        kept = {"counts": [1] * count, "edges": list(range(count + 1))} | more
        path.write_text(json.dumps(kept))
        return str(path)

    return write
