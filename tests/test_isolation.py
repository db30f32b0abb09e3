"""What runs components apart comes from a package that djsb does not know by name."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from djsb.cli import djsb
from djsb_core import discovery
from djsb_core.discovery import load_isolation
from djsb_core.errors import ConfigError, PluginLoadError, RequestError
from djsb_core.interfaces.isolation import Isolation

APART = """
evaluation_job_configs:
- hook: EvaluateDataHook
  meta_name: lengths
  extra_configs:
    type: lab_lengths
    dataset_path: data.jsonl
    {key}: {value}
"""
MISSING = (
    "isolated environments need djsb-environments, which is not installed: "
    "pip install djsb-environments"
)


@pytest.fixture
def without(monkeypatch):
    """Have no package that offers isolated environments."""
    everything = discovery.announced

    def others(group):
        return [
            entry
            for entry in everything(group)
            if discovery.package_of(entry)[0] != "djsb-environments"
        ]

    monkeypatch.setattr(discovery, "announced", others)


def test_the_installed_package_provides_it():
    isolation = load_isolation()
    assert isinstance(isolation, Isolation)
    assert isolation.root().is_absolute()


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("import no_such_module", "ModuleNotFoundError"),
        ("raise SystemExit(1)", "SystemExit"),
        ("class Own: ...", "own:Own is not an Isolation"),
        ("def Own(): 1 / 0", "ZeroDivisionError"),
    ],
)
def test_one_that_cannot_be_used_is_named(without, install, source, sentence):
    install("own", source, "[djsb.isolations]\nenvironments = own:Own\n")
    with pytest.raises(PluginLoadError, match="the isolated environments of own") as caught:
        load_isolation()
    assert sentence in str(caught.value)


def test_two_packages_exclude_each_other(install):
    install("own", "class Own: ...", "[djsb.isolations]\nenvironments = own:Own\n")
    with pytest.raises(PluginLoadError, match="djsb-environments and own both provide them"):
        load_isolation()


@pytest.mark.parametrize(
    ("key", "value"), [("env", "{manager: uv}"), ("env", "auto"), ("env_name", "clips")]
)
def test_without_one_a_key_gets_a_sentence_that_says_what_to_install(without, lab, key, value):
    with pytest.raises(ConfigError) as caught:
        lab.plan(APART.format(key=key, value=value))
    place = f"evaluation_job_configs[0].extra_configs.{key}"
    assert str(caught.value) == f"sandbox.yaml:8: {place}: {MISSING}"


def test_without_one_everything_else_works(without, lab):
    with pytest.raises(RequestError, match="pip install djsb-environments"):
        load_isolation()
    lab.run(APART.format(key="env", value="null"))
    for command in (["doctor", "--json"], ["schema"], ["list-components"], ["validate"]):
        ran = CliRunner().invoke(djsb, [*command, *(["sandbox.yaml"] * (command == ["validate"]))])
        assert ran.exit_code == 0, ran.output
    checks = json.loads(CliRunner().invoke(djsb, ["doctor", "--json"]).output)
    assert "environments" not in {check["subject"] for check in checks}


def test_a_plan_without_isolated_jobs_imports_no_isolation(lab):
    lab.write("sandbox.yaml", APART.format(key="env", value="null"))
    code = "import sys; from djsb.cli import main\ntry: main()\nfinally: print(sorted(sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", code, "validate", "sandbox.yaml"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(lab.folder.parent / "site-packages"), "PATH": "/usr/bin"},
    )
    assert ran.returncode == 0, ran.stderr
    assert "djsb_environments" not in ran.stdout
