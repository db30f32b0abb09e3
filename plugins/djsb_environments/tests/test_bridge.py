"""The folder through which another interpreter sees the code that runs here."""

import os
import shutil
import subprocess
import sys
import time
import zipfile

import pytest

import djsb_core
from djsb_core.errors import RequestError
from djsb_environments.bridge import bridge, remove_unused

ENTRIES = "[djsb.data_evaluators]\nthing = {0}:Thing\n"


def see(folder, code):
    """Run code in an interpreter that sees nothing but the folder and the standard library."""
    ran = subprocess.run(
        [sys.executable, "-S", "-P", "-c", code],
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_the_very_same_code_is_imported(tmp_path):
    folder = bridge(tmp_path, ["djsb-core"])
    code = "import djsb_core, os; print(os.path.realpath(djsb_core.__file__))"
    assert see(folder, code) == os.path.realpath(djsb_core.__file__)


def test_nothing_else_is_there(tmp_path):
    folder = bridge(tmp_path, ["djsb-core"])
    assert {one.name.partition("-")[0] for one in folder.iterdir()} == {"djsb_core"}


def test_entry_points_are_found_with_their_package(tmp_path, install):
    install("onepkg", "class Thing: ...", ENTRIES.format("onepkg"))
    folder = bridge(tmp_path / "linked", ["onepkg"])
    code = """
        from importlib.metadata import entry_points
        (one,) = entry_points(group="djsb.data_evaluators")
        print(one.name, one.dist.name, one.dist.version, one.load().__name__)
    """
    assert see(folder, "\n".join(line.strip() for line in code.splitlines())) == (
        "thing onepkg 1.0 Thing"
    )


def test_packages_and_modules_of_an_installed_wheel_are_found(tmp_path, install):
    install("widepkg", "class Thing: ...", ENTRIES.format("widepkg"))
    site = tmp_path / "site-packages"
    (site / "widepkg_more").mkdir()
    (site / "widepkg_more" / "__init__.py").write_text("value = 3")
    (site / "widepkg_spaced").mkdir()  # a namespace: it has no __init__.py
    (site / "widepkg_spaced" / "part.py").write_text("value = 4")
    (site / "widepkg_listed.py").write_text("value = 5")
    metadata = site / "widepkg-1.0.dist-info"
    files = ["widepkg.py", "widepkg_more/__init__.py", "widepkg_spaced/part.py", "../bin/wide"]
    (metadata / "RECORD").write_text("".join(f"{one},,\n" for one in files))
    (metadata / "top_level.txt").write_text("widepkg_listed\n")
    folder = bridge(tmp_path / "linked", ["widepkg"])
    code = "import widepkg, widepkg_more, widepkg_listed, widepkg_spaced.part as part"
    assert see(folder, f"{code}; print(widepkg_more.value, part.value, widepkg_listed.value)") == (
        "3 4 5"
    )


def test_the_same_folder_is_used_again(tmp_path):
    folder = bridge(tmp_path, ["djsb-core"])
    assert bridge(tmp_path, ("djsb-core",)) == folder
    assert [one.name for one in tmp_path.iterdir()] == [folder.name]


def test_code_that_has_moved_makes_another_one(tmp_path, install, monkeypatch):
    install("movepkg", "class Thing: ...", ENTRIES.format("movepkg"))
    first = bridge(tmp_path / "linked", ["movepkg"])
    site = (tmp_path / "site-packages").rename(tmp_path / "elsewhere")
    monkeypatch.syspath_prepend(site)
    sys.modules.pop("movepkg", None)
    second = bridge(tmp_path / "linked", ["movepkg"])
    assert first != second
    assert see(second, "import movepkg; print(movepkg.Thing.__name__)") == "Thing"
    remove_unused(tmp_path / "linked", before=0)
    assert list((tmp_path / "linked").iterdir()) == [second]


def test_one_that_was_damaged_is_made_anew(tmp_path):
    folder = bridge(tmp_path, ["djsb-core"])
    (folder / "djsb_core").unlink()
    shutil.rmtree(next(folder.glob("*.dist-info")))
    assert bridge(tmp_path, ["djsb-core"]) == folder
    assert see(folder, "import djsb_core; print(1)") == "1"
    assert [one.name for one in tmp_path.iterdir()] == [folder.name]


def test_a_package_without_code_is_named(tmp_path, write_metadata, monkeypatch):
    site = tmp_path / "site"
    site.mkdir()
    write_metadata(site, "emptypkg", "[djsb.data_evaluators]\nx = no_such_module_here:X\n")
    monkeypatch.syspath_prepend(site)
    with pytest.raises(RequestError, match=r"cannot find the code of emptypkg 1\.0"):
        bridge(tmp_path / "linked", ["emptypkg"])
    with pytest.raises(RequestError, match="no-such-package is not installed"):
        bridge(tmp_path / "linked", ["no-such-package"])


def test_code_in_an_archive_is_told(tmp_path, write_metadata, monkeypatch):
    """No folder of links can show it."""
    site, egg = tmp_path / "site", tmp_path / "zippedpkg.egg"
    site.mkdir()
    write_metadata(site, "zippedpkg", ENTRIES.format("zippedpkg"))
    with zipfile.ZipFile(egg, "w") as archive:
        archive.writestr("zippedpkg/__init__.py", "class Thing: ...")
    monkeypatch.syspath_prepend(site)
    monkeypatch.syspath_prepend(egg)
    with pytest.raises(RequestError, match=r"cannot find the code of zippedpkg 1\.0; reinstall"):
        bridge(tmp_path / "linked", ["zippedpkg"])


def test_those_that_were_not_used_for_long_are_removed(tmp_path):
    folder = bridge(tmp_path, ["djsb-core"])
    remove_unused(tmp_path, before=time.time() - 60)
    assert folder.exists()
    remove_unused(tmp_path, before=time.time() + 60)
    assert not folder.exists()
    remove_unused(tmp_path / "gone", before=0)
