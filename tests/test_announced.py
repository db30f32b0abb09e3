"""Entry points are what ``importlib.metadata`` finds, wherever packages lie."""

import zipfile
from importlib.metadata import entry_points

import pytest

from djsb_core.announced import announced, package_of

GROUPS = ("djsb.hooks", "djsb.data_evaluators", "djsb.commands", "djsb.none")
ENTRIES = """
[console_scripts]
run = pkg:run

[djsb.data_evaluators]
# a comment
first=pkg:First
second = pkg.module:Second.inner [one, two]

[djsb.hooks]
Third = pkg : Third
"""
METADATA = "Metadata-Version: 2.1\nName: {}\nVersion: {}\n"


def of_library(group):
    return sorted(
        (entry.name, entry.value, entry.dist.name, entry.dist.version, tuple(entry.extras))
        for entry in entry_points(group=group)
    )


def of_djsb(group):
    return sorted(
        (entry.name, entry.value, *package_of(entry), entry.extras) for entry in announced(group)
    )


def same_as_library():
    found = {group: of_djsb(group) for group in GROUPS}
    assert found == {group: of_library(group) for group in GROUPS}
    return {name for entries in found.values() for name, *_ in entries}


def write(folder, name, version="1.0", entries=ENTRIES):
    folder.mkdir(parents=True)
    (folder / ("METADATA" if folder.suffix == ".dist-info" else "PKG-INFO")).write_text(
        METADATA.format(name, version)
    )
    if entries is not None:
        (folder / "entry_points.txt").write_text(entries)


def pack(folder, name, version, entries=ENTRIES):
    """Write an archive with the metadata of one package."""
    stem = f"{name.lower().replace('.', '_')}-{version}.dist-info"
    with zipfile.ZipFile(folder / "packages.zip", "w") as archive:
        archive.writestr(f"{stem}/METADATA", METADATA.format(name, version))
        archive.writestr(f"{stem}/entry_points.txt", entries)
    return folder / "packages.zip"


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Two folders at the head of the path."""
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in reversed(folders):
        folder.mkdir()
        monkeypatch.syspath_prepend(folder)
    return folders


def test_of_this_installation():
    groups = {group for group in entry_points().groups if group.startswith("djsb.")}
    assert len(groups) > 10
    for group in groups:
        assert of_djsb(group) == of_library(group)


def test_of_a_folder(path):
    write(path[0] / "my_pkg-1.0.dist-info", "my-pkg")
    assert {"first", "second", "Third"} <= same_as_library()
    (entry,) = [entry for entry in announced("djsb.data_evaluators") if entry.name == "second"]
    assert (entry.target, entry.extras) == ("pkg.module:Second.inner", ("one", "two"))


@pytest.mark.parametrize("name", ["pkg.egg-info", "pkg-1.0-py3.11.egg-info"])
def test_of_an_older_format(path, name):
    write(path[0] / name, "pkg")
    assert "first" in same_as_library()


def test_of_an_egg(tmp_path, monkeypatch):
    write(tmp_path / "pkg-1.0-py3.11.egg" / "EGG-INFO", "pkg")
    monkeypatch.syspath_prepend(tmp_path / "pkg-1.0-py3.11.egg")
    assert "first" in same_as_library()


def test_of_an_archive(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(pack(tmp_path, "pkg", "1.0"))
    assert "first" in same_as_library()


@pytest.mark.parametrize("entries", [ENTRIES, None])
@pytest.mark.parametrize(
    "other", ["my_pkg-2.0.dist-info", "My.Pkg-2.0.dist-info", "my__pkg-2.0.dist-info"]
)
def test_the_first_of_two_copies_counts(path, entries, other):
    write(path[0] / "my_pkg-1.0.dist-info", "my-pkg", entries=entries)
    write(path[1] / other, "my-pkg", "2.0")
    assert ("first" in same_as_library()) is (entries is not None)


def test_a_copy_in_an_archive_counts_as_one_in_a_folder(path, tmp_path, monkeypatch):
    write(path[0] / "my_pkg-1.0.dist-info", "my-pkg")
    monkeypatch.syspath_prepend(pack(tmp_path, "My.Pkg", "2.0"))
    assert "first" in same_as_library()
    assert [package_of(entry)[1] for entry in announced("djsb.hooks") if entry.name == "Third"] == [
        "2.0"
    ]


def test_two_copies_in_one_folder(path):
    for version in ("1.0", "2.0", "3.0"):
        write(path[0] / f"my_pkg-{version}.dist-info", "my-pkg", version)
    entries = [entry for entry in announced("djsb.hooks") if entry.name == "Third"]
    assert len(entries) == 1  # which of them depends on the file system


@pytest.mark.parametrize("name", ["PKG-1.0.DIST-INFO", "pkg.EGG-INFO"])
def test_of_a_folder_in_capitals(path, name):
    write(path[0] / name, "pkg")
    same_as_library()


@pytest.mark.parametrize(
    "entries",
    [
        "[djsb.hooks]\r\nThird = pkg:Third\r\n",
        "[djsb.hooks]\nThird = a:b\n[djsb.hooks]\nFourth = a:c\n",
        "\ufeff[djsb.hooks]\nThird = a:b\n",
        "Third = a:b\n[djsb.hooks\nThird = a:b\n",
        "# [djsb.hooks]\nThird = a:b\n",
        "[ djsb.hooks ]\nThird = a:b\n",
    ],
)
def test_odd_formatting(path, entries):
    write(path[0] / "pkg-1.0.dist-info", "pkg", entries=entries)
    same_as_library()


def test_what_is_no_entry_is_left_out(path):
    """For ``importlib.metadata`` it is an error that breaks every package."""
    write(path[0] / "pkg-1.0.dist-info", "pkg", entries="[djsb.hooks]\nThird\nFourth = a:b\n")
    assert "Fourth" in {entry.name for entry in announced("djsb.hooks")}
    assert "Third" not in {entry.name for entry in announced("djsb.hooks")}


def test_an_archive_that_cannot_be_read_breaks_nothing(path, tmp_path, monkeypatch):
    write(path[0] / "good-1.0.dist-info", "good")
    monkeypatch.syspath_prepend(pack(tmp_path, "odd", "1.0", b"[djsb.hooks]\n\xff = x:y\n"))
    assert "Third" in {entry.name for entry in announced("djsb.hooks")}


def test_what_cannot_be_read_is_left_out(path, monkeypatch):
    write(path[0] / "good-1.0.dist-info", "good")
    write(path[1] / "odd-1.0.dist-info", "odd", entries=None)
    (path[1] / "odd-1.0.dist-info" / "entry_points.txt").write_bytes(b"[djsb.hooks]\n\xff = x:y\n")
    monkeypatch.syspath_prepend(path[0] / "no such folder")
    assert [entry.name for entry in announced("djsb.hooks") if entry.name == "Third"] == ["Third"]
