"""A work_dir from someone else is data: damaged, moved, read-only, or made to deceive."""

import json
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from djsb.cli import djsb

pytest.importorskip("djsb_report")

COMMANDS = [
    ["runs", "w"],
    ["runs", "w", "--json"],
    ["runs", "w", "--csv"],
    ["show", "last", "w"],
    ["show", "last", "w", "--json"],
    ["show", "last", "train_model", "w"],
    ["compare", "last", "last~1", "w"],
    ["compare", "last", "last~1", "w", "--json"],
    ["report", "last", "w", "-o", "out.html"],
    ["report", "last", "w", "--against", "last~1", "-o", "out.html", "--with-inputs"],
]
TABLES = ("runs", "jobs", "metrics", "artifacts", "targets")
DEEP = "[" * 500 + "]" * 500
VALUES = [
    None, "", "x", "\0", "../../etc/passwd", "/etc/passwd", "/", "a" * 5000, "/" + "a" * 300 + "/b",
    0, -1, 3, 2**62, -(2**62), 1e300, float("inf"), -1e18, b"\xff\xfe", b"", "{", "[]", "{}",
    "null", "[1]", '{"a": 1}', '{"dj_configs": 1, "extra_configs": [2]}', '{"a": ' + DEEP + "}",
    '{"metrics": 1}', '{"metrics": [[1]], "samples": 5}', "NaN", "float:nan", "float:x", "samples",
    "finished", "cached", "probe", "1e999", '{"a": 1e999, "b": NaN}', "\x1b]0;x\x07", "9" * 5000,
    '{"pipelines": 5, "evaluation_job_configs": [5, {"meta_name": 1, "input": 3}]}',
]  # fmt: skip


@pytest.fixture
def foreign(lab):
    """Record two runs."""
    for epochs in (1, 2):
        over = f"execution_job_configs.1.extra_configs.train.max_epochs={epochs}"
        lab.run(None, "work_dir=w", over)
    return lab


def invoke(*arguments):
    result = CliRunner().invoke(djsb, arguments)
    expected = result.exception is None or isinstance(result.exception, SystemExit)
    assert expected, f"{arguments}: {result.exception!r}"
    assert "Traceback" not in result.output
    return result


@contextmanager
def changed(statement, *values):
    """Change the database of a copy while the block runs, which stands in the place of ``w``."""
    Path("w").rename("intact")
    shutil.copytree("intact", "w", symlinks=True)
    try:
        refused = (sqlite3.IntegrityError, OverflowError)  # SQLite itself does
        with closing(sqlite3.connect("w/djsb.sqlite")) as database, suppress(*refused), database:
            database.execute(statement, values)
        yield
    finally:
        shutil.rmtree("w")
        Path("intact").rename("w")


def columns():
    with closing(sqlite3.connect("w/djsb.sqlite")) as database:
        for table in TABLES:
            for row in database.execute(f"PRAGMA table_info({table})"):
                yield table, row[1]


@pytest.mark.parametrize("most", [1, pytest.param(100, marks=pytest.mark.slow)])
def test_no_value_of_any_column_is_more_than_a_sentence(foreign, most):
    choose = random.Random(5)  # noqa: S311 (the same values each time)
    for table, column in columns():
        for value in choose.sample(VALUES, min(most, len(VALUES))):
            last = f" WHERE rowid = (SELECT max(rowid) FROM {table})"  # noqa: S608
            change = f"UPDATE OR IGNORE {table} SET {column} = ?"  # noqa: S608
            change += choose.choice(["", last])
            with changed(change, value):
                for command in choose.sample(COMMANDS, 3 if most == 1 else len(COMMANDS)):
                    try:
                        invoke(*command)
                    except AssertionError as error:
                        raise AssertionError(f"{table}.{column} = {value!r}") from error


OUTSIDE = "TEXT-OF-THE-READER"


def check_nothing_is_read(lab):
    for command in COMMANDS:
        result = invoke(*command)
        page = lab.folder / "out.html"
        shown = result.output + (page.read_text() if page.exists() else "")
        assert OUTSIDE not in shown, command
        page.unlink(missing_ok=True)


def test_symbolic_links_that_lead_outside_are_not_followed(foreign):
    secret = foreign.write("secret.json", f'{{"{OUTSIDE}": "{OUTSIDE}"}}')
    for pattern in ("runs/*/*/log.txt", "runs/*/environment.json", "cache/*/*/*/*.json"):
        for path in list(Path("w").glob(pattern)):
            path.unlink()
            path.symlink_to(secret)
    assert invoke("show", "last", "train_model", "w").exit_code == 0
    check_nothing_is_read(foreign)


def test_recorded_paths_that_lead_outside_are_not_opened(foreign):
    rows = "".join(f'{{"text": "{OUTSIDE} {number}"}}\n' for number in range(9))
    outside = foreign.write("outside/log.txt", rows)
    shutil.copy(outside, "outside/kept.jsonl")
    folder = str(outside.parent)
    outputs = json.dumps({"processed_dataset_path": f"{folder}/kept.jsonl"})
    with closing(sqlite3.connect("w/djsb.sqlite")) as database, database:
        database.execute("UPDATE jobs SET folder = ?, outputs = ?", (folder, outputs))
        database.execute("UPDATE artifacts SET path = ?", (f"{folder}/kept.jsonl",))
    check_nothing_is_read(foreign)
    with closing(sqlite3.connect("w/djsb.sqlite")) as database, database:
        database.execute("UPDATE runs SET folder = ?", (folder,))
        database.execute("UPDATE jobs SET files = ?", (f"{folder}/x",))
    check_nothing_is_read(foreign)
    shutil.rmtree("w/runs")  # else the records are taken for those of a moved work_dir
    refused = invoke("report", "last", "w")
    assert refused.exit_code == 2
    assert "the run's folder is not in w; name a file: -o FILE" in refused.output
    assert not list(outside.parent.glob("report*"))


def test_inputs_are_read_only_when_the_reader_asks(foreign):
    foreign.write("data.jsonl", "".join(f'{{"text": "{"y" * n}"}}\n' for n in range(1, 20)))
    foreign.run(None, "work_dir=w")
    invoke("report", "last", "w", "-o", "out.html")
    assert "yyyyy" not in Path("out.html").read_text()
    invoke("report", "last", "w", "-o", "out.html", "--with-inputs")
    assert "yyyyy" in Path("out.html").read_text()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"packages": 5, "gpus": 1}', "\xff", "[" * 5000])
def test_damaged_files_beside_the_store(foreign, text):
    for pattern in ("*/*/log.txt", "*/environment.json", "*/*/files/*.json"):
        for path in Path("w/runs").glob(pattern):
            path.write_bytes(text.encode("latin-1"))
    for command in COMMANDS:
        invoke(*command)


@pytest.mark.parametrize("kind", ["text", "cut", "empty"])
def test_a_damaged_database_is_a_sentence(foreign, kind):
    whole = Path("w/djsb.sqlite").read_bytes()
    content = {"text": b"no database" * 100, "cut": whole[: len(whole) // 2], "empty": b""}[kind]
    Path("w/djsb.sqlite").write_bytes(content)
    for command in COMMANDS:
        assert invoke(*command).exit_code in (0, 2)


@pytest.mark.parametrize("has_log", [False, True])
def test_a_read_only_disk_can_be_read(foreign, has_log):
    if not sys.platform.startswith("linux"):
        pytest.skip("a disk is mounted with tmpfs, which is of Linux")
    shutil.move("w", "copy")
    disk = foreign.folder / "w"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", disk], check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        shutil.copytree("copy", disk, symlinks=True, dirs_exist_ok=True)
        writer = sqlite3.connect(disk / "djsb.sqlite")
        if has_log:  # a process was killed: what it wrote last is not in the database yet
            writer.execute("PRAGMA wal_autocheckpoint=0")
            with writer:
                writer.execute("UPDATE runs SET reason = 'of the log'")
            log = (disk / "djsb.sqlite-wal").read_bytes()
        writer.close()
        if has_log:
            (disk / "djsb.sqlite-wal").write_bytes(log)
            (disk / "djsb.sqlite-shm").unlink(missing_ok=True)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        for command in COMMANDS:
            assert invoke(*command).exit_code == 0, command
        if has_log:
            assert "of the log" in invoke("show", "last", "w", "--json").output
        refused = invoke("report", "last", "w")
        assert refused.exit_code == 2
        assert "name another file: -o FILE" in refused.output
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
