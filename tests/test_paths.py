from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from djsb_core.interfaces.component import ComponentConfig
from djsb_core.interfaces.paths import InputPath, OutputPath, PathContext, paths_of


class Inner(BaseModel):
    read: InputPath | None = None
    written: OutputPath | None = None


class Config(ComponentConfig):
    required: InputPath
    optional: InputPath | None = None
    many: tuple[InputPath, ...] = ()
    one_or_many: InputPath | tuple[InputPath, ...] = ()
    written: OutputPath = Path("default.txt")
    inner: Inner = Inner()
    other: Path = Path("neither")


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Two folders with a file each, and one with both; the first is the working directory."""
    here, there = tmp_path / "here", tmp_path / "there"
    for folder, names in ((here, "ab"), (there, "bc")):
        folder.mkdir()
        for name in names:
            (folder / name).write_text(f"{folder.name} {name}")
    monkeypatch.chdir(here)
    return here, there


def find(folders, name, **context):
    found = Config.model_validate({"required": name}, context=PathContext(folders, **context))
    return found.required


@pytest.mark.parametrize(
    ("name", "text"),
    [("a", "here a"), ("b", "here b"), ("c", "there c"), ("./../there/b", "there b")],
)
def test_the_first_folder_that_has_the_file_wins(folders, name, text):
    found = find(folders, name)
    assert found.is_absolute()
    assert found.read_text() == text


def test_a_folder_and_an_absolute_path_are_found_too(folders):
    assert find(folders, ".") == folders[0]
    assert find(folders, str(folders[1] / "c")) == folders[1] / "c"


def test_the_home_folder_is_expanded(folders, monkeypatch):
    monkeypatch.setenv("HOME", str(folders[1]))
    assert find(folders, "~/c") == folders[1] / "c"


@pytest.mark.parametrize(
    "name", ["d", "a/b", "x" * 300, "/" + "y" * 300, "~no-such-user-here/x", "a\0b"]
)
def test_what_is_not_there_names_every_folder_once(folders, name):
    with pytest.raises(ValidationError, match="no such file or folder: ") as caught:
        find((*folders, folders[0]), name)
    (error,) = caught.value.errors()
    assert error["msg"].endswith(f"(looked in {folders[0]} and {folders[1]})")


def test_expected_files_need_not_exist(folders):
    here, _ = folders
    expected = frozenset({here / "later"})
    assert find(folders, "later", expected=expected) == here / "later"
    assert find(folders, "later/inside/deep", expected=expected) == here / "later/inside/deep"
    with pytest.raises(ValidationError):
        find(folders, "later.txt", expected=expected)


def test_without_a_context_the_working_directory_counts(folders):
    assert Config(required="a").required == folders[0] / "a"
    with pytest.raises(ValidationError):
        Config(required="c")


def test_paths_by_role(folders):
    here, _ = folders
    config = Config(
        required="a", many=["b", "a"], one_or_many="b", inner={"read": "a", "written": "w"}
    )
    assert paths_of(config, writes=False) == [here / n for n in ("a", "b", "a", "b", "a")]
    assert paths_of(config, writes=True) == [here / "default.txt", here / "w"]


def test_paths_of_an_unfinished_config(folders):
    unfinished = Config.model_construct(written="out.txt")
    assert paths_of(unfinished, writes=True) == [folders[0] / "out.txt"]
    assert paths_of(unfinished, writes=False) == []
