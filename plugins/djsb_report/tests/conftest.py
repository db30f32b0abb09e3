"""A run with something for every section of a report, and the page made of it."""

import json
import random
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path

import pytest

from djsb.store.store import Store
from djsb_core.job.reports import Artifact, ArtifactKind, Point
from djsb_report.reading import Reading
from djsb_report.reporter import HtmlReporter
from tests.support.declared import with_declarations

VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """A parsed page: its elements with attributes and text, checked for balance."""

    def __init__(self, text):
        super().__init__()
        self.source, self.elements, self._open, self.texts = text, [], [], []
        self.feed(text)
        self.close()
        assert self._open == [], "elements that are not closed"

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def sections(self):
        return [one["id"] for one in self.all("section")]


class Run:
    """Writes one run into a store, job by job, as the runner does."""

    def __init__(self, store, settings=None, names=("project", "experiment")):
        self.store = store
        self.record = store.add_run(
            names=names, experiment=store.work_dir / "sandbox.yaml", settings=settings or {}
        )
        self._position = 0

    def add(self, meta_name, hook, stage, *, metrics=(), samples=None, **columns):
        """Add a job; ``outputs`` may name files under ``files``, the folder that is returned."""
        series = columns.pop("series", {})
        position, self._position = self._position, self._position + 1
        folder = self.record.folder / f"{position:02}"
        files = self.store.work_dir / "cache" / f"{self.record.id}-{position}"
        files.mkdir(parents=True)
        outputs = {name: str(files / file) for name, file in columns.pop("outputs", {}).items()}
        job_id = self.store.add_job(
            self.record.id,
            **with_declarations({
                "pipeline": "anonymous", "iteration": 1, "stage": stage, "position": position,
                "meta_name": meta_name, "hook": hook, "component": "c", "package": "pkg 1.0",
                "status": "finished", "seconds": 1.0, "folder": folder, "files": files,
                "fingerprint": f"{self.record.id}-{position}", "outputs": outputs,
            } | columns),
        )  # fmt: skip
        points = [Point(name, value, None, 0.0) for name, value in dict(metrics).items()]
        for name, values in series.items():
            points += [Point(name, value, i, 0.0) for i, value in enumerate(values, start=1)]
        self.store.add_points(job_id, points)
        for name, values in (samples or {}).items():
            self.keep(job_id, files, name, "samples", {"values": values, "weights": None})
        self.last_id = job_id
        return files

    def keep(self, job_id, folder, name, kind, value):
        path = folder / f"{kind}.{len(list(folder.iterdir()))}.json"
        path.write_text(json.dumps(value))
        self.store.add_artifact(job_id, Artifact(name, ArtifactKind(kind), None, path))

    def histogram(self, files, name, edges, counts):
        value = {"edges": edges, "counts": counts, "below": 0, "above": 2, "max": edges[-1] * 1000}
        self.keep(self.last_id, files, name, "histogram", value)

    def score(self, meta_name, score, spread=0.0, *, up=True, **more):
        """Add an evaluation with values for each of 50 samples, noise drawn by the job's name."""
        noise = random.Random(meta_name)  # noqa: S311
        values = [score + spread * noise.uniform(-1, 1) for _ in range(50)]
        mean = sum(values) / len(values)
        self.add(
            meta_name, "EvaluateModelHook", "evaluation", metrics={"score": mean},
            samples={"score": values} if spread else None, directions={"score": up}, **more,
        )  # fmt: skip

    def train(self, meta_name, **more):
        self.add(meta_name, "TrainModelHook", "execution", **more)

    def end(self, status="finished", reason=None):
        self.store.end_run(self.record.id, status, 12.5, reason)
        self.record = self.store.run(self.record.id)
        return self.record

    @property
    def reading(self):
        return Reading(self.store, self.store.run(self.record.id))

    def page(self, against=None, note=""):
        return Page(
            HtmlReporter().render(
                self.store, self.store.run(self.record.id), against=against, note=note
            )
        )


@pytest.fixture
def parse_page():
    """Return what parses a report."""
    return Page


@pytest.fixture
def store(tmp_path):
    with closing(Store(tmp_path / "work")) as found:
        yield found


@pytest.fixture
def new_run(store):
    """Return a function that begins a run."""

    def begin(**options):
        return Run(store, **options)

    return begin


@pytest.fixture
def full(store, write_full_run):
    """Return a function that writes a run with all sections; ``evil`` stands wherever it can."""
    return lambda evil="": write_full_run(store, evil)


@pytest.fixture(scope="session")
def write_full_run():
    """Return the function behind ``full``, for stores that live longer than a test."""
    return _write_full_run


RECIPE = {"process": [{"text_length_filter": {"min_len": 1, "max_len": 900}}, "fix_mapper"]}


def write_jsonl(path, samples):
    path.write_text("".join(json.dumps(sample) + "\n" for sample in samples))


def _write_full_run(store, evil):
    given = Path(store.work_dir, "given.jsonl")
    rows = [{"text": f"sample {i} {evil}" + "x" * i, f"meta{evil}": evil} for i in range(40)]
    write_jsonl(given, rows)
    run = Run(store, {"work_dir": "w", f"key{evil}": evil}, (f"project{evil}", f"experiment{evil}"))
    recipe = {**RECIPE, "dataset_path": str(given)}
    probed = run.add(
        f"probe{evil}", "ProbeViaAnalyzerHook", "probe",
        metrics={"text_len.count": 40, "text_len.mean": 30.5}, settings={"dj_configs": recipe},
        outputs={"export_path": "analyzed.jsonl"},
    )  # fmt: skip
    statistics = [{**row, "__dj__stats__": {"text_len": len(row["text"])}} for row in rows]
    write_jsonl(probed / "analyzed.jsonl", statistics)
    run.histogram(probed, "text_len", [0, 20, 40, 60], [10, 20, 10])
    limit = len(rows[20]["text"])
    run.add(
        f"probe{evil}", "RefineRecipeViaKSigmaHook", "refine_recipe",
        metrics={
            "refined.text_length_filter.max_len.old": 900,
            "refined.text_length_filter.max_len.new": limit,
            "refined.text_length_filter.max_len.statistic": "text_len",
            "refined.text_length_filter.max_len.side": "upper",
            f"refined.other{evil}.threshold.new": 3,
        },
        settings={"dj_configs": recipe},
    )  # fmt: skip
    processed = run.add(
        f"process{evil}", "ProcessDataHook", "execution",
        metrics={"rows_in": 40, "rows_kept": 21, f"after.text_length_filter{evil}": 21},
        settings={"dj_configs": recipe}, outputs={"data": "processed.jsonl"},
    )  # fmt: skip
    write_jsonl(processed / "processed.jsonl", rows[:21])
    for i, name in enumerate(("raw", "refined")):
        run.train(
            f"train_{name}{evil}", series={"loss": [5 - 0.01 * j - i for j in range(200)]},
            metrics={"tokens": 4096}, directions={"loss": False},
            settings={"extra_configs": {"lr": 0.1, "data": f"{processed}/processed.jsonl"[i:]}},
        )  # fmt: skip
    after = run.add(
        f"probe_after{evil}", "ProbeViaAnalyzerHook", "evaluation",
        metrics={"text_len.count": 21, "text_len.mean": 20.5}, outputs={"export_path": "a.jsonl"},
    )  # fmt: skip
    run.histogram(after, "text_len", [0, 10, 20, 30], [5, 10, 6])
    for name, score in (("raw", 0.5), ("refined", 0.8)):
        run.score(f"eval_{name}{evil}", score, 0.1)
    add_picture(run, evil)
    run.end()
    return run


def add_picture(run, evil):
    from PIL import Image

    files = run.add("pictures", "InferModelHook", "execution", component=f"painter{evil}")
    path = files / "a picture.png"
    Image.new("RGB", (900, 600), "teal").save(path)
    run.store.add_artifact(run.last_id, Artifact(f"still{evil}", ArtifactKind.IMAGE, 3, path))
    video = files / "clip.mp4"
    video.write_bytes(b"0" * 2048)
    run.store.add_artifact(run.last_id, Artifact("clip", ArtifactKind.VIDEO, None, video))
