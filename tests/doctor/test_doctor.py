from pathlib import Path

import pytest

from djsb.doctor.check_group import CheckGroup, merge_groups
from djsb.doctor.dependencies import check_indirect
from djsb.doctor.experiment import Examined, examine_experiments
from djsb.doctor.installation import examine_installation, examine_packages, list_plugins
from djsb.doctor.plugin_checks import check_plugins
from djsb.doctor.text import can_run, doctor_json, doctor_text
from djsb_core.errors import RequestError
from djsb_core.hookspecs import CheckKind, DoctorCheck
from djsb_core.problems import Problem, Severity

CHECKS = """
    from djsb_core.api import DoctorCheck, Tracker, hookimpl

    class Board(Tracker):
        def needs(self):
            return [DoctorCheck("board login", False, "not logged in", "log in", required=False)]

    def list_checks():
        yield DoctorCheck("{subject}", False, "not here", "fetch them")
        {more}
"""


@pytest.fixture
def plugin(install, tmp_path):
    """Install a plugin that announces one check, and further requirements."""

    def make(name, *requires, subject="lab weights", more="", extras=(), entries=""):
        entries = f"[djsb.checks]\nlab = {name}:list_checks\n{entries.format(name=name)}"
        install(name, CHECKS.format(subject=subject, more=more), entries)
        metadata = tmp_path / "site-packages" / f"{name}-1.0.dist-info" / "METADATA"
        lines = [f"Provides-Extra: {one}" for one in extras]
        lines += [f"Requires-Dist: {one}" for one in requires]
        metadata.write_text(metadata.read_text() + "\n".join([*lines, ""]))

    return make


def by_subject(groups):
    return {check.subject: check for group in groups for check in group.checks}


# -- what is looked at -----------------------------------------------------------------------------


def test_the_installation_starts_with_the_machine(plugin):
    plugin("goodpkg")
    groups = examine_installation()
    titles = [group.title.split()[0] for group in groups]
    assert titles[:3] == ["this", "djsb", "djsb-core"]
    assert titles.index("djsb-core") < titles.index("goodpkg")
    machine = {check.subject: check for check in groups[0].checks}
    assert machine["python"].ok
    assert {"current folder", "environments", "temporary files", "environment managers"} <= set(
        machine
    )
    assert any(subject.startswith("GPU") for subject in machine)
    assert {"click", "pydantic", "djsb[zst]"} <= {one.subject for one in groups[1].checks}
    assert {"stevedore", "djsb-core[zst]"} <= {one.subject for one in groups[2].checks}


def test_a_plugins_own_checks_stand_with_its_packages(plugin):
    plugin("goodpkg", "click>=8", "lab-absent>=2", "pydantic>99")
    (good,) = [
        group for group in examine_experiments([], ["goodpkg"]) if group.title == "goodpkg 1.0"
    ]
    found = {check.subject: check for check in good.checks}
    assert found["lab weights"] == DoctorCheck("lab weights", False, "not here", "fetch them")
    assert found["click"].ok
    absent = found["lab-absent"]
    assert (absent.ok, absent.required, absent.remedy) == (
        False, True, "pip install 'lab-absent>=2'"
    )  # fmt: skip
    unfit = found["pydantic"]  # it may work all the same
    assert (unfit.ok, unfit.required) == (False, False)
    assert unfit.finding.endswith(", but goodpkg requires >99")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("1 / 0", "failed: ZeroDivisionError: "),
        ("raise SystemExit(3)", "failed: SystemExit: 3"),
        ("yield 'torch'", "failed: TypeError: not a list of DoctorCheck"),
        ("yield DoctorCheck(None, False, 3)", "failed: TypeError: not a list of "),
        ("\n    raise SystemExit(4)", "cannot load checks 'lab' of badpkg 1.0: SystemExit: 4"),
        ("\n    list_checks = 3", "not a function: 3"),
    ],
)
def test_a_plugin_whose_checks_fail_breaks_only_itself(plugin, more, said):
    plugin("badpkg", more=more)
    plugin("goodpkg", subject="other weights")
    groups = examine_experiments([], ["badpkg", "goodpkg"])
    found = by_subject(groups)
    assert "lab weights" not in found
    assert "other weights" in found
    broken = found["checks of badpkg"]
    assert (broken.ok, broken.required) == (False, False)  # runs go on without it
    assert broken.finding.startswith(said)
    assert groups[0].title == "badpkg 1.0"


@pytest.mark.parametrize("result", ["3", "[None]", "'torch'"])
def test_what_is_no_list_of_checks_is_named(install, result):
    source = f"def list_checks(): return {result}"
    install("badpkg", source, "[djsb.checks]\nlab = badpkg:list_checks\n")
    (check,) = check_plugins(["badpkg"])["badpkg"]
    assert "TypeError: not a list of DoctorCheck" in check.finding


def test_a_listener_that_cannot_be_used_is_named(plugin):
    more = "\n    @hookimpl\n    def djsb_job_started(no): 0"
    plugin("badpkg", more=more, entries="[djsb.listeners]\near = {name}\n")
    check = check_plugins(["badpkg"])["badpkg"][-1]
    assert (check.subject, check.ok, check.required) == ("listener", False, False)
    assert check.finding.startswith("cannot load listener 'ear' of badpkg 1.0: djsb_")


def test_shared_needs_appear_once(plugin):
    plugin("onepkg", "click>=8")
    plugin("twopkg", "click>=8.1,<99")
    groups = examine_experiments([], ["onepkg", "twopkg", "onepkg"])
    subjects = [check.subject for group in groups for check in group.checks]
    assert sorted(subjects) == sorted(set(subjects))
    click = by_subject(groups)["click"]
    assert click.finding.endswith("(>=8.1,<99)")
    assert click in groups[0].checks


def test_a_failure_is_kept_rather_than_a_success():
    kind = CheckKind.PACKAGE
    well = DoctorCheck("a", ok=True, finding="1", kind=kind)
    ill = DoctorCheck("a", ok=False, finding="2", kind=kind)
    assert merge_groups(
        [CheckGroup("x", [well]), CheckGroup("y", [ill]), CheckGroup("y", [ill])]
    ) == [CheckGroup("y", [ill])]
    other = DoctorCheck("a", ok=True, finding="1", kind=CheckKind.FILE)
    assert merge_groups([CheckGroup("x", [well]), CheckGroup("y", [other])])[1].checks == [other]


def test_extras_are_good_to_have(plugin):
    requires = ["click; extra == 'one'", "lab-absent; extra == 'two'", "lab-no; extra == 'test'"]
    plugin("goodpkg", *requires, "click>99; extra == 'bad'", extras=["one", "two", "test", "bad"])
    found = by_subject(examine_experiments([], ["goodpkg"]))
    assert found["goodpkg[one]"].finding.startswith("click 8")
    assert found["goodpkg[two]"].ok
    assert found["goodpkg[two]"].finding == "not installed: lab-absent (optional)"
    assert (found["goodpkg[bad]"].ok, found["goodpkg[bad]"].required) == (False, False)
    assert "goodpkg[test]" not in found


def test_a_tracker_that_is_asked_for_should_be_there(plugin):
    entries = "[djsb.trackers]\nlab = {name}:Board\n"
    plugin("goodpkg", "lab-absent; extra == 'lab'", extras=["lab"], entries=entries)
    found = by_subject(examine_packages(["djsb-core"], ["lab"]))
    check = found["goodpkg[lab]"]
    assert (check.ok, check.required) == (False, False)  # a run goes on without
    assert check.remedy == "pip install 'goodpkg[lab]'"
    assert found["board login"].finding == "not logged in"
    assert {"goodpkg[lab]", "board login"}.isdisjoint(by_subject(examine_packages(["djsb-core"])))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("\n    Board.needs = None", "its needs cannot be listed: TypeError: "),
        ("\n    raise SystemExit(4)", "cannot load tracker 'lab' of badpkg 1.0: SystemExit: 4"),
    ],
)
def test_a_tracker_that_cannot_be_asked_is_named(plugin, more, said):
    plugin("badpkg", more=more, entries="[djsb.trackers]\nlab = {name}:Board\n")
    check = by_subject(examine_packages([], ["lab", "no-such-tracker"]))["tracker 'lab'"]
    assert (check.ok, check.required) == (False, False)
    assert check.finding.startswith(said)


def test_what_is_needed_in_turn(plugin, install):
    plugin("goodpkg", "midpkg")
    plugin("midpkg", "lab-absent>=3", "click>99")
    checks = {check.subject: check for check in check_indirect(["goodpkg"])}
    assert set(checks) == {"lab-absent", "click"}
    assert not any(check.ok for check in checks.values())
    (fine,) = check_indirect(["djsb-core"])
    assert fine.ok


def test_programs_and_modules_that_packages_do_not_declare(plugin, install, monkeypatch):
    monkeypatch.setenv("PATH", "")
    plugin("goodpkg", "pyspark", "openai-clip")
    install("pyspark", "", "")
    install("openai-clip", "", "")
    monkeypatch.setattr("djsb.doctor.dependencies.find_spec", lambda name: None)
    checks = {check.subject: check for check in check_indirect(["goodpkg"])}
    assert not checks["java"].ok
    assert checks["pkg_resources"].remedy == "pip install 'setuptools<82'"


def test_checks_of_one_name_are_no_trouble(plugin):
    plugin("onepkg", subject="weights of one")
    plugin("twopkg", subject="weights of two")
    found = check_plugins(["twopkg"])
    assert [check.subject for check in found["twopkg"]] == ["weights of two"]


def test_what_a_package_lacks_is_said_once(plugin):
    plugin("goodpkg", "lab-absent>=2")
    place = {"file": Path("x.yaml"), "location": ("jobs", 0)}
    said = Problem("lab-absent: not installed", "pip install 'lab-absent>=2'", line=3, **place)
    other = Problem("lab-absent: no; other", line=4, **place)
    one = Examined("x.yaml", [said, other], packages=["goodpkg"])
    groups = examine_experiments([one])
    failed = [check.subject for group in groups for check in group.checks if not check.ok]
    assert failed == ["x.yaml:4", "lab weights", "lab-absent"]


def test_experiments_together_have_one_list_of_packages(plugin):
    plugin("goodpkg", "click")
    plugin("midpkg", "goodpkg", "lab-absent", subject="other weights")
    names = {"x.yaml": "djsb-core", "y.yaml": "midpkg"}
    experiments = [Examined(title, packages=[name]) for title, name in names.items()]
    titles = [group.title for group in examine_experiments(experiments, ["goodpkg"])]
    assert [title.split()[0] for title in titles] == ["djsb-core", "midpkg", "goodpkg", "indirect"]
    assert examine_experiments([Examined("x.yaml")]) == []  # and none where none is used


# -- names -----------------------------------------------------------------------------------------


def test_a_plugin_may_be_named_shortly(plugin):
    plugin("djsb_lab2", "click")
    assert "djsb_lab2" in list_plugins()
    for name in ("djsb_lab2", "djsb-lab2", "lab2", "Lab2"):
        assert examine_experiments([], [name])[0].title == "djsb_lab2 1.0"
    with pytest.raises(RequestError, match="no plugin and no file 'lab3'; did you mean 'lab"):
        examine_experiments([], ["lab3"])


# -- as text and JSON ------------------------------------------------------------------------------

GROUPS = [
    CheckGroup(
        "lab 1.0",
        [
            DoctorCheck("fine", ok=True, finding="1.0"),
            DoctorCheck("good to have", ok=False, finding="-", required=False),
            DoctorCheck("b", ok=False, finding="word " * 30, remedy="pip install 'b>=1,<2'"),
        ],
    ),
    CheckGroup("/a/b", [DoctorCheck("/a/" + "long/" * 30, ok=True, finding="12 KiB")]),
]


def test_failures_come_first_with_their_remedy():
    lines = doctor_text(GROUPS, 80).splitlines()
    assert lines[0] == "lab 1.0"
    marks = [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "]
    assert marks == ["FAIL", "note", "ok", "ok", "ok", "ok"][: len(marks)]
    assert "→ pip install 'b>=1,<2'" in [line.strip() for line in lines]
    assert lines[-1] == "1 of 4 checks fails; 1 note"


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_no_line_is_wider_than_the_terminal(width):
    assert max(map(len, doctor_text(GROUPS, width).splitlines())) <= width


def test_names_of_packages_are_not_broken():
    long = "pip install --upgrade djsb-datajuicer; " * 4
    text = doctor_text(
        [CheckGroup("x", [DoctorCheck("a", ok=False, finding=long, remedy=long)])], 60
    )
    assert text.count("djsb-datajuicer") == 8


def test_a_long_subject_has_a_line_of_its_own():
    lines = doctor_text(GROUPS, 100).splitlines()
    assert lines[-2:-1] == [""]
    assert lines[-3].strip() == "12 KiB"
    assert set(lines[-4].strip().split("/")) == {"", "long"}


def test_the_last_line_counts():
    fine = CheckGroup("x", [DoctorCheck("a", ok=True, finding="1")])
    note = CheckGroup("y", [DoctorCheck("b", ok=False, finding="1", required=False)])
    assert doctor_text([fine]).splitlines()[-1] == "1 check, nothing is missing"
    assert doctor_text([fine, note]).endswith("\n2 checks, nothing is missing; 1 note")
    assert can_run([fine, note])
    assert not can_run(GROUPS)


def test_json_has_all_that_is_known(tmp_path):
    import json

    check = DoctorCheck("w", True, "x", kind=CheckKind.FILE, path=tmp_path, size=3, sha256="ab")
    assert json.loads(doctor_json([CheckGroup("lab 1.0", [check])])) == [
        {
            "group": "lab 1.0",
            "subject": "w",
            "ok": True,
            "finding": "x",
            "remedy": "",
            "kind": "file",
            "required": True,
            "path": str(tmp_path),
            "size": 3,
            "sha256": "ab",
            "location": [],
        }
    ]


def test_problems_of_a_file_are_checks():
    wrong = Problem("wrong: 7:8: x", file=Path("a b.yaml"), line=3, location=("work_dir",))
    absent = Problem("cannot be read", file=Path("c.yaml"))
    odd = Problem("odd", severity=Severity.WARNING)
    (group,) = examine_experiments([Examined("a b.yaml", [wrong, absent], warnings=[odd])])
    assert [(check.subject, check.finding) for check in group.checks] == [
        ("a b.yaml:3", "work_dir: wrong: 7:8: x"),
        ("experiment", "c.yaml: cannot be read"),
        ("experiment", "odd"),
    ]
    assert [check.required for check in group.checks] == [True, True, False]
    assert {check.kind for check in group.checks} == {CheckKind.CONFIG}
