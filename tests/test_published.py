import tomllib
from pathlib import Path

from djsb_core.discovery import COMMANDS, REPORTERS
from djsb_core.interfaces.kinds import Kind
from djsb_core.published import CORE, NONE, PACKAGES, PLANNED, TRACKER_SIGNS, advise

ROOT = Path(__file__).parents[1]


def test_every_group_is_one_of_a_kind():
    assert set(PACKAGES) <= {COMMANDS, REPORTERS, *(kind.group for kind in Kind)}


def test_signs_are_of_known_trackers():
    assert set(TRACKER_SIGNS) <= set(PACKAGES[Kind.TRACKER.group])


def test_only_packages_that_exist_are_to_be_installed():
    """What a package is said to provide, one in this repository announces, and nothing else."""
    announced = {}
    for file in ROOT.glob("**/pyproject.toml"):
        project = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
        for group, names in project.get("entry-points", {}).items():
            announced |= {(group, name): project["name"] for name in names}
    for group, packages in PACKAGES.items():
        for name, package in packages.items():
            expected = {announced[group, name]} if (group, name) in announced else {PLANNED, NONE}
            assert package in expected, (group, name)


def test_what_is_absent_is_to_be_installed(monkeypatch):
    monkeypatch.setitem(PACKAGES, "djsb.reporters", {"html": "djsb-no-such-package"})
    assert advise("djsb.reporters", "html") == (
        "it comes with djsb-no-such-package: pip install djsb-no-such-package"
    )


def test_what_the_installed_version_lacks_is_to_be_upgraded(monkeypatch):
    monkeypatch.setitem(PACKAGES, "djsb.hooks", {"New": CORE})
    assert advise("djsb.hooks", "New").endswith(
        "a later version does: pip install --upgrade djsb-core"
    )


def test_what_is_planned_is_not_to_be_installed():
    for name in ("ProbeViaModelInferHook", "RefineRecipeViaModelFeedbackHook"):
        assert advise("djsb.hooks", name) == (
            "it is not there yet: a later version of djsb brings it"
        )


def test_what_no_package_has_yet():
    assert advise("djsb.model_infer_executors", "vllm").startswith("no package provides it yet")


def test_other_names_are_left_to_the_spelling_hint():
    assert advise("djsb.data_evaluators", "vbench") is None
    assert advise("djsb.data_evaluators", ["vbench_video_evaluator"]) is None
    assert advise("djsb.no_group", "vllm") is None
