"""``djsb env``: what is listed, named and removed."""

import json

import pytest
from click.testing import CliRunner

from djsb.cli import djsb
from djsb_core.folders.files import DONE

ONE, TWO = "1111aaaa22223333", "1111bbbb44445555"


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Keep two environments, of which one is old, and what a killed build has left."""
    monkeypatch.setenv("DJSB_ENV_DIR", str(tmp_path / "environments"))
    root = tmp_path / "environments"
    for key, label, created in ((ONE, "mse (uv)", 1e9), (TWO, "clips", 2e9)):
        python = root / key / "20260101-000000-0000" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_bytes(b"x" * 2000)
        record = {"attempt": "20260101-000000-0000", "label": label, "manager": "uv"}
        record |= {"python": "3.11.7", "interpreter": "bin/python", "requirements": ["six"]}
        (root / key / DONE).write_text(json.dumps({**record, "created": created}))
    (root / "9999000099990000" / "20260101-000000-0000").mkdir(parents=True)
    return root


def run(*arguments):
    return CliRunner().invoke(djsb, ["env", *arguments])


def test_ls_is_a_table(root):
    lines = run("ls").stdout.splitlines()
    assert lines[0].split() == "name manager python size created last used key".split()
    assert any("mse (uv)" in line and "2.0 kB" in line and ONE[:12] in line for line in lines)
    assert lines[-1] == f"2 environments, 4.0 kB in {root}"


def test_ls_for_scripts(root):
    found = {one["key"]: one for one in json.loads(run("ls", "--json").stdout)}
    assert set(found) == {ONE, TWO}
    assert found[TWO]["name"] == "clips"
    assert found[TWO]["size"] == 2000
    assert found[TWO]["requirements"] == ["six"]
    assert found[TWO]["created"] == 2e9


def test_nothing_is_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("DJSB_ENV_DIR", str(tmp_path / "none"))
    assert run("ls").stdout == f"No environments are kept in {tmp_path}/none.\n"
    assert json.loads(run("ls", "--json").stdout) == []
    assert run("gc", "--older-than", "0d").stdout == "Removed 0 environments, freed 0 B.\n"
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "damage", [{"requirements": None}, {"created": "today"}, {"attempt": 3}, {"label": None}]
)
def test_a_record_that_was_damaged_counts_as_none(root, damage):
    record = json.loads((root / ONE / DONE).read_text())
    (root / ONE / DONE).write_text(json.dumps(record | damage))
    assert [one["key"] for one in json.loads(run("ls", "--json").stdout)] == [TWO]
    assert "and 2 unfinished" in run("gc").stdout


@pytest.mark.parametrize("name", ["clips", TWO, TWO[:5]])
def test_path_names_the_interpreter(root, name):
    assert run("path", name).stdout == f"{root}/{TWO}/20260101-000000-0000/bin/python\n"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("clisp", "no environment with the name or key prefix 'clisp'; did you mean 'clips'?"),
        ("1111", "'1111' matches several environments; use a key: "),
    ],
)
def test_what_is_no_name_is_refused(root, name, sentence):
    for command in ("path", "rm"):
        ran = run(command, name)
        assert ran.exit_code == 2
        assert sentence in ran.stderr


def test_rm_removes_what_is_named(root):
    assert run("rm", "clips", TWO).stdout == "Removed 1 environment, freed 2.0 kB.\n"
    assert not (root / TWO).exists()
    assert (root / ONE).exists()


def test_rm_needs_a_name(root):
    assert run("rm").exit_code == 2


def test_gc_removes_what_killed_builds_have_left(root):
    said = "0 environments and 1 unfinished"
    assert run("gc", "--dry-run").stdout == f"Would remove {said}, free 0 B.\n"
    assert run("gc").stdout == f"Removed {said}, freed 0 B.\n"
    assert {one.name for one in root.iterdir()} == {ONE, TWO, "locks"}


def test_gc_removes_what_was_not_used_for_long(root):
    (root / "logs").mkdir()
    (root / "logs" / f"{TWO}.log").touch()
    (root / "logs" / "9999000099990000.log").touch()
    assert run("gc", "--older-than", "30d").stdout.startswith("Removed 0 environments")
    ran = run("gc", "--older-than", "0d", "--dry-run")
    assert "Would remove 2 environments, free 4.0 kB." in ran.stdout
    assert f"{ONE[:12]}  mse (uv)  2.0 kB" in ran.stdout
    assert run("gc", "--older-than", "0d").stdout.endswith(
        "Removed 2 environments, freed 4.0 kB.\n"
    )
    assert {one.name for one in root.iterdir()} == {"locks", "logs"}
    assert list((root / "logs").iterdir()) == []


@pytest.mark.parametrize("age", ["30", "long", "-1d"])
def test_an_age_that_is_none_is_refused(root, age):
    ran = run("gc", f"--older-than={age}")
    assert ran.exit_code == 2
    assert f"'{age}' is not an age; examples: 30d" in ran.stderr
