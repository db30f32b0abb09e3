import tomllib
from pathlib import Path

import pytest

from djsb_core.interfaces.component import Component
from djsb_core.interfaces.kinds import Kind

ROOT = Path(__file__).parents[1]
OTHER_GROUPS = {"isolations", "listeners", "commands", "reporters", "checks"}


def test_groups_are_those_of_the_design():
    assert {kind.group for kind in Kind} == {
        "djsb.hooks",
        "djsb.data_executors",
        "djsb.data_analyzers",
        "djsb.recipe_refiners",
        "djsb.data_evaluators",
        "djsb.data_pool_manipulators",
        "djsb.general_probes",
        "djsb.general_data_executors",
        "djsb.model_train_executors",
        "djsb.model_infer_executors",
        "djsb.model_evaluators",
        "djsb.environments",
        "djsb.placements",
        "djsb.trackers",
    }


@pytest.mark.parametrize("kind", Kind)
def test_a_kind_is_known_by_its_interface(kind):
    assert Kind.of(kind.interface) is kind
    assert Kind.of(type("Mine", (kind.interface,), {})) is kind
    assert kind.label.replace(" ", "_") == kind.value.removesuffix("s")


def test_no_interface_hides_another():
    interfaces = {kind.interface for kind in Kind}
    assert len(interfaces) == len(Kind)
    assert all(issubclass(interface, Component) for interface in interfaces)


@pytest.mark.parametrize(
    "project",
    [ROOT / "djsb_core" / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml")],
    ids=lambda p: p.parent.name,
)
def test_packages_announce_to_groups_that_exist(project):
    groups = tomllib.loads(project.read_text())["project"]["entry-points"]
    known = {kind.value for kind in Kind} | OTHER_GROUPS
    assert {group.removeprefix("djsb.") for group in groups} <= known
