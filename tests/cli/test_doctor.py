import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from djsb.cli import djsb
from djsb.config.reader import read_experiment
from djsb.planner.plan import survey
from djsb.planner.preflight import packages_in_use
from djsb.runner.session import Session

HEAVY = ("torch", "transformers", "data_juicer", "modelscope", "wandb", "datasets", "pandas")


@pytest.fixture
def invoke(monkeypatch, tmp_path):
    monkeypatch.setenv("DJSB_ENV_DIR", str(tmp_path / "environments"))

    def call(*arguments):
        return CliRunner().invoke(djsb, [str(one) for one in arguments], prog_name="djsb")

    return call


def checks(result):
    return {one["subject"]: one for one in json.loads(result.stdout)}


# -- the installation and plugins ------------------------------------------------------------------


@pytest.mark.parametrize("ok", [True, False])
def test_it_fails_if_something_required_is_missing(invoke, monkeypatch, ok):
    from djsb.doctor.check_group import CheckGroup
    from djsb_core.hookspecs import DoctorCheck

    check = DoctorCheck("lab", ok=ok, finding="found", remedy="get it")
    monkeypatch.setattr(
        "djsb.doctor.installation.examine_installation", lambda: [CheckGroup("lab 1.0", [check])]
    )
    result = invoke("doctor", "--json")
    assert checks(result)["lab"]["ok"] is ok
    assert result.exit_code == invoke("doctor").exit_code == (0 if ok else 1)


def test_everything_installed_is_listed(invoke):
    result = invoke("doctor")
    assert result.exit_code == 0, result.stdout
    assert re.search(r"^djsb-core \d", result.stdout, re.MULTILINE)
    assert re.search(r"^\d+ checks, nothing is missing", result.stdout.splitlines()[-1])
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_one_plugin(invoke, install):
    install("djsb-lab3", "", "[djsb.checks]\nlab = nowhere:ask\n")
    titles = {one["group"] for one in json.loads(invoke("doctor", "core", "--json").stdout)}
    assert not any(title.startswith("djsb-lab3") for title in titles)
    assert "this machine" not in titles
    result = invoke("doctor", "lab2")
    assert result.exit_code == 2
    assert result.stderr == "Error: no plugin and no file 'lab2'; did you mean 'lab3'?\n"


# -- an experiment ---------------------------------------------------------------------------------


def test_an_experiment_that_can_run(invoke, lab):
    before = sorted(lab.folder.rglob("*"))
    result = invoke("doctor", "sandbox.yaml")
    assert result.exit_code == 0, result.stdout
    titles = [line for line in result.stdout.splitlines() if line and not line.startswith(" ")]
    assert titles[0] == "sandbox.yaml"
    assert any(title.startswith("djsb-core ") for title in titles)
    found = checks(invoke("doctor", "sandbox.yaml", "--json"))
    assert found["work_dir"]["path"] == str(lab.folder / "outputs" / "lab")
    assert found["work_dir"]["kind"] == "access"
    assert sorted(lab.folder.rglob("*")) == before


def test_all_problems_are_lines(invoke, lab):
    result = invoke("doctor", "sandbox.yaml", "--json", "--set", "a=1", "--set", "work_dir=3")
    assert result.exit_code == 1
    problems = [one for one in json.loads(result.stdout) if one["kind"] == "config"]
    found = [one["finding"] for one in problems]
    assert found[0] == "--set work_dir: should be a valid string, not 3"
    assert found[1].startswith("--set a: unknown key; known: ")
    assert all(not one["ok"] and one["required"] for one in problems)
    assert "djsb-core" in result.stdout


def test_two_problems_of_one_line_are_both_shown(invoke, lab):
    lab.write("two.yaml", "probe_job_configs: [{hook: Ecco}, {hook: Ecca}]")
    result = invoke("doctor", "two.yaml", "--json")
    findings = [one["finding"] for one in json.loads(result.stdout) if one["kind"] == "config"]
    assert len(findings) == 2


def test_packages_are_looked_at_although_a_job_is_wrong(lab):
    lab.write("some.yaml", "probe_job_configs: [{hook: Ecco}, {hook: Echo}]")
    planned, problems = survey(read_experiment(Path("some.yaml")))
    assert packages_in_use(planned) == ["djsb", "djsb-core", "djsb_lab"]
    assert len(problems) == 1


def test_a_file_that_cannot_be_read_is_a_line(invoke, lab):
    lab.write("bad.yaml", "a: [1")
    result = invoke("doctor", "bad.yaml")
    assert result.exit_code == 1
    assert "FAIL  bad.yaml:" in result.stdout


def test_a_work_dir_that_cannot_be_used(invoke, lab):
    result = invoke("doctor", "sandbox.yaml", "--set", "work_dir=data.jsonl/x")
    assert result.exit_code == 1
    assert "FAIL  work_dir " in result.stdout
    assert "→ choose another folder" in result.stdout


def test_files_and_plugins_together(invoke, lab):
    result = invoke("doctor", "sandbox.yaml", "core", "--json")
    rows = json.loads(result.stdout)
    subjects = [(one["kind"], one["subject"]) for one in rows]
    assert sorted(subjects) == sorted(set(subjects))
    assert "djsb-core[zst]" in {one["subject"] for one in rows}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no.yaml"], "no such file: no.yaml"),
        (["x/no.json"], "no such file: x/no.json"),
        (["--set", "a=1"], "--set needs an experiment file"),
        (["core", "--set", "a=1"], "--set needs an experiment file"),
        (["."], "no plugin and no file '.'"),
    ],
)
def test_a_wrong_request_is_one_message(invoke, lab, arguments, said):
    result = invoke("doctor", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"Error: {said}")


@pytest.mark.parametrize("arguments", [[], ["sandbox.yaml"]])
def test_nothing_heavy_is_imported(lab, arguments):
    code = (
        "import sys\nfrom djsb.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\nprint('MODULES', *sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, "doctor", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(ran.stdout.rpartition("MODULES ")[2].split()) & set(HEAVY) == set()


# -- before a run ----------------------------------------------------------------------------------


def test_a_run_that_cannot_end_well_does_not_start(invoke, lab):
    arguments = ("run", "sandbox.yaml", "--set", "work_dir=/proc/djsb")
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert re.match(r"Error: work_dir: cannot use /proc/djsb: ", result.stderr)
    assert result.stderr.endswith("\nTo run anyway: --no-preflight\n")
    assert "--no-preflight" not in invoke(*arguments, "--no-preflight").stderr


def test_notes_do_not_keep_a_run_from_starting(invoke, lab, monkeypatch):
    monkeypatch.setattr("djsb.doctor.folders.ENOUGH", 2**80)
    result = invoke("run", "sandbox.yaml")
    assert result.exit_code == 0
    assert re.search(r"^note: disk of work_dir: .* free; ", result.stderr, re.MULTILINE)
    assert "note: " not in invoke("run", "sandbox.yaml", "--no-preflight").stderr


NEEDY = """
from djsb_core.api import ComponentConfig, DataEvaluator, DoctorCheck


class Config(ComponentConfig):
    ok: bool
    required: bool = True


class Needy(DataEvaluator[Config]):
    "Needs what its settings say."

    config_type = Config

    def evaluate(self):
        return {"score": 1.0}

    def needs(self):
        ok, required = self.config.ok, self.config.required
        return [DoctorCheck("lab weights", ok, "-", required=required)]

    def check(self):
        return ()
"""
SITUATIONS = [
    "type: needy, ok: true",
    "type: needy, ok: false, required: false",
    "type: needy, ok: false",
    "type: needy",
    "type: needi, ok: true",
    "type: needy, ok: true}, meta_nam: {a: b",
    "type: broken",
    "type: wanting, ok: true",
    "type: needy, ok: true, env: {manager: nosuch}",
    "type: needy, ok: true, env: {manager: conda, requirements: [tomli]}",
]


@pytest.fixture
def packages(lab, install, monkeypatch):
    """Install three packages; one cannot be imported, one lacks what it needs."""
    monkeypatch.setenv("PATH", "")  # no conda
    install("needypkg", NEEDY, "[djsb.data_evaluators]\nneedy = needypkg:Needy\n")
    install("brokenpkg", "import no_such_module", "[djsb.data_evaluators]\nbroken = brokenpkg:B\n")
    install("wantingpkg", NEEDY, "[djsb.data_evaluators]\nwanting = wantingpkg:Needy\n")
    info = lab.folder.parent / "site-packages" / "wantingpkg-1.0.dist-info" / "METADATA"
    info.write_text(info.read_text() + "Requires-Dist: lab-absent\n")
    return lab


@pytest.mark.parametrize("settings", SITUATIONS)
@pytest.mark.parametrize(
    "more", [[], ["--set", "work_dir=data.jsonl/x"], ["--set", "trackers=[no]"]]
)
def test_doctor_is_content_if_a_run_starts(invoke, packages, monkeypatch, settings, more):
    job = f"{{hook: EvaluateDataHook, extra_configs: {{{settings}}}}}"
    packages.write("x.yaml", f"evaluation_job_configs:\n- {job}\n")
    started = []
    record = SimpleNamespace(id="1")
    monkeypatch.setattr(Session, "run", lambda *_: started.append(1) or record)
    monkeypatch.setattr("djsb.report.summary.summarize", lambda *_: "done")
    ran, looked = invoke("run", "x.yaml", *more), invoke("doctor", "x.yaml", *more)
    assert looked.exit_code == (0 if started else 1)
    assert ran.exit_code == (0 if started else 2), ran.output
    assert ("FAIL" in looked.stdout) is not bool(started)


def test_some_of_these_situations_let_a_run_start(invoke, packages):
    for settings, code in zip(SITUATIONS, [0, 0, 1], strict=False):
        job = f"{{hook: EvaluateDataHook, extra_configs: {{{settings}}}}}"
        packages.write("x.yaml", f"evaluation_job_configs:\n- {job}\n")
        assert invoke("doctor", "x.yaml").exit_code == code
