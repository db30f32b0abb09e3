from importlib.metadata import entry_points

import pytest

from djsb_core import discovery
from djsb_core.hookspecs import DoctorCheck
from djsb_core.report import doctor
from djsb_core.report.doctor import checks_table, find_checks

LISTENER = """
    from djsb_core.api import DoctorCheck, hookimpl

    @hookimpl
    def djsb_doctor_checks():
        yield DoctorCheck("lab weights", False, "not here", "fetch them")
        {more}
"""


@pytest.fixture(autouse=True)
def _only_lab_listeners(monkeypatch):
    """Leave out the listeners of other packages, which may look at a GPU."""

    def find(**query):
        return [entry for entry in entry_points(**query) if entry.name == "lab"]

    monkeypatch.setattr(discovery, "entry_points", find)


def checks():
    return {check.subject: check for check in find_checks()}


def test_the_core_checks_python_and_disk(monkeypatch):
    found = checks()
    assert found["python"].ok
    assert found["disk"].ok
    monkeypatch.setattr(doctor, "ENOUGH_DISK", 2**80)
    assert not checks()["disk"].ok
    assert checks()["disk"].remedy == "free at least 1 GiB"


def test_plugins_add_theirs(install):
    install("goodpkg", LISTENER.format(more=""), "[djsb.listeners]\nlab = goodpkg\n")
    assert checks()["lab weights"] == DoctorCheck("lab weights", False, "not here", "fetch them")


def test_a_plugin_whose_checks_fail_breaks_only_itself(install, caplog):
    install("badpkg", LISTENER.format(more="1 / 0"), "[djsb.listeners]\nlab = badpkg\n")
    found = checks()
    assert "lab weights" not in found
    assert "python" in found
    assert caplog.text.count("ZeroDivisionError") >= 1


def test_as_a_table():
    text = checks_table(
        [
            DoctorCheck("a", ok=True, finding="1.0"),
            DoctorCheck("b", ok=False, finding="-", remedy="get b"),
        ]
    )
    lines = text.splitlines()
    assert lines[-2].split() == ["a", "ok", "1.0"]
    assert lines[-1].split() == ["b", "MISSING", "-", "get", "b"]
