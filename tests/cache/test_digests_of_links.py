"""Digests of linked, deep and forbidden files and folders."""

import hashlib
import os
import subprocess

import pytest

from djsb_core.errors import RequestError


def test_links_are_followed(digests, write, tmp_path):
    target = write("elsewhere/data/file.txt", "1")
    write("plain/file.txt", "1")
    write("plain/sub/file.txt", "1")
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "file.txt").symlink_to(target)
    (linked / "sub").symlink_to(target.parent)
    first = digests.path(linked)
    assert first == digests.path(tmp_path / "plain")
    target.write_text("2")
    assert digests.path(linked) != first


def test_links_that_lead_nowhere_or_back_do_not_hang(digests, write, tmp_path):
    folder = write("folder/sub/file.txt", "1").parents[1]
    (folder / "broken").symlink_to("nowhere")
    (folder / "itself").symlink_to("itself")
    (folder / "sub" / "up").symlink_to("..")
    knots = tmp_path / "knots"
    (folder / "sub" / "knots").symlink_to(knots)
    for i in range(12):  # each leads to all the others: 12! ways through
        (knots / str(i)).mkdir(parents=True)
        for j in range(12):
            (knots / str(i) / str(j)).symlink_to(knots / str(j))
    first = digests.path(folder)
    assert digests.path(folder) == first
    (folder / "broken").unlink()
    assert digests.path(folder) != first


def test_very_deep_folders_are_walked(digests, tmp_path):
    deep = tmp_path / "/".join(["d"] * 1500)
    # Not by Python: its own functions for this call themselves for each level.
    subprocess.run(["mkdir", "-p", deep], check=True)
    try:
        (deep / "f").write_text("1")
        first = digests.path(tmp_path / "d")
        (deep / "f").write_text("2")
        assert digests.path(tmp_path / "d") != first
    finally:
        subprocess.run(["rm", "-r", tmp_path / "d"], check=True)


@pytest.mark.parametrize("call", ["scandir", "stat"])
def test_what_may_not_be_looked_at_is_named(digests, write, tmp_path, monkeypatch, call):
    write("folder/sub/file", "1")
    real = getattr(os, call)

    def refuse(path, **options):
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", path)
        return real(path, **options)

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(RequestError, match="folder/sub: cannot be read: Permission denied"):
        digests.path(tmp_path / "folder")


def test_a_read_error_is_one_message(digests, write, monkeypatch):
    path = write("file", "1")

    def fail(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(hashlib, "file_digest", fail)
    with pytest.raises(RequestError, match="file: cannot be read: Input/output error"):
        digests.path(path)
