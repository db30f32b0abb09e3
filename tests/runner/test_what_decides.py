"""What decides a result: code and data of a package, versions, variables."""

import textwrap
from pathlib import Path

import pytest

HOOK = """
    import os
    from pathlib import Path

    from djsb_core.api import ComponentConfig, Hook

    class PlugConfig(ComponentConfig):
        word: str = ""

    class Plug(Hook[PlugConfig, object]):
        config_type = PlugConfig
        output_names = ("told",)
        asks_for_metrics = False
        reads_environment = ("PLUG_MODE", "PLUG_API_KEY")

        def run(self, context):
            prompt = Path(__file__).with_name("prompt.txt").read_text()
            return (f"{prompt} {len(os.environ.get('PLUG_API_KEY', ''))}",)
"""
EXPERIMENT = """
work_dir: w
execution_job_configs:
- {hook: Plug, meta_name: one}
"""


@pytest.fixture
def plug(lab, install, tmp_path):
    """Install a package with data and a subpackage, which requires another package."""
    install("placeholder", "", "")
    root = tmp_path / "site-packages"
    package = root / "plug"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "deep" / "__init__.py").write_text("")
    (package / "hook.py").write_text(textwrap.dedent(HOOK))
    (package / "prompt.txt").write_text("Be kind.")
    metadata = root / "plug-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: plug\nVersion: 1.0\nRequires-Dist: some-library>=1\n"
    )
    (metadata / "entry_points.txt").write_text("[djsb.hooks]\nPlug = plug.hook:Plug\n")
    lab.root = root
    lab.write("sandbox.yaml", EXPERIMENT)
    provide(root, "1.0")
    return lab


def provide(root, version):
    for old in root.glob("some_library-*.dist-info"):
        (old / "METADATA").unlink()
        old.rmdir()
    metadata = root / f"some_library-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: some-library\nVersion: {version}\n"
    )


def run(lab):
    """Run in a new process, as a user does; return whether the job was reused."""
    ran = lab.djsb("run", "sandbox.yaml", "--workers", "0")
    assert ran.returncode == 0, ran.stderr
    return "1 of 1 job from the cache" in ran.stdout


def why(lab):
    return lab.djsb("cache", "why", "one").stdout


@pytest.mark.parametrize("name", ["prompt.txt", "deep/new.json"])
def test_a_file_of_the_package(plug, name):
    assert [run(plug), run(plug)] == [False, True]
    (plug.root / "plug" / name).write_text("# other")
    assert run(plug) is False
    assert "the code of plug changed" in why(plug)


def test_the_version_of_a_required_package(plug):
    assert [run(plug), run(plug)] == [False, True]
    provide(plug.root, "2.0")
    assert run(plug) is False
    assert "some-library 1.0 → 2.0" in why(plug)
    provide(plug.root, "1.0")
    assert run(plug) is True  # the old result is still there


def test_a_variable_of_the_environment(plug, monkeypatch):
    assert [run(plug), run(plug)] == [False, True]
    monkeypatch.setenv("PLUG_MODE", "fast")
    assert run(plug) is False
    assert "the environment variable PLUG_MODE is set" in why(plug)
    monkeypatch.setenv("OTHER_MODE", "fast")
    assert run(plug) is True
    monkeypatch.delenv("PLUG_MODE")
    assert run(plug) is True


def test_a_secret_variable_is_not_written(plug, monkeypatch):
    monkeypatch.setenv("PLUG_API_KEY", "sk-first-secret")
    assert [run(plug), run(plug)] == [False, True]
    monkeypatch.setenv("PLUG_API_KEY", "sk-other-secret")
    assert run(plug) is False
    assert "a secret changed" in why(plug)
    monkeypatch.setenv("PLUG_API_KEY", "sk-first-secret")
    assert run(plug) is True
    for path in (path for path in Path("w").rglob("*") if path.is_file()):
        assert b"-secret" not in path.read_bytes(), path
