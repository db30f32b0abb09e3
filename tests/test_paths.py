from pathlib import Path

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

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


# -- results of earlier jobs -----------------------------------------------------------------------


@pytest.fixture
def made(folders, tmp_path):
    """A file and a folder that earlier jobs made, under the paths that their settings name."""
    here, _ = folders
    folder = tmp_path / "made"
    (folder / "model").mkdir(parents=True)
    (folder / "kept").write_text("made")
    (folder / "model" / "weights").write_text("made")
    return {here / "out/kept": folder / "kept", here / "out/model": folder / "model"}


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("out/kept", "kept"),
        ("./out/../out/kept", "kept"),
        ("out/model", "model"),
        ("out/model/weights", "model/weights"),
        ("out/iter_1/kept", "kept"),
        ("out/model/iter_1", "model"),
        ("out/iter_1/model/weights", "model/weights"),
        ("out/model/iter_1/weights", "model/weights"),
    ],
)
def test_results_are_found_by_the_path_that_settings_name(folders, made, tmp_path, name, place):
    assert find(folders, name, placed=made) == tmp_path / "made" / place


def test_a_result_of_an_earlier_job_wins_over_an_old_file(folders, made, tmp_path):
    (folders[0] / "out").mkdir()
    (folders[0] / "out/kept").write_text("old")
    assert find(folders, "out/kept", placed=made).read_text() == "made"
    assert find(folders, "out/kept").read_text() == "old"


def test_what_a_result_does_not_have_may_be_there_all_the_same(folders, made):
    (folders[0] / "out/model").mkdir(parents=True)
    (folders[0] / "out/model/mine").write_text("mine")
    assert find(folders, "out/model/mine", placed=made) == folders[0] / "out/model/mine"


@pytest.mark.parametrize("name", ["out/model/none", "out/keptt", "out/iter_x/kept", "kept"])
def test_what_no_job_made_is_not_found(folders, made, name):
    with pytest.raises(ValidationError, match="no such file or folder"):
        find(folders, name, placed=made)


def test_the_first_of_two_results_wins(folders, made, tmp_path):
    other = tmp_path / "other"
    other.write_text("other")
    inside = folders[0] / "out/model/weights"
    assert find(folders, "out/model/weights", placed={inside: other, **made}) == other
    assert find(folders, "out/model/weights", placed={**made, inside: other}).read_text() == "made"


def test_expected_results_have_the_name_of_the_first_iteration_too(folders):
    expected = frozenset({folders[0] / "out/kept"})
    assert find(folders, "out/iter_1/kept", expected=expected) == folders[0] / "out/kept"


def test_a_file_in_a_folder_called_like_an_iteration_is_that_file(folders, made):
    (folders[0] / "out/iter_1").mkdir(parents=True)
    (folders[0] / "out/iter_1/b").write_text("there")
    assert find(folders, "out/iter_1/b", placed=made) == folders[0] / "out/iter_1/b"


def written(folders, name, **context):
    config = Config.model_validate(
        {"required": "a", "written": name}, context=PathContext(folders, **context)
    )
    return config.written


def test_results_are_written_where_they_are_to_be_made(folders, monkeypatch):
    here, there = folders
    outputs = {here / "out/kept": there / "made"}
    for name in ("out/kept", "./out/kept", str(here / "out/kept")):
        assert written(folders, name, outputs=outputs) == there / "made"
    assert written(folders, "out/other", outputs=outputs) == here / "out/other"
    monkeypatch.setenv("HOME", str(here / "out"))
    assert written(folders, "~/kept", outputs=outputs) == there / "made"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("~no-such-user/x", "no such user's home: '~no-such-user/x'"),
        ("a\0b", "NUL character"),
        ("x" * 5000, "a name in this path has 5,000 bytes"),
        ("x/" * 2500, "this path has"),
        ("\ud800", "half of a surrogate pair"),
    ],
)
def test_a_result_that_can_be_nowhere_is_refused(path, said):
    with pytest.raises(ValidationError, match=said):
        TypeAdapter(OutputPath).validate_python(path)
