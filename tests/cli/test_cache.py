import hashlib
import json
import time

import pytest
from click.testing import CliRunner

from djsb.cache.cache import Cache
from djsb.cli import djsb
from djsb.store.store import Store


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DJSB_CACHE_DIR", raising=False)

    def call(*arguments):
        return CliRunner().invoke(djsb, ["cache", *map(str, arguments)], prog_name="djsb")

    return call


@pytest.fixture
def made(tmp_path):
    """Return the entry of a finished run's only job, in the work_dir ``w``."""
    store = Store(tmp_path / "w")
    run = store.add_run(names=("p", "e"), experiment=tmp_path, settings={}).id
    key = hashlib.sha256(b"").hexdigest()
    names = {"pipeline": "main", "meta_name": "probe", "hook": "Echo", "iteration": 0}
    place = {"stage": "s", "position": 0, "folder": str(tmp_path / "w" / "f")}
    store.add_job(run, **names, **place, status="finished", fingerprint=key)
    store.end_run(run, "finished", 1.0)
    store.close()
    cache = Cache(tmp_path / "w" / "cache")
    folder = cache.begin(key, {"format": 1})
    rest = {"component": None, "outputs": {}, "points": [], "artifacts": [], "seconds": 1.0}
    return cache.commit(key, folder, {**names, **rest, "run": run, "created": time.time()}, [])


def test_ls(invoke, made):
    result = invoke("ls", "w")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[2].startswith(f"{made.key[:12]}  main.probe  Echo ")
    assert "1 entry, " in result.stdout
    (found,) = json.loads(invoke("ls", "w", "--json").stdout)
    assert found["folder"] == str(made.folder)


def test_ls_of_an_experiment_file(invoke, made, tmp_path):
    (tmp_path / "sandbox.yaml").write_text("work_dir: w\n")
    assert invoke("ls").stdout == invoke("ls", "sandbox.yaml").stdout == invoke("ls", "w").stdout


def test_a_named_cache_is_used(invoke, made, tmp_path, monkeypatch):
    monkeypatch.setenv("DJSB_CACHE_DIR", str(tmp_path / "all"))
    assert invoke("ls", "w").stdout == f"The cache in {tmp_path}/all is empty.\n"


def test_why(invoke, made):
    result = invoke("why", "probe", "w")
    assert result.exit_code == 0
    assert "first execution of this hook and component" in result.stdout
    assert invoke("why", "main.probe", "w", "--run", made.run_id).stdout == result.stdout


def test_rm(invoke, made):
    result = invoke("rm", made.key[:4], "-w", "w")
    assert result.exit_code == 0
    assert result.stdout.startswith("Removed 1 entry, freed ")
    assert "Run folders link into the cache" in result.stdout
    assert not made.folder.exists()


def test_rm_all(invoke, made):
    assert invoke("rm", "--all", "--work-dir", "w").stdout.startswith("Removed 1 entry")
    assert not made.folder.exists()


def test_gc(invoke, made):
    assert invoke("gc", "w").stdout.startswith("Removed 0 entries")
    assert "Would remove 1 entry" in invoke("gc", "w", "--max-size", "0", "--dry-run").stdout
    assert made.folder.exists()
    result = invoke("gc", "w", "--max-size", "0")
    assert "Removed 1 entry, " in result.stdout
    assert "Run folders link into the cache" in result.stdout
    assert not made.folder.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ls", "."], "no runs in"),
        (["ls", "none"], "no such experiment file or work_dir: 'none'"),
        (["lss"], "No such command 'lss'"),
        (["why", "nothing", "w"], "no job 'nothing' in run"),
        (["why", "probe", "w", "--run", "none"], "no run 'none'"),
        (["why"], "Missing argument"),
        (["rm", "-w", "w"], "name keys or jobs, or pass --all"),
        (["rm", "probe", "--all", "-w", "w"], "name keys or jobs, or pass --all"),
        (["rm", "nothing", "-w", "w"], "no job 'nothing', and no such key"),
        (["gc", "w", "--max-size", "many"], "'many' is not a size; write one such as 500MB"),
    ],
)
def test_a_wrong_request_is_one_message_and_exit_code_2(invoke, made, arguments, message):
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert made.folder.exists()


@pytest.mark.parametrize("name", ["ls", "why", "rm", "gc"])
def test_every_command_has_help(invoke, name):
    result = invoke(name, "--help")
    assert result.exit_code == 0
    assert "Options:" in result.stdout
    if name in ("rm", "gc"):
        assert "link into the cache" in " ".join(result.stdout.split())
