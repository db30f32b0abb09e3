"""Versions of packages in an isolated environment: those that are installed there."""

import os

from djsb.runner.requirements import required_versions, versions_in
from djsb_core.announced import ComponentInfo


def provide(folder, name, version):
    metadata = folder / f"{name}-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def test_an_environment_has_its_own_versions(tmp_path):
    place = tmp_path / "lib" / "python3.10" / "site-packages"
    provide(place, "some_library", "1.5")
    provide(place, "unasked", "3.0")
    wanted = ["some-library[extra]>=1; python_version>'3'", "Other.Library==2", "/a/wheel.whl"]
    expected = {"python": "3.10", "some-library": "1.5", "other-library": "not installed"}
    assert versions_in(tmp_path, wanted) == expected
    provide(place, "Other_Library", "2")
    os.utime(place, ns=(0, 1))
    assert versions_in(tmp_path, wanted) == {**expected, "other-library": "2"}


def test_an_environment_without_packages(tmp_path):
    assert versions_in(tmp_path, ["a"]) == {"python": "", "a": "not installed"}


def test_what_the_engine_requires_decides_nothing():
    core = ComponentInfo("mse", "djsb-core", "0.1.0", "djsb_core.evaluators.mse:MSEEvaluator")
    assert required_versions([core]).keys() == {"python"}
    refiner = ComponentInfo("x", "djsb-core", "0.1.0", "djsb_core.hooks.refine:X", ("yaml",))
    assert required_versions([refiner]).keys() == {"python", "pyyaml"}
    assert required_versions([core], ["Absent.Package"])["absent-package"] == "not installed"
