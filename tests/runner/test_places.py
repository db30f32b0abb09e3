"""Jobs in environments of their own, which are made from the package index."""

import math
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from djsb_core.errors import ConfigError, JobError, RequestError
from djsb_core.hookspecs import hookimpl

LAB = Path(__file__).parents[1] / "support" / "lab_files"
ENTRY_POINTS = """
[djsb.hooks]
Where = djsb_surroundings:Where
[djsb.model_train_executors]
learner = djsb_surroundings:Learner
"""
OLD = "{manager: uv, requirements: [iniconfig==1.1.1]}"
NEW = "{manager: venv, requirements: [iniconfig==2.0.0]}"


@pytest.fixture(scope="module")
def environments(tmp_path_factory):
    return tmp_path_factory.mktemp("environments")


@pytest.fixture
def isolated(lab, install, environments, monkeypatch):
    install("djsb_surroundings", (LAB / "surroundings.py").read_text(), ENTRY_POINTS)
    monkeypatch.setenv("DJSB_ENV_DIR", str(environments))
    return lab


def experiment(*jobs):
    lines = "".join(f"- {{hook: Where, meta_name: j{i}, {job}}}\n" for i, job in enumerate(jobs))
    return f"work_dir: w\nexecution_job_configs:\n{lines}"


def where(settings, env=OLD):
    return f"extra_configs: {{env: {env}, {settings}}}"


def outputs(lab, run):
    return [job.outputs["found"] for job in lab.jobs(run).values()]


@pytest.mark.parametrize("workers", [0, 1])
def test_two_versions_of_a_package_in_one_run(isolated, workers):
    text = experiment(where("act: tell"), where("act: tell", NEW), "extra_configs: {package: pip}")
    run = isolated.run(text, workers=workers, force=True)
    first, second, _ = outputs(isolated, run)
    assert (first, second) == ("1.1.1", "2.0.0")
    with closing(isolated.store(run)) as store:
        ids = [job.id for job in store.jobs(run.id)]
        assert [store.metrics(one)["major"] for one in ids[:2]] == [1.0, 2.0]
    (log,) = run.folder.glob("01-*/log.txt")
    assert log.read_text().startswith("hello from ")
    assert sys.prefix not in log.read_text()


@pytest.mark.parametrize(("workers", "preflight"), [(0, True), (1, True), (2, False)])
def test_plugins_with_the_same_needs_share_an_environment(
    isolated, install, environments, workers, preflight
):
    install("djsb_acts", (LAB / "acts.py").read_text(), "[djsb.hooks]\nAct = djsb_acts:Act")
    text = experiment(where("act: tell"), where("act: pid")).replace("Where, meta_name: j1", "Act")
    run = isolated.run(text, workers=workers, preflight=preflight, force=True)
    assert isolated.statuses(run) == ["finished", "finished"]
    path = f"env: {{path: {next(environments.glob('*/*/pyvenv.cfg')).parent}}}"
    run = isolated.run(text.replace(f"env: {OLD}", path), workers=workers, preflight=preflight)
    assert isolated.statuses(run) == ["finished", "finished"]


def test_what_is_missing_there_is_told_with_a_remedy(isolated, environments):
    env = "{manager: uv, requirements: [iniconfig==1.0.0]}"
    text = experiment(where("act: tell", env))
    isolated.run(text, workers=1)
    (made,) = environments.glob("*/*/lib/*/site-packages/iniconfig-1.0.0.dist-info")
    (made.parent / "iniconfig.py").unlink()
    key = made.relative_to(environments).parts[0][:12]
    with pytest.raises(JobError) as caught:
        isolated.run(text, workers=1, force=True)
    assert "No module named 'iniconfig'; the environment Where (uv) lacks it: " in str(caught.value)
    assert f"`djsb env rm {key}`" in str(caught.value)
    assert isolated.djsb("env", "rm", key).returncode == 0
    inspected = environments / "inspected"
    before = len(list(inspected.iterdir()))
    assert outputs(isolated, isolated.run(text, workers=1, force=True)) == ["1.0.0"]
    assert len(list(inspected.iterdir())) == before + 1  # it is another one


def test_what_a_job_finds_around_it(isolated, environments, monkeypatch):
    monkeypatch.setenv("PYTHONHOME", sys.base_prefix)
    (found,) = outputs(isolated, isolated.run(experiment(where("act: surroundings")), workers=1))
    variables = found["variables"]
    assert found["child"] == found["prefix"] == variables["VIRTUAL_ENV"]
    assert Path(found["prefix"]).is_relative_to(environments)
    assert Path(variables["PYTHONPATH"]).is_relative_to(environments)
    assert variables["PYTHONHOME"] is variables["CONDA_PREFIX"] is found["pytest"] is None
    assert found["pluggy"]


def test_odd_results(isolated):
    run = isolated.run(experiment(where("act: nan"), where("act: garbage")), workers=1)
    (nan, text), done = outputs(isolated, run)
    assert math.isnan(nan)
    assert (len(text), done) == (3_000_000, "done")
    with closing(isolated.store(run)) as store:
        loss = store.metrics(store.jobs(run.id)[0].id)
    assert math.isnan(loss["loss.0"])
    assert loss["loss.1"] == math.inf


def test_a_process_that_leaves(isolated):
    with pytest.raises(JobError, match="the job's process died: exit code 3"):
        isolated.run(experiment(where("act: leave")), workers=1)


def test_what_is_made_is_told_and_made_once(isolated, environments):
    class Listener:
        said = []  # noqa: RUF012

        @hookimpl
        def djsb_preparing(self, text):
            self.said.append(text)

    isolated.listeners.register(Listener())
    text = experiment(where("act: tell", "{manager: uv, requirements: [iniconfig==2.1.0]}"))
    first = isolated.run(text, workers=1)
    assert "creating the environment" in Listener.said[0]
    Listener.said.clear()
    made = sorted(environments.glob("*/*/pyvenv.cfg"))
    second = isolated.run(text, workers=1)
    third = isolated.run(text, workers=1, force=True)
    assert Listener.said == []
    assert sorted(environments.glob("*/*/pyvenv.cfg")) == made
    assert [isolated.statuses(one) for one in (first, second, third)] == [
        ["finished"],
        ["cached"],
        ["finished"],
    ]


def test_another_environment_is_another_job(isolated):
    runs = [isolated.run(experiment(where("act: tell", env)), workers=1) for env in (OLD, NEW, OLD)]
    assert [outputs(isolated, run) for run in runs] == [["1.1.1"], ["2.0.0"], ["1.1.1"]]
    assert isolated.statuses(runs[-1]) == ["cached"]


def test_what_cannot_be_made_ends_before_the_first_job(isolated):
    wrong = "{manager: uv, requirements: [djsb-no-such-package==7]}"
    text = experiment("extra_configs: {package: pip}", where("act: tell", wrong))
    with pytest.raises(RequestError, match="djsb-no-such-package"):
        isolated.run(text, workers=1)
    assert not list(Path("w", "runs").glob("*"))


def test_what_a_component_lacks_there_ends_before_the_first_job(isolated):
    train = """
        execution_job_configs:
        - hook: TrainModelHook
          extra_configs: {type: learner, env: {manager: venv, requirements: [iniconfig==2.0.0]}}
        """
    with pytest.raises(ConfigError) as caught:
        isolated.run(train, workers=1)
    (problem,) = map(str, caught.value.problems)
    assert problem.startswith("sandbox.yaml:4: execution_job_configs[0].extra_configs: iniconfig: ")
    assert problem.endswith("found 2.0.0; get 1.1.1")
    run = isolated.run(train, workers=1, preflight=False)
    assert isolated.statuses(run) == ["finished"]


def test_auto_makes_what_the_current_environment_cannot_hold(isolated):
    train = "execution_job_configs:\n- hook: TrainModelHook\n  meta_name: train\n"
    assert isolated.problem(train + "  extra_configs: {type: learner}").endswith("get 1.1.1")
    run = isolated.run(train + "  extra_configs: {type: learner, env: auto}", workers=1)
    (model,) = (Path(job.outputs["model_path"]) for job in isolated.jobs(run).values())
    assert (model / "version.txt").read_text().startswith("1.1.1 ")


def test_nothing_survives_the_death_of_the_core(isolated, processes):
    isolated.run(experiment(where("act: tell")), workers=1)
    isolated.write("sandbox.yaml", experiment(where("act: sleep")))
    code = "from djsb.cli import main; main()"
    parent = subprocess.Popen(
        [sys.executable, "-c", code, "run", "sandbox.yaml"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    pid = Path("pid")
    processes.wait_until(pid.exists)
    parent.kill()
    parent.wait()
    assert processes.are_gone([int(pid.read_text())])


@pytest.mark.parametrize(
    ("line", "env", "said"),
    [
        ("extra_configs.env", "{manager: poetry}", "poetry"),
        ("extra_configs.env.python", "{python: '2.7'}", "3.11"),
        ("extra_configs.env.requirement", "{requirement: [a]}", "requirements"),
    ],
)
def test_mistakes_have_a_place(isolated, line, env, said):
    problem = isolated.problem(experiment(where("act: tell", env)))
    assert problem.startswith("sandbox.yaml:3: execution_job_configs[0].")
    assert line in problem
    assert said in problem


def test_a_module_that_cannot_be_imported_here(isolated, install):
    install("heavy", "import no_such_module", "[djsb.data_evaluators]\nheavy = heavy:Heavy")
    job = "- hook: EvaluateDataHook\n  extra_configs: {type: heavy"
    problem = isolated.problem(f"evaluation_job_configs:\n{job}, env: {{}}}}")
    assert "No module named 'no_such_module'; to check its settings, its module is" in problem
    problem = isolated.problem(f"evaluation_job_configs:\n{job}}}")
    assert problem.endswith("No module named 'no_such_module'")


def test_no_reference_chooses_the_environment(isolated):
    text = experiment(
        "extra_configs: {act: tell}", "input: {extra_configs.env.name: anonymous.j0.found}"
    )
    assert isolated.problem(text).endswith(
        "the environment is chosen before the run; set it in the file"
    )


def test_no_result_brings_an_environment(isolated):
    path = isolated.write("settings.yaml", "env: auto\n")
    text = isolated.echo_jobs(
        f"meta_name: first, extra_configs: {{text: '{path}'}}",
        "input: {extra_configs: anonymous.first.text}",
    )
    with pytest.raises(JobError, match=r"extra_configs\.env comes from an earlier job"):
        isolated.run(text)


def test_the_plan_shows_the_environment(isolated):
    isolated.write("sandbox.yaml", experiment(where("act: tell")))
    shown = isolated.djsb("run", "sandbox.yaml", "--dry-run").stdout
    assert "in the environment Where (uv" in shown


def test_the_environment_of_a_job_is_recorded(isolated, environments):
    run = isolated.run(experiment(where("act: tell"), "extra_configs: {package: pip}"), workers=1)
    first, second = isolated.jobs(run).values()
    label, key = first.environment.rsplit(" ", 1)
    assert label == "Where (uv)"
    assert list(environments.glob(f"{key}*/DONE.json"))
    assert second.environment is None
    assert f"environment: {first.environment}\n" in isolated.djsb("show", "last", "j0", "w").stdout
    path = isolated.djsb("env", "path", key).stdout.strip()
    assert path == str(next(environments.glob(f"{key}*/2*/bin/python")))


def test_without_a_preflight_an_environment_is_made_when_its_job_comes(isolated):
    wrong = "{manager: uv, requirements: [djsb-no-such-package==7]}"
    text = experiment("extra_configs: {package: pip}", where("act: tell", wrong))
    isolated.write("sandbox.yaml", text)
    looked = isolated.djsb("run", "sandbox.yaml")
    assert (looked.returncode, [*Path("w", "runs").glob("*")]) == (2, [])
    ran = isolated.djsb("run", "sandbox.yaml", "--no-preflight")
    assert ran.returncode == 1
    assert "execution: j0 (Where) finished" in ran.stderr
    assert "djsb-no-such-package" in ran.stderr
