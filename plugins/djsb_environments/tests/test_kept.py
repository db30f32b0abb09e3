"""Environments are made once, whole or not at all, found again, and removed when not in use."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from djsb_core.errors import RequestError
from djsb_core.folders.locks import try_lock
from djsb_environments.build import EnvironmentBuildError
from djsb_environments.conda import REMEDY
from djsb_environments.kept import Environments, environments_root

from .conftest import ask, processes_naming, want

HERE = Path(__file__).parent
LIST = 'if [ "$1" = env ]; then echo "{\\"envs\\": []}"; exit; fi\n'
HANG = f'{LIST}mkdir -p "$4/lib"; touch "$4/started"; sleep 300 & sleep 300'
"""A conda that makes a folder and never ends, in two processes."""

MAKE = """
import json, sys
from pathlib import Path
from plugins.djsb_environments.tests.conftest import want
from djsb_environments.kept import Environments
with Environments(Path(sys.argv[1])) as found:
    made = found.make(want(json.loads(sys.argv[2])), lambda text: print(text, flush=True))
    print("made", made.python, flush=True)
"""


def start_make(root, settings):
    """Make an environment in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", MAKE, str(root), json.dumps(settings)],
        cwd=HERE.parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[2])},
    )


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def tree(root):
    """List what is kept, besides locks and logs."""
    return [one for one in root.iterdir() if one.name not in ("locks", "logs", "linked")]


# -- made and used ---------------------------------------------------------------------------------


def test_what_was_required_is_there_and_djsb_with_its_plugins(made):
    _, _, interpreter, _ = made
    assert ask(interpreter, "import iniconfig, sys; print(iniconfig.__file__)").startswith(
        str(interpreter.python.parents[1])
    )
    code = "from importlib.metadata import version as v; print(v('iniconfig'), v('djsb-core'))"
    assert ask(interpreter, code).startswith("1.1.1 ")
    code = "from djsb_core.discovery import load_component; from djsb_core.api import Kind; "
    code += "print(load_component(Kind.DATA_EVALUATOR, 'mse').__name__)"
    assert ask(interpreter, code) == "MSEEvaluator"


def test_its_programs_come_first(made):
    _, _, interpreter, _ = made
    code = "import shutil, os; print(shutil.which('python'), os.environ['VIRTUAL_ENV'])"
    folder = interpreter.python.parents[1]
    assert ask(interpreter, code) == f"{folder / 'bin' / 'python'} {folder}"


def test_progress_is_said(made):
    _, wanted, _, said = made
    count = len(wanted.requirements)
    assert said[0] == f"creating the environment mse (uv): installing {count} requirements…"


def test_it_is_found_again_and_marked_as_used(made):
    found, wanted, interpreter, _ = made
    (before,) = found.entries()
    os.utime(before.folder.parent / "DONE.json", (1, 1))
    assert found.find(wanted) == interpreter
    assert found.make(wanted, pytest.fail) == interpreter
    (after,) = found.entries()
    assert after.used >= before.used
    assert (after.label, after.manager, after.key) == ("mse (uv)", "uv", wanted.key[:16])
    assert after.python == ".".join(map(str, sys.version_info[:3]))
    assert "iniconfig==1.1.1" in after.requirements
    assert after.size > 1_000_000


def test_what_was_installed_is_written_down(made):
    found, _, _, _ = made
    (kept,) = found.entries()
    assert "iniconfig==1.1.1\n" in (kept.folder.parent / "freeze.txt").read_text()


def test_one_that_has_lost_its_python_is_made_anew(environments):
    wanted = want({"env": {"manager": "uv"}})
    first = environments.make(wanted)
    first.python.unlink()
    assert environments.find(wanted) is None
    second = environments.make(wanted)
    assert second.python != first.python
    assert ask(second, "print(1)") == "1"
    assert len(environments.entries()) == 1
    assert not first.python.parents[1].exists()


def test_two_processes_that_want_the_same_make_it_once(tmp_path):
    settings = {"env": {"manager": "uv", "requirements": ["iniconfig==2.0.0"]}}
    root = tmp_path / "environments"
    held = try_lock(root / "locks" / want(settings).key[:16])
    both = [start_make(root, settings) for _ in range(2)]
    lines = [process.stdout.readline() for process in both]
    assert all(line.startswith("waiting for the environment mse (uv)") for line in lines)
    held.release()
    said = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("creating the environment" in text for text in said) == 1
    assert len({text.splitlines()[-1] for text in said}) == 1


# -- not made --------------------------------------------------------------------------------------


def test_a_build_that_fails_leaves_its_log_only(environments):
    wanted = want({"env": {"manager": "uv", "requirements": ["no-such-package-of-djsb"]}})
    with pytest.raises(EnvironmentBuildError) as caught:
        environments.make(wanted)
    message = str(caught.value)
    assert (
        "cannot create the environment mse (uv): `uv pip install …` failed with exit code"
        in message
    )
    assert "no-such-package-of-djsb was not found" in message
    log = Path(message.rpartition("full log: ")[2])
    assert "no-such-package-of-djsb" in log.read_text()
    assert tree(environments.root) == []
    assert environments.find(wanted) is None
    assert environments.collect(None) == ([], [])


def test_secrets_are_in_no_log_and_no_message(environments, monkeypatch):
    monkeypatch.setenv("INDEX_PASSWORD", "hunter2hunter2")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    address = "https://me:hunter2hunter2@localhost:1/x-1-py3-none-any.whl"
    wanted = want({"env": {"manager": "uv", "requirements": [f"x @ {address}"]}})
    with pytest.raises(EnvironmentBuildError) as caught:
        environments.make(wanted)
    (log,) = (environments.root / "logs").iterdir()
    assert "hunter2hunter2" not in f"{caught.value}{log.read_text()}"


def test_secrets_do_not_stay_with_what_was_made(environments):
    lines = [
        "x @ https://me:hunter2hunter2@localhost:1/x-1-py3-none-any.whl ; python_version < '3'"
    ]
    settings = {"manager": "uv", "requirements": lines, "constraints": lines}
    interpreter = environments.make(want({"env": settings}))
    home = interpreter.python.parents[2]
    texts = [one.read_text() for one in home.iterdir() if one.is_file()]
    assert len(texts) == 4
    assert "hunter2hunter2" not in "".join(texts)
    assert "me:***@localhost" in (home / "requirements.txt").read_text()


def test_pip_installs_into_it_whatever_the_user_has_set(environments, fake_program, monkeypatch):
    for name in ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, "1")
    fake_program("conda", f"{LIST}env | grep -e PIP_ -e VIRTUAL_; exit 1")
    with pytest.raises(EnvironmentBuildError) as caught:
        environments.make(want({"env_name": "x"}))
    assert "PIP_USER=0" in str(caught.value)
    assert not any(f"{name}=" in str(caught.value) for name in ("TARGET", "PREFIX", "ROOT", "ENV"))


def test_a_manager_that_makes_something_else_is_refused(environments, fake_program):
    fake_program("conda", f'{LIST}exec {sys.executable} -m venv --without-pip "$4"')
    wanted = want({"env_name": "x"})
    with pytest.raises(
        EnvironmentBuildError, match=r"`python -m pip …` failed.*\n.*No module named pip"
    ):
        environments.make(wanted)
    assert tree(environments.root) == []


def test_a_manager_that_is_not_there_is_named(environments, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    wanted = want({"env_name": "x"})
    with pytest.raises(EnvironmentBuildError, match="conda: command not found; install Mini"):
        environments.make(wanted)
    assert environments.check(wanted) == [
        f"conda: command not found; {REMEDY}",
    ]


def test_a_build_that_is_stopped_leaves_nothing(environments, fake_program):
    fake_program("conda", HANG)

    def stop():
        if list(environments.root.glob("*/*/started")):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        environments.make(want({"env_name": "x"}), raise_if_stopped=stop)
    assert tree(environments.root) == []
    assert processes_naming(environments.root) == []


def test_a_build_whose_djsb_is_killed_ends_and_is_not_valid(tmp_path, fake_program):
    fake_program("conda", HANG)
    settings, root = {"env_name": "x"}, tmp_path / "environments"
    process = start_make(root, settings)
    wait_until(lambda: list(root.glob("*/*/started")))
    (attempt,) = (one.parent for one in root.glob("*/*/started"))
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    wait_until(lambda: not processes_naming(root))
    assert not attempt.exists()
    with Environments(root) as found:
        wanted = want(settings)
        assert found.find(wanted) is None
        assert found.entries() == []
        _, (left,) = found.collect(None, dry_run=True)
        assert left.folder == attempt.parent
        found.collect(None)
    assert tree(root) == []


def test_a_waiting_build_can_be_stopped(environments):
    wanted = want({"env": {"manager": "uv"}})
    held = try_lock(environments.root / "locks" / wanted.key[:16])

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        environments.make(wanted, raise_if_stopped=stop)
    held.release()


def test_a_folder_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        RequestError, match=r"cannot keep environments in .*/file/x: .*DJSB_ENV_DIR"
    ):
        Environments(tmp_path / "file" / "x").make(want({"env": {"manager": "uv"}}))


def test_a_path_that_python_would_split_is_refused(tmp_path):
    with pytest.raises(RequestError, match=r"its path contains ':'; .*DJSB_ENV_DIR"):
        Environments(tmp_path / "a:b").make(want({"env": {"manager": "uv"}}))


def test_a_disk_that_is_full_is_named(environments, fake_program, monkeypatch):
    """Also where the manager does not say why it failed."""
    fake_program("conda", f"{LIST}exit 1")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**19))
    with pytest.raises(EnvironmentBuildError, match=r"on device\? Only 524\.3 kB are free"):
        environments.make(want({"env_name": "x"}))


def test_a_full_disk_is_told_with_its_place(environments, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match=re.escape(f"device: '{environments.root}'")):
        environments.make(want({"env": {"manager": "uv"}}))
    assert tree(environments.root) == []


# -- existing ones ---------------------------------------------------------------------------------


def test_an_existing_one_with_all_that_is_needed_is_used(environments):
    interpreter = environments.make(want({"env": {"path": sys.prefix}}))
    assert str(interpreter.python) == f"{sys.prefix}/bin/python"
    assert ask(interpreter, "import djsb_core, pydantic; print(1)") == "1"


def test_what_an_existing_one_lacks_is_named_with_the_command(environments, tmp_path):
    folder = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    wanted = want({"env": {"path": str(folder), "manager": "venv"}})
    with pytest.raises(EnvironmentBuildError) as caught:
        environments.find(wanted)
    assert f"{folder}/bin/python -m pip install 'packaging<30,>=23.2' " in str(caught.value)
    assert "lacks packaging<30,>=23.2, " in str(caught.value)
    assert environments.check(wanted) == [str(caught.value)]
    wanted = want({"env": {"path": str(folder), "manager": "uv"}})
    with pytest.raises(
        EnvironmentBuildError, match=r"uv pip install --python .*/bare/bin/python '"
    ):
        environments.make(wanted)


def test_an_existing_one_is_asked_once(made, environments, tmp_path):
    """Until its packages change."""
    site = made[2].python.parents[1]
    folder = shutil.copytree(site, tmp_path / "copied", symlinks=True)
    wanted = want({"env": {"path": str(folder)}})
    assert environments.find(wanted) is not None
    (memory,) = (environments.root / "checked").iterdir()
    before = memory.stat().st_mtime_ns
    assert environments.find(wanted) is not None
    assert memory.stat().st_mtime_ns == before
    (library,) = folder.glob("lib/python3*/site-packages")
    (gone,) = library.glob("pluggy-*.dist-info")
    shutil.rmtree(gone)
    with pytest.raises(EnvironmentBuildError, match="lacks pluggy"):
        environments.find(wanted)


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("""echo '["3.9.1", "/x", {}]'""", "has Python 3.9.1, but djsb also runs in it"),
        ("echo broken >&2; exit 3", "bin/python does not work: broken"),
        ("echo nothing", "bin/python does not work"),
    ],
)
def test_an_existing_one_that_cannot_be_used(script, sentence, environments, tmp_path):
    python = tmp_path / "old" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    with pytest.raises(EnvironmentBuildError, match=sentence):
        environments.find(want({"env": {"path": str(tmp_path / "old")}}))


# -- removed ---------------------------------------------------------------------------------------


def test_what_is_in_use_is_not_removed(tmp_path):
    root, wanted = tmp_path / "environments", want({"env": {"manager": "uv"}})
    with Environments(root) as user, Environments(root) as cleaner:
        user.make(wanted)
        assert cleaner.remove("mse (uv)") is None
        assert cleaner.collect(0) == ([], [])
        assert cleaner.collect(0, dry_run=True) == ([], [])
        user.close()
        ((kept,), []) = cleaner.collect(0, dry_run=True)
        assert kept.folder.exists()
        assert cleaner.collect(3600) == ([], [])
        assert cleaner.remove(wanted.key[:6]) == kept
        assert tree(root) == []
        with pytest.raises(RequestError, match=r"no environment .* 'mse'.*known: none"):
            cleaner.choose("mse")


def test_the_code_that_a_run_sees_is_not_removed(tmp_path):
    root, wanted = tmp_path / "environments", want({"env": {"manager": "uv"}})
    with Environments(root) as user, Environments(root) as cleaner:
        importable = user.make(wanted).importable
        cleaner.collect(0)
        assert (importable / "djsb_core" / "job" / "worker.py").exists()
        user.close()
        cleaner.collect(0)
        assert not importable.exists()


def test_what_killed_builds_have_left_beside_a_whole_one_is_removed(environments):
    interpreter = environments.make(want({"env": {"manager": "uv"}}))
    left = interpreter.python.parents[2] / "20200101-000000-0000"
    (left / "bin").mkdir(parents=True)
    environments.close()
    _, (found,) = environments.collect(None)
    assert found.folder == left
    assert not left.exists()
    assert interpreter.python.exists()


def test_the_folder_is_that_of_the_variable_or_of_the_user(monkeypatch):
    monkeypatch.setenv("DJSB_ENV_DIR", "~/x")
    assert environments_root() == Path.home() / "x"
    monkeypatch.delenv("DJSB_ENV_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/a/cache")
    assert environments_root() == Path("/a/cache/djsb/environments")
