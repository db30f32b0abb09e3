"""Folders and their disks, as ``djsb doctor`` sees them."""

import os
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from djsb.doctor.folders import check_folders, check_temporary_folder
from djsb_core.hookspecs import CheckKind


def test_folders_and_their_disk(tmp_path):
    before = sorted(tmp_path.rglob("*"))
    there, new, disk = check_folders({"work_dir": tmp_path, "cache": tmp_path / "a" / "b"})
    assert (there.subject, there.finding) == ("work_dir", f"{tmp_path} is writable")
    assert new.finding == f"{tmp_path}/a/b will be created"
    assert disk.subject == "disk of work_dir"
    assert disk.finding.endswith("GB free; also of cache")
    assert [one.kind for one in (there, new, disk)] == [
        CheckKind.ACCESS, CheckKind.ACCESS, CheckKind.DISK
    ]  # fmt: skip
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    check = check_folders({"work_dir": tmp_path / "file" / "x"})[0]
    assert not check.ok
    assert check.finding == f"cannot use {tmp_path}/file/x: {tmp_path}/file is not a folder"


def test_a_folder_that_cannot_be_written_to():
    check = check_folders({"work_dir": Path("/proc/djsb")})[0]  # not even by root
    assert not check.ok
    assert check.required
    assert check.finding.startswith("cannot use /proc/djsb: /proc: ")


@pytest.mark.parametrize(
    ("free", "ok", "required"),
    [(10**9, True, False), (10**9 - 1, False, False), (10**8 - 1, False, True)],
)
def test_how_much_room_is_enough(monkeypatch, tmp_path, free, ok, required):
    usage = SimpleNamespace(free=free, total=2**40)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    check = check_folders({"work_dir": tmp_path})[-1]
    assert (check.ok, check.required, check.size) == (ok, required, free)
    assert bool(check.remedy) is not ok


@pytest.mark.parametrize("flag", [0, os.ST_NOEXEC])
def test_programs_in_the_temporary_folder(monkeypatch, flag):
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_flag=flag))
    check = check_temporary_folder()
    assert (check.ok, check.required) == (not flag, False)
    assert check.path == Path(tempfile.gettempdir())
    assert ("TMPDIR" in check.remedy) is bool(flag)
