"""Before the first job: what would keep a plan from ending well."""

import json
from pathlib import Path

import pytest

from djsb.config.reader import read_experiment
from djsb.config.trackers import trackers_of_run
from djsb.planner.plan import survey
from djsb.planner.preflight import (
    component_needs,
    examine_plan,
    packages_in_use,
    preflight,
    problems_of,
)
from djsb_core.hookspecs import CheckKind, DoctorCheck

NEEDY = """
    from pathlib import Path
    from djsb_core.api import CheckKind, ComponentConfig, DataEvaluator, DoctorCheck, check_file
    from djsb_core.api import Tracker
    from pydantic import Field

    class Config(ComponentConfig):
        weights: str = Field("weights.bin", description="-")
        fetched: bool = Field(False, description="-")

    class Needy(DataEvaluator[Config]):
        "Needs weights."
        config_type = Config

        def evaluate(self):
            return {"score": 1.0}

        def needs(self):
            if self.config.weights == "bad":
                raise ValueError("oops")
            path = Path(self.config.weights)
            return [check_file("weights", path, "not here", required=not self.config.fetched)]

    class Careless(Needy):
        "Does not look itself."

        def check(self):
            return ()

        def warnings(self):
            return ()

    class Board(Tracker):
        "Shows runs."

        def needs(self):
            return [DoctorCheck("board login", False, "none", "log in", required=False)]

    def list_checks():
        return [DoctorCheck("lab card", False, "none", "buy one")]
"""
ENTRIES = """\
[djsb.data_evaluators]
needy = needypkg:Needy
careless = needypkg:Careless
[djsb.trackers]
lab_board = needypkg:Board
[djsb.checks]
lab_needy = needypkg:list_checks
"""
MSE = "mse, predicted_dataset_path: data.jsonl, predicted_value_key: a, ground_truth_value_key: b"


def experiment(*settings):
    jobs = [f"- {{hook: EvaluateDataHook, extra_configs: {{{one}}}}}" for one in settings]
    return "work_dir: w\nevaluation_job_configs:\n" + "\n".join(jobs) + "\n"


@pytest.fixture
def needy(lab, install):
    install("needypkg", NEEDY, ENTRIES)
    return lab


def subjects(checks):
    return [check.subject for check in checks if not check.ok]


def test_a_plan_that_can_run(lab):
    plan = lab.plan()
    checks = preflight(plan)
    assert subjects(checks) == []
    kinds = {check.kind for check in checks}
    assert {CheckKind.ACCESS, CheckKind.DISK, CheckKind.PACKAGE} <= kinds
    assert packages_in_use(plan)[:2] == ["djsb", "djsb-core"]
    assert "djsb_lab" in packages_in_use(plan)
    assert not Path("outputs").exists()


def test_only_plugins_in_use_are_asked(needy):
    assert "lab card" not in subjects(preflight(needy.plan()))
    Path("weights.bin").touch()
    checks = preflight(needy.plan(experiment("type: needy")))
    assert subjects(checks) == ["lab card"]
    assert problems_of(checks) == (["lab card: none; buy one"], [])


def test_a_package_that_is_absent_ends_the_run_and_an_odd_version_does_not(needy, tmp_path):
    Path("weights.bin").touch()
    info = tmp_path / "site-packages" / "needypkg-1.0.dist-info" / "METADATA"
    info.write_text(info.read_text() + "Requires-Dist: lab-absent\nRequires-Dist: pluggy<1\n")
    problems, notes = problems_of(preflight(needy.plan(experiment("type: needy"))))
    assert "lab-absent: not installed; pip install 'lab-absent'" in problems
    assert len(notes) == 1
    assert notes[0].endswith(
        "require >=1.5,<1; no version satisfies all of them: run one in its own environment "
        "(env: auto)"
    )


def test_needs_are_problems_and_notes_of_the_plan(needy):
    sentence = "weights: not here"
    assert needy.problem(experiment("type: needy")).endswith(f".extra_configs: {sentence}")
    plan = needy.plan(experiment("type: needy, fetched: true"))
    assert [warning.sentence for warning in plan.warnings] == [sentence]
    assert "weights" not in subjects(preflight(plan))  # noted already
    checks, warnings = examine_plan(plan)
    assert warnings == []
    assert [one for one in checks if one.subject == "weights"] == [
        DoctorCheck(
            "weights", False, "not here", "", CheckKind.FILE, required=False,
            path=Path("weights.bin"),
        )
    ]  # fmt: skip


def test_needs_that_a_component_does_not_look_for_are_found(needy):
    plan = needy.plan(experiment("type: careless", "type: careless", "type: careless, weights: x"))
    assert subjects(preflight(plan)).count("weights") == 2  # one a file


def test_needs_that_cannot_be_listed_are_worth_a_note(needy):
    plan = needy.plan(experiment("type: careless, weights: bad"))
    (check,) = component_needs(plan)
    assert (check.ok, check.required) == (False, False)
    assert check.finding == "its needs cannot be listed: ValueError: oops"


def leave():
    raise SystemExit(3)


@pytest.mark.parametrize("needs", [lambda: 3, lambda: ["x"], leave])
def test_needs_that_are_none_are_worth_a_note(needy, monkeypatch, needs):
    plan = needy.plan(experiment("type: careless"))
    monkeypatch.setattr(plan.jobs[0].component, "needs", lambda self: needs())
    (check,) = component_needs(plan)
    assert (check.ok, check.required) == (False, False)
    assert check.finding.startswith("its needs cannot be listed: ")


def test_a_file_that_goes_away_is_no_trouble_here(lab):
    plan = lab.plan()
    Path("data.jsonl").unlink()
    assert component_needs(plan) == []


def test_settings_that_wait_for_results_are_left_out(needy):
    text = experiment("type: needy, fetched: true") + (
        "- hook: EvaluateDataHook\n  extra_configs: {type: careless}\n"
        "  input: {extra_configs.weights: -1.scores}\n"
    )
    needy.write("sandbox.yaml", text)
    plan = needy.plan()
    assert len(component_needs(plan)) == 1


def test_doctor_says_what_is_needed(needy):
    ran = needy.djsb("doctor", needy.write("x.yaml", experiment("type: careless")), "--json")
    assert ran.returncode == 1, ran.stderr
    rows = {one["subject"]: one for one in json.loads(ran.stdout)}
    assert (rows["weights"]["path"], rows["weights"]["kind"]) == ("weights.bin", "file")
    assert rows["lab card"]["group"] == "needypkg 1.0"


# -- what is looked at -----------------------------------------------------------------------------


def test_packages_of_jobs_that_cannot_be_loaded_are_looked_at(needy, install):
    entries = "[djsb.data_evaluators]\nbroken = brokenpkg:Broken\n"
    install("brokenpkg", "import lab_absent", entries)
    needy.write("x.yaml", experiment("type: broken", "type: nosuch"))
    planned, problems = survey(read_experiment(Path("x.yaml")))
    assert len(problems) == 2
    assert packages_in_use(planned) == ["djsb", "djsb-core", "brokenpkg"]


@pytest.mark.parametrize(
    ("line", "variable", "asked"),
    [
        ("", None, []),
        ("", "wandb, mlflow,", ["wandb", "mlflow"]),
        ("trackers: [lab_board]", "wandb", ["lab_board"]),
        ("trackers: []", "wandb", []),
    ],
)
def test_trackers_are_asked_for_as_runs_ask(needy, monkeypatch, line, variable, asked):
    if variable is not None:
        monkeypatch.setenv("DJSB_TRACKERS", variable)
    plan = needy.plan(f"{line}\n{experiment('type: mse')}".replace("mse", MSE))
    assert trackers_of_run(plan.experiment.schema.trackers) == asked
    assert ("board login" in subjects(preflight(plan))) is ("lab_board" in asked)


@pytest.mark.parametrize("named", ["lab_bord", "needypkg", "modelscope"])
def test_a_tracker_that_the_variable_misspells_is_a_problem(needy, monkeypatch, named):
    monkeypatch.setenv("DJSB_TRACKERS", f"lab_board,{named}")
    problem = needy.problem(experiment("type: mse").replace("mse", MSE))
    assert problem.startswith(f"DJSB_TRACKERS: unknown tracker '{named}'; ")


# -- isolated environments -------------------------------------------------------------------------


@pytest.fixture
def isolated(needy, monkeypatch, tmp_path):
    monkeypatch.setenv("DJSB_ENV_DIR", str(tmp_path / "environments"))

    def plan(manager):
        return needy.plan(
            experiment(f"type: careless, env: {{manager: {manager}, requirements: [tomli]}}")
        )

    return plan


def test_the_needs_of_an_isolated_job_are_not_those_of_this_environment(isolated, tmp_path):
    plan = isolated("venv")
    assert packages_in_use(plan) == ["djsb", "djsb-core"]
    assert component_needs(plan) == []
    checks, _ = examine_plan(plan)
    (check,) = [one for one in checks if one.kind is CheckKind.ENVIRONMENT]
    assert (check.ok, check.path) == (True, None)
    assert check.finding == "will be created with venv before the first job"
    assert not (tmp_path / "environments").exists()


def test_a_manager_that_is_not_there_ends_the_run(isolated, monkeypatch):
    plan = isolated("conda")
    monkeypatch.setenv("PATH", "")
    (problem,), _ = problems_of(preflight(plan))
    assert "conda" in problem


def test_a_need_points_to_the_setting_that_needs_it(lab, install):
    source = """
        from djsb_core.api import ComponentConfig, DataEvaluator, DoctorCheck

        class Config(ComponentConfig):
            steps: list[str]

        class Steps(DataEvaluator):
            config_type = Config

            def evaluate(self):
                return {}

            def needs(self):
                place = ("steps", 1)
                return [
                    DoctorCheck("b", False, "lacks it", "get it", location=place),
                    DoctorCheck("b", False, "is odd", required=False, location=place),
                ]
    """
    install("steppkg", source, "[djsb.data_evaluators]\nsteps = steppkg:Steps\n")
    text = (
        "evaluation_job_configs:\n- hook: EvaluateDataHook\n  extra_configs:\n"
        "    type: steps\n    steps:\n    - a\n    - b\n"
    )
    lab.write("sandbox.yaml", text)
    plan, problems = survey(read_experiment(Path("sandbox.yaml")))
    place = "sandbox.yaml:7: evaluation_job_configs[0].extra_configs.steps[1]"
    assert list(map(str, problems)) == [f"{place}: lacks it; get it"]
    assert list(map(str, plan.warnings)) == [f"{place}: is odd"]
    checks, _ = examine_plan(plan, problems)
    assert [check for check in checks if check.finding == "lacks it"] == []
