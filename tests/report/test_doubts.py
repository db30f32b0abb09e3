"""A warning of a job is heard while it runs, and shown with its result, reused or not."""

from contextlib import closing

import pytest

from djsb.query.doubts import warnings_in
from djsb.report.show import job_json, job_text
from djsb.report.summary import summarize
from djsb_core.hookspecs import hookimpl
from djsb_core.job.reports import Point
from djsb_core.metrics import Declarations, Metric, MetricKind

DOUBTFUL = """
    from djsb_core.api import ComponentConfig, Hook, Metric, MetricKind

    class Doubtful(Hook[ComponentConfig, object]):
        config_type = ComponentConfig
        output_names = ("number",)
        metrics = (Metric("warning", kind=MetricKind.WARNING), Metric("note"))

        def run(self, context):
            context.watcher.watch("nothing has changed", "warning", 3)
            context.watcher.watch("nothing has changed", "warning")
            context.watcher.watch("no warning", "note")
            return (1,)
"""
TEXT = "work_dir: w\nexecution_job_configs:\n- {hook: Doubtful, meta_name: j}\n"


@pytest.mark.parametrize("workers", [0, 1])
def test_a_warning_is_heard_and_kept(lab, install, monkeypatch, workers):
    install("doubting", DOUBTFUL, "[djsb.hooks]\nDoubtful = doubting:Doubtful\n")
    monkeypatch.setenv("PYTHONPATH", str(lab.folder.parent / "site-packages"))
    heard = []

    class Listener:
        @hookimpl
        def djsb_job_warned(self, job, text):
            heard.append((job.meta_name, text))

    lab.listeners.register(Listener())
    for status in ("finished", "cached"):
        heard.clear()
        run = lab.run(TEXT, workers=workers)
        assert lab.statuses(run) == [status]
        assert set(heard) == {("j", "nothing has changed")}
        with closing(lab.store(run)) as store:
            (job,) = store.jobs(run.id)
            assert summarize(store, run.id).count("Warning of j: nothing has changed") == 1
            text = job_text(store, run, [job])
            assert text.count("nothing has changed") == 1
            assert "warning: nothing has changed" in text
            assert "no warning" in text
            assert job_json(store, job)["metrics"]["warning"] == "nothing has changed"


def test_only_texts_that_are_declared_are_warnings():
    declared = Declarations((Metric("doubt.*", kind=MetricKind.WARNING),))
    points = [Point(name, value, None, 0.0) for name, value in
              (("doubt.a", "x"), ("doubt.b", 1.0), ("other", "y"), ("doubt.c", "x"))]  # fmt: skip
    assert warnings_in(points, declared) == ["x"]
