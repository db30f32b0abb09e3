"""Ranges of packages: judged as pip judges them."""

import os
import re
import subprocess
import sys

import pytest
from packaging.requirements import Requirement

from djsb_core.machine.installed import installed_version
from djsb_core.machine.packages import check_packages, extras_of, wanted_packages

REQUIREMENTS = [
    "labdep>=1.0",
    "labdep>1.5",
    "labdep<1.5",
    "labdep>=1.0,<2",
    "labdep>=1.0,!=1.5",
    "labdep==1.*",
    "labdep~=1.4",
    "labdep~=1.5.1",
    "labdep===1.5",
    "LabDep",
    "lab-absent",
    "lab_absent>=2; python_version >= '3'",
    "lab-absent; python_version < '3'",
    "lab-absent; extra == 'more'",
    "labdep>9; sys_platform == 'nowhere'",
    "lab.pre>=2.0",
    "lab-pre<2.0",
    "lab-pre>=1",
    "lablocal==2.13.0",
    "lablocal<2.13.0",
    "lablocal>2.13.0",
    "lablocal==2.13.0+gpu",
    "labweird>=1",
]
VERSIONS = {"labdep": "1.5", "lab-pre": "2.0rc1", "lablocal": "2.13.0+cpu"}


@pytest.fixture
def distribute(tmp_path, monkeypatch):
    """Return a function that announces a package of some version and requirements."""
    folder = tmp_path / "distributions"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)

    def write(name, version, *requires, extras=()):
        info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(exist_ok=True)
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        lines += [f"Provides-Extra: {extra}" for extra in extras]
        lines += [f"Requires-Dist: {one}" for one in requires]
        (info / "METADATA").write_text("\n".join(lines) + "\n")
        return folder

    return write


def test_pip_says_the_same(distribute):
    for name, version in VERSIONS.items():
        folder = distribute(name, version)
    for i, requirement in enumerate(REQUIREMENTS):
        distribute(f"labuser{i}", "1.0", requirement, extras=["more"])
    ran = subprocess.run(
        [sys.executable, "-m", "pip", "check", "--disable-pip-version-check"],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    theirs = {int(one) for one in re.findall(r"^labuser(\d+) 1\.0 ", ran.stdout, re.MULTILINE)}
    ours = {
        i
        for i in range(len(REQUIREMENTS))
        if any(not one.fits for one in wanted_packages([f"labuser{i}"]))
    }
    assert {REQUIREMENTS[i] for i in ours} == {REQUIREMENTS[i] for i in theirs}
    assert 5 < len(theirs) < len(REQUIREMENTS)


def test_extras_that_are_asked_for_count(distribute):
    distribute("labuser", "1.0", "labdep[fast]>=1", "labdep>=1.2")
    distribute(
        "labdep", "1.5", "lab-plain", "lab-fast>=3; extra == 'fast'", extras=["fast", "slow"]
    )
    found = {one.name: one for one in wanted_packages(["labuser"])}
    assert set(found) == {"labdep", "lab-fast"}
    assert found["labdep"].check().finding == "1.5 (>=1.2)"
    assert found["lab-fast"].check().remedy == "pip install 'lab-fast>=3'"
    deep = {one.name for one in wanted_packages(["labuser"], deep=True)}
    assert deep == {"labdep", "lab-fast", "lab-plain"}


def test_a_circle_of_requirements_ends(distribute):
    distribute("labone", "1.0", "labtwo")
    distribute("labtwo", "1.0", "labone>=1")
    found = wanted_packages(["labone"], deep=True)
    assert [one.name for one in found] == ["labtwo", "labone"]


def test_what_several_ask_for_is_one_range(distribute):
    distribute("labdep", "1.5")
    distribute("labone", "1.0", "labdep>=1.0,<3")
    distribute("labtwo", "1.0", "labdep>=1.7,<=2.5,!=2.1")
    (one,) = wanted_packages(["labone", "labtwo"])
    check = one.check("it counts")
    assert (check.ok, check.required) == (False, False)
    assert check.finding == "1.5, but labone and labtwo require >=1.7,<=2.5,!=2.1; it counts"
    assert check.remedy == "pip install 'labdep>=1.7,<=2.5,!=2.1'"
    assert Requirement(check.remedy.split("'")[1]).specifier.contains("1.8")


@pytest.mark.parametrize(
    ("requirements", "shown"),
    [
        (["labdep>=1,>=2"], ">=2"),
        (["labdep>1,>=1"], ">1"),
        (["labdep<2,<=2"], "<2"),
        (["labdep>=1.0", "labdep>=1"], ">=1.0"),
        (["labdep~=1.4"], "~=1.4"),
        (["labdep"], ""),
    ],
)
def test_ranges_are_shown_lowest_first(distribute, requirements, shown):
    for i, requirement in enumerate(requirements):
        distribute(f"labuser{i}", "1.0", requirement)
    (one,) = wanted_packages([f"labuser{i}" for i in range(len(requirements))])
    assert one.range == shown


@pytest.mark.parametrize(
    ("ranges", "possible"),
    [
        ((">=2", "<2"), False),
        ((">=2", "<=2"), True),
        ((">2", "<=2"), False),
        ((">=1", "<2"), True),
        (("==1.5", "==1.6"), False),
        (("==1.5", ">=1.6"), False),
        (("==1.5", "==1.*"), True),
    ],
)
def test_ranges_that_exclude_each_other(distribute, ranges, possible):
    distribute("labdep", "9.0")
    for i, one in enumerate(ranges):
        distribute(f"labuser{i}", "1.0", f"labdep{one}")
    (one,) = wanted_packages(["labuser0", "labuser1"])
    assert one.possible is possible
    assert one.check().remedy.startswith("pip install" if possible else "no version satisfies all")


def test_an_absent_package_is_required(distribute):
    distribute("labuser", "1.0", "lab-absent[fast]>=2")
    (check,) = check_packages("labuser", {"lab_absent": "it draws", "unknown": "nothing"})
    assert (check.ok, check.required) == (False, True)
    assert check.sentence == (
        "lab-absent: not installed; it draws; pip install 'lab-absent[fast]>=2'"
    )


def test_a_package_that_is_installed_meanwhile_is_seen(distribute):
    assert installed_version("labdep") is None
    distribute("labdep", "1.5")
    assert installed_version("labdep") == "1.5"


def test_what_an_extra_adds(distribute):
    requires = ["labdep", "lab-absent; extra == 'more'", "labuser[more]; extra == 'all'"]
    distribute("labdep", "1.5")
    distribute("labuser", "1.0", *requires, extras=["more", "all"])
    names = {extra: [one.name for one in found] for extra, found in extras_of("labuser").items()}
    assert names == {"more": ["lab-absent"], "all": ["lab-absent"]}
    assert extras_of("lab-absent") == {}
    assert wanted_packages(["lab-absent"]) == []
