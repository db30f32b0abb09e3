import pytest

from djsb_modelscope.final import replace_folder


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.fixture
def work_dir(tmp_path):
    for name in ("final", "final.partial", "output"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "old").touch()
    return tmp_path


def test_the_new_folder_takes_the_place_of_the_old(work_dir):
    with replace_folder(work_dir) as folder:
        (folder / "new").touch()
        assert "final/old" in names(work_dir)
    assert names(work_dir) == ["final", "final/new"]


def test_an_interruption_leaves_the_old_folder_and_no_half_one(work_dir):
    with pytest.raises(KeyboardInterrupt), replace_folder(work_dir) as folder:  # noqa: PT012
        (folder / "new").touch()
        raise KeyboardInterrupt
    assert [name for name in names(work_dir) if "final" in name] == ["final", "final/old"]
