import os
import re
import subprocess
import sys
from contextlib import closing
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pandas as pd
import pytest

import djsb
from djsb.store.store import Store
from djsb_core.errors import RequestError
from djsb_core.job.reports import Artifact, ArtifactKind, Point

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "use-in-a-notebook.md"
LIGHT = (
    "import sys; import djsb; heavy = ('pandas', 'scipy', 'djsb.report', "
    "'djsb.lab.notebook', 'djsb.lab.script'); print([n for n in heavy if n in sys.modules])"
)


@pytest.fixture
def run(lab):
    """Return the last of two runs, opened from the folder of the experiment."""
    lab.run()
    lab.run()
    return djsb.open_run()


def test_the_face_stays_light():
    ran = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_a_run_is_opened_by_its_name(run, lab):
    assert repr(run) == f"<djsb run {run.id}: finished>"
    before = djsb.open_run("last~1", "outputs/lab")
    assert before.id != run.id
    assert djsb.open_run(before.id, Path("sandbox.yaml")).id == before.id
    assert run.folder == lab.folder / "outputs" / "lab" / "runs" / run.id
    assert run.settings["project_name"] == "lab"


def test_metrics(run):
    frame = run.metrics
    columns = ["pipeline", "iteration", "job", "metric", "step", "value", "seconds", "text"]
    assert list(frame.columns) == columns
    loss = frame.query("job == 'train_model' and metric == 'loss'")
    assert loss["step"].tolist() == [0, 1, 2]
    assert loss["value"].tolist() == pytest.approx([1.0, 1 / 2, 1 / 3])
    assert frame["value"].dtype == float
    (row,) = frame.query("job == 'eval_before'").to_dict("records")
    assert (row["value"], row["iteration"], pd.isna(row["step"])) == (4.0, 1, True)


def test_values_by_their_names(run):
    assert run.query("train_model.loss") == pytest.approx(1 / 3)
    assert run.query("eval_before")["mean_len"] == 4.0
    steps, values, seconds = run.history("train_model.loss")
    assert (steps, values) == ([0, 1, 2], pytest.approx([1.0, 1 / 2, 1 / 3]))
    assert seconds == sorted(seconds)
    with pytest.raises(RequestError, match=r"did you mean 'train_model\.loss'\?"):
        run.query("train_mode.loss")


def test_results(run):
    frame = run.results
    assert frame.index.names == ["pipeline", "iteration"]
    assert frame.loc[("anonymous", 1), "eval_data.mean_len"] == 7.0


def test_jobs(run):
    frame = run.jobs
    assert frame["job"].tolist()[-1] == "eval_model"
    assert set(frame["status"]) == {"cached"}
    assert str(frame["started"].dt.tz) == "UTC"


def test_changes(run):
    found = run.comparison.set_index("metric")
    assert found.loc["mean_len", "difference"] == found.loc["mean_len", "value"] - 4.0


def test_a_run_beside_others_and_a_part_beside_another(run):
    found = run.compare("last~1").query("job == 'eval_before'")
    assert found["difference"].tolist() == [0.0]
    (row,) = run.compare("last:eval_data", part="eval_before").to_dict("records")
    assert (row["metric"], row["first"], row["value"]) == ("mean_len", 4.0, 7.0)
    with pytest.raises(RequestError, match="no pipeline or job 'nothing'"):
        run.compare("last", part="nothing")


def test_samples(run, lab):
    series = run.samples("eval_before", "mean_len")
    assert series.tolist() == [1, 2, 3, 4, 10]
    assert "weights" not in series.attrs
    lab.run(
        "work_dir: v\nevaluation_job_configs:\n- {hook: EvaluateDataHook, meta_name: e, "
        "extra_configs: {type: lab_lengths, dataset_path: data.jsonl, weights: [1, 1, 1, 1, 2]}}"
    )
    weighted = djsb.open_run("last", "v")
    assert weighted.samples("anonymous.e", "mean_len").attrs["weights"] == [1, 1, 1, 1, 2]


@pytest.mark.parametrize(
    ("job", "metric", "message"),
    [
        (
            "eval_before",
            "loss",
            "no per-sample values of 'loss' in job 'eval_before'; known: mean_len",
        ),
        ("train_model", "loss", "known: none"),
        ("nothing", "loss", "no pipeline or job 'nothing'"),
        (
            "anonymous",
            "loss",
            "'anonymous' is not one job; write one of anonymous.analysis_ori_data,",
        ),
    ],
)
def test_samples_that_are_not_there(run, job, metric, message):
    with pytest.raises(RequestError, match=message):
        run.samples(job, metric)


def test_outputs(run):
    model = run.outputs("train_model")["model_path"]
    assert Path(model, "weights.json").is_file()
    assert run.outputs("eval_model")["best"] == 2.0


def test_the_last_iteration_counts(lab):
    text = lab.echo("text: '1'") + "max_iter_num: 2\n"
    lab.run(text)
    run = djsb.open_run("last", "w")
    assert run.jobs["iteration"].tolist() == [1, 2]
    assert run.outputs("j0") == {"text": "1"}


def test_a_run_with_nothing_measured(lab):
    lab.run(lab.echo("text: a"))
    run = djsb.open_run("last", "w")
    assert run.metrics.empty
    assert list(run.metrics.columns)[:3] == ["pipeline", "iteration", "job"]
    assert run.results.shape == (1, 0)


def test_a_notebook_shows_tables_of_escaped_text(run, lab):
    html = run._repr_html_()
    assert f"<b>Run {run.id}</b> lab / whole, finished" in html
    assert ">mean_len<" in html
    assert ">pipeline<" not in html
    lab.run(
        "work_dir: v\nproject_name: '<script>'\nexecution_job_configs: "
        "[{hook: Echo, meta_name: '<img>'}]"
    )
    html = djsb.open_run("last", "v")._repr_html_()
    assert "<script>" not in html
    assert "<img>" not in html
    assert "&lt;img&gt;" in html


def test_the_report_is_a_frame_of_its_own(run, monkeypatch):
    page = '<html><script>alert("x")</script></html>'
    monkeypatch.setattr("djsb_report.reporter.HtmlReporter.render", lambda *_, **__: page)
    assert run.report().html == page
    html = run.report()._repr_html_()
    assert html.startswith('<iframe sandbox="allow-scripts" ')
    assert "<script>" not in html
    assert "alert(&quot;x&quot;)" in html


def test_without_what_the_report_needs_the_overview_says_so(run, monkeypatch):
    def fail(*_, **__):
        raise RequestError("a report needs <jinja2>")

    monkeypatch.setattr("djsb_report.reporter.HtmlReporter.render", fail)
    assert run.report().html == f"<p>a report needs &lt;jinja2&gt;</p>\n{run._repr_html_()}"


def test_without_a_reporter_the_overview_says_what_to_install(run, monkeypatch):
    monkeypatch.setattr("djsb_core.discovery.announced", lambda _: [])
    monkeypatch.setattr("importlib.metadata.version", not_installed)
    said = "unknown reporter &#x27;html&#x27;; it comes with djsb-report: pip install djsb-report"
    assert run.report().html == f"<p>{said}</p>\n{run._repr_html_()}"


def not_installed(name):
    raise PackageNotFoundError(name)


def test_a_report_in_another_format(run, install):
    source = """
        from djsb.records import Reporter

        class Text(Reporter):
            suffix = ".txt"

            def render(self, store, run, *, against=None, note=""):
                return f"<{run.status}>"
    """
    install("textpkg", source, "[djsb.reporters]\nlab-text = textpkg:Text\n")
    assert run.report("lab-text").html == "<pre>&lt;finished&gt;</pre>"
    assert run.report("lab-text").save("text.txt").read_text() == "<finished>"


def test_an_unknown_format_is_refused(run):
    with pytest.raises(RequestError, match="unknown reporter 'htm'; did you mean 'html'"):
        run.report("htm")
    with pytest.raises(RequestError, match=r"to write a file: run\.report\(\)\.save\('x\.html'\)"):
        run.report("x.html")


def test_a_page_is_saved_and_has_a_short_repr(run, monkeypatch, tmp_path):
    monkeypatch.setattr(
        "djsb_report.reporter.HtmlReporter.render", lambda *_, **__: "<html>ü</html>"
    )
    page = run.report()
    path = page.save(tmp_path / "new" / "x.html")
    assert path.read_text(encoding="utf-8") == page.html
    assert repr(page) == "<djsb page: 15 B>"
    with pytest.raises(RequestError, match="cannot write"):
        page.save(path / "below.html")


def test_all_runs(run, lab):
    frame = djsb.runs()
    assert frame["id"].tolist()[0] == run.id
    assert len(frame) == 2
    assert frame["eval_data.mean_len"].tolist() == [7.0, 7.0]
    assert frame["train_model.extra_configs.train.max_epochs"].tolist() == [2, 2]
    assert str(frame["started"].dt.tz) == "UTC"


def test_no_runs_are_an_empty_frame(lab):
    lab.run(lab.echo("text: a"))
    store = djsb.open_run("last", "w")._store
    store._write("DELETE FROM runs", ())
    assert list(djsb.runs("w").columns)[:2] == ["id", "project_name"]
    assert djsb.runs("w").empty


def test_nothing_there_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match=r"no sandbox\.yaml here"):
        djsb.open_run()
    with pytest.raises(RequestError, match="no runs in"):
        djsb.runs(tmp_path)


def test_without_pandas_it_says_what_to_install(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(RequestError, match=r"pandas is missing: pip install djsb"):
        _ = run.metrics
    assert run.outputs("eval_model")["best"] == 2.0


# -- the page --------------------------------------------------------------------------------------


@pytest.fixture
def quickstart(tmp_path):
    """Write a run with the names that the page uses."""
    (tmp_path / "sandbox.yaml").write_text("work_dir: w\n")
    with closing(Store(tmp_path / "w")) as store:
        experiment = tmp_path / "sandbox.yaml"
        settings = {"project_name": "p"}
        run = store.add_run(names=("p", "e"), experiment=experiment, settings=settings)
        common = {"pipeline": "anonymous", "iteration": 1, "status": "finished", "hook": "H"}
        for position, name in enumerate(("train_raw", "eval_raw", "eval_refined")):
            stage = "execution" if name == "train_raw" else "evaluation"
            job = store.add_job(
                run.id, **common, stage=stage, position=position, meta_name=name, folder=tmp_path,
                settings={"extra_configs": {"train": {"optimizer": {"lr": 0.003}}}},
                outputs={"raw_model": "/m"},
            )  # fmt: skip
            steps = range(5) if name == "train_raw" else [None]
            store.add_points(job, [Point("loss", 1.0, step, 0.0) for step in steps])
            path = run.folder / f"{name}.json"
            path.write_text('{"values": [1.0, 2.0], "weights": [3.0, 4.0]}')
            store.add_artifact(job, Artifact("loss", ArtifactKind.SAMPLES, None, path))
        store.end_run(run.id, "finished", 1.0)
    return tmp_path


def test_the_page_runs_from_top_to_bottom(quickstart):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) > 4
    checks = [
        "assert curves.shape == (5, 1)",
        "assert change.tolist() == [0, 0]",
        "assert (model, project) == ('/m', 'p')",
        "assert best['eval_refined.loss'] == 1.0",
        "assert len(same_rate) == 1",
    ]
    code = "\n".join([*blocks, *checks])
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=quickstart,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
