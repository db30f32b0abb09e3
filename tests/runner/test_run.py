import json
import os
import sys
from pathlib import Path

import pytest

from djsb_core.errors import JobError
from djsb_core.hookspecs import hookimpl


def test_a_whole_experiment(lab):
    run = lab.run()
    jobs = lab.jobs(run)
    assert run.status == "finished"
    assert set(lab.statuses(run)) == {"finished"}
    assert jobs["eval_before"].outputs == {"scores": {"mean_len": 4.0}}
    assert jobs["eval_data"].outputs == {"scores": {"mean_len": 7.0}}
    assert jobs["eval_model"].outputs == {"scores": {"seen": 2.0}, "best": 2.0}
    refined = Path("outputs/refined.yaml").read_text()
    assert refined.endswith("process:\n- length_filter:\n    min_len: 4.0\n")
    process = jobs["process_data_with_refined_recipe"]
    assert process.settings["dj_configs"]["process"] == [{"length_filter": {"min_len": 4.0}}]


def test_every_job_has_its_own_folder_and_log(lab):
    run = lab.run()
    with_numbers = [job.folder.name for job in lab.store(run).jobs(run.id)]
    assert with_numbers[:3] == [
        "01-analysis_ori_data",
        "02-analysis_ori_data",
        "03-process_data_with_refined_recipe",
    ]
    assert all((run.folder / name / "log.txt").is_file() for name in with_numbers)


@pytest.mark.parametrize("name", ["a/b", "/evil", "x" * 200, "名前", "a\\0b"])
def test_a_name_cannot_lead_out_of_the_run_folder(lab, name):
    run = lab.run(f'work_dir: w\nprobe_job_configs:\n- hook: Echo\n  meta_name: "{name}"\n')
    (job,) = lab.jobs(run).values()
    assert job.folder.parent == run.folder
    assert [path.name for path in lab.folder.parent.iterdir() if "evil" in path.name] == []


def test_results_are_values_for_later_jobs(lab):
    jobs = lab.jobs(lab.run(lab.SCORES))
    assert jobs["probe"].outputs == {"output": {"score": 0.0, "nested": {"list": [1, 2]}}}
    assert jobs["echo"].settings["extra_configs"]["number"] == 2
    assert jobs["ask"].outputs == {"metrics": {"score": 0.0}}


@pytest.mark.parametrize("found", ["0", "0.0", "false", "''", "[]", "{}", "null"])
def test_a_result_that_is_nothing_is_a_result(lab, found):
    text = (
        "probe_job_configs:\n- {hook: GeneralProbeHook, "
        f"extra_configs: {{type: lab_findings, found: {found}}}}}\n"
        "- {hook: GeneralProbeHook, meta_name: two, extra_configs: {type: lab_findings}, "
        "input: {extra_configs.found: -1.output}}\n"
    )
    jobs = lab.jobs(lab.run(text))
    assert jobs["two"].outputs == jobs["probe_0"].outputs
    assert jobs["two"].outputs["output"] in (0, "", [], {}, None)


def test_one_path_stands_for_itself_and_several_are_a_list(lab):
    jobs = lab.jobs(
        lab.run(
            None,
            "execution_job_configs.1.output=model",
            "evaluation_job_configs=["
            "{hook: InferModelHook, meta_name: infer, extra_configs: {type: lab_inference},"
            " input: {extra_configs.model_path: anonymous.train_model.model}},"
            "{hook: DataPoolManipulationHook, meta_name: pools,"
            " extra_configs: {type: lab_pools, dataset_path: data.jsonl}},"
            "{hook: GeneralDataExecutorHook, meta_name: convert,"
            " extra_configs: {type: lab_conversion},"
            " input: {extra_configs.dataset_path: -1.paths}}]",
        )
    )
    assert [Path(path).name for path in jobs["infer"].outputs["paths"]] == ["a.txt", "b.txt"]
    assert Path(jobs["pools"].outputs["paths"]).name == "pool.jsonl"
    assert Path(jobs["convert"].outputs["paths"]).read_text().splitlines()[0] == "x"


def test_local_overrides_reach_a_recipe_that_an_earlier_job_wrote(lab):
    run = lab.run(
        None,
        "execution_job_configs.0.dj_configs.process.0.length_filter.min_len=9",
        "execution_job_configs.0.dj_configs.export_path=out/kept.jsonl",
    )
    job = lab.jobs(run)["process_data_with_refined_recipe"]
    assert job.named_outputs == {"processed_dataset_path": str(lab.folder / "out/kept.jsonl")}
    assert Path("out/kept.jsonl").read_text().count("\n") == 1


# -- failure ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("raise", "job 'j1' failed: ValueError: it broke"),
        ("exit", "job 'j1' failed: SystemExit: 3"),
        ("bad_input", "job 'j1' failed: data.jsonl:3: no field 'text'; fields: words"),
        ("two_values", "job 'j1' failed: Echo returned 2 values for 1 name text"),
    ],
)
def test_a_failed_job_ends_the_run_and_keeps_the_jobs_before_it(lab, last_run, mode, said):
    with pytest.raises(JobError) as caught:
        lab.run(lab.echo("text: kept", f"mode: {mode}", "text: never"))
    message, _, where = str(caught.value).partition("\n  its log: ")
    assert message == said
    assert "Traceback" in Path(where).read_text()
    run = last_run()
    assert run.status == "failed"
    assert run.seconds is not None
    jobs = lab.jobs(run)
    assert [(name, job.status) for name, job in jobs.items()] == [
        ("j0", "finished"),
        ("j1", "failed"),
    ]
    assert jobs["j0"].outputs == {"text": "kept"}
    infos = json.loads((run.folder / "context_infos.json").read_text())
    assert [job["meta_name"] for job in infos[0]["pipeline_infos"][0]["job_infos"]] == ["j0"]


def test_an_interruption_ends_the_run(lab, last_run):
    with pytest.raises(KeyboardInterrupt):
        lab.run(lab.echo("text: kept", "mode: interrupt"))
    run = last_run()
    assert (run.status, lab.statuses(run)) == ("interrupted", ["finished", "interrupted"])


@pytest.mark.parametrize("rest", ["nothing", "list.0", "score.deeper"])
def test_a_result_without_the_wanted_part_fails_the_job_that_wants_it(lab, rest):
    text = lab.SCORES.replace("nested.list.1", rest)
    with pytest.raises(JobError, match=r"job 'echo' failed: the output 'output.* has no '"):
        lab.run(text)


def test_a_setting_of_an_earlier_job_that_is_wrong_names_file_and_line(lab):
    text = lab.SCORES.replace("nested.list.1", "nested")
    with pytest.raises(
        JobError, match=r"sandbox.yaml:\d+: .*extra_configs.number: should be a valid int"
    ):
        lab.run(text)


def test_a_whole_section_must_be_a_mapping(lab):
    lab.write("list.yaml", "- 1\n")
    text = (
        "execution_job_configs:\n- hook: Echo\n  extra_configs: {text: %s}\n"
        "- hook: Echo\n  input: {extra_configs: -1.text}\n"
    )
    with pytest.raises(
        JobError, match=r"input extra_configs: '-1\.text' is not a mapping of settings"
    ):
        lab.run(text % "list.yaml")
    with pytest.raises(JobError, match=r"none\.yaml: cannot be read"):
        lab.run(text % "none.yaml")


def test_a_hook_that_asks_for_a_job_that_is_not_there_fails(lab):
    with pytest.raises(JobError, match=r"KeyError: .*no earlier job 'later'"):
        lab.run("probe_job_configs: [{hook: Ask, extra_configs: {text: later}}, {hook: Echo}]")


# -- what listeners hear ---------------------------------------------------------------------------


class Recorder:
    """Writes down every moment of a run."""

    def __init__(self):
        self.heard = []

    @hookimpl
    def djsb_run_started(self, run_id, settings, folder):
        assert folder.name == run_id
        self.heard.append(("run started", settings["work_dir"]))

    @hookimpl
    def djsb_run_finished(self, run_id, seconds):
        self.heard.append(("run finished", seconds >= 0))

    @hookimpl
    def djsb_run_failed(self, run_id, seconds, error):
        self.heard.append(("run failed", type(error).__name__))

    @hookimpl
    def djsb_pipeline_started(self, run_id, pipeline):
        self.heard.append(("pipeline started", pipeline))

    @hookimpl
    def djsb_pipeline_finished(self, run_id, pipeline):
        self.heard.append(("pipeline finished", pipeline))

    @hookimpl
    def djsb_pipeline_failed(self, pipeline, error):
        self.heard.append(("pipeline failed", type(error).__name__))

    @hookimpl
    def djsb_job_started(self, job):
        assert job.folder.is_dir()
        self.heard.append(("job started", job.meta_name, job.stage, job.position, job.component))

    @hookimpl
    def djsb_job_finished(self, job, outputs, seconds, cached):
        self.heard.append(("job finished", job.meta_name, list(outputs), cached))

    @hookimpl
    def djsb_job_failed(self, job, error, seconds):
        self.heard.append(("job failed", job.meta_name, str(error)))

    @hookimpl
    def djsb_metric_logged(self, job, name, value, step, seconds):
        self.heard.append(("metric", job.meta_name, name, value, step))


def test_listeners_hear_every_moment_in_order(lab):
    recorder = Recorder()
    lab.listeners.register(recorder)
    text = (
        "work_dir: w\nprobe_job_configs:\n"
        "- {hook: GeneralProbeHook, meta_name: p, extra_configs: {type: lab_findings}}\n"
    )
    lab.run(text)
    moments = [
        ("run started", "w"),
        ("pipeline started", "anonymous"),
        ("job started", "p", "probe", 0, "lab_findings"),
        ("metric", "p", "p.score", 0.0, None),
        ("job finished", "p", ["output"], False),
        ("pipeline finished", "anonymous"),
        ("run finished", True),
    ]
    assert recorder.heard == moments
    recorder.heard.clear()
    lab.run(text)
    moments[4] = ("job finished", "p", ["output"], True)
    assert recorder.heard == moments


def test_listeners_hear_of_a_failure(lab):
    recorder = Recorder()
    lab.listeners.register(recorder)
    with pytest.raises(JobError):
        lab.run(lab.echo("mode: raise"))
    assert recorder.heard[2:] == [
        ("job started", "j0", "execution", 0, None),
        ("job failed", "j0", "it broke"),
        ("pipeline failed", "JobError"),
        ("run failed", "JobError"),
    ]


def test_a_listener_that_fails_changes_nothing(lab, caplog):
    class Broken:
        @hookimpl
        def djsb_job_started(self, job):
            raise SystemExit(job.meta_name)

    recorder = Recorder()
    lab.listeners.register(recorder)
    lab.listeners.register(Broken(), name="broken")
    assert lab.run(lab.echo("", "")).status == "finished"
    assert caplog.text.count("dropped listener 'broken': djsb_job_started: SystemExit: j0") == 1
    assert [one[1] for one in recorder.heard if one[0] == "job started"] == ["j0", "j1"]


# -- the published record --------------------------------------------------------------------------


def test_context_infos_have_the_published_shape(lab):
    run = lab.run(lab.SCORES + "work_dir: w\n")
    text = (run.folder / "context_infos.json").read_text()
    assert json.loads(text) == [
        {
            "iter": 1,
            "pipeline_infos": [
                {
                    "pipeline_name": "anonymous",
                    "job_infos": [
                        {
                            "meta_name": "probe",
                            "output": {"score": 0.0, "nested": {"list": [1, 2]}},
                        },
                        {"meta_name": "echo", "text": "hello"},
                        {"meta_name": "ask", "metrics": {"score": 0.0}},
                    ],
                }
            ],
        }
    ]
    assert Path("w/context_infos.json").read_text() == text
    assert [path.name for path in Path("w").iterdir() if path.name.startswith(".")] == []


# -- what is printed -------------------------------------------------------------------------------


def test_all_that_a_job_prints_goes_to_its_log(lab, capfd):
    with capfd.disabled():
        run = lab.run()
    log = (lab.jobs(run)["train_model"].folder / "log.txt").read_text()
    for line in ("python speaks", "python complains", "the descriptor speaks", "a process speaks"):
        assert log.count(line) == 1
    if sys.platform == "linux":
        assert log.count("C speaks") == 1
    os.write(1, b"after\n")
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("after\n", "")
