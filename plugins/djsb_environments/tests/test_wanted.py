"""What the settings of a job ask for, and how wrong ones are refused."""

import sys
from importlib.metadata import version
from typing import ClassVar

import pytest

from djsb.config.problems import describe_errors
from djsb_core.discovery import find_component
from djsb_core.interfaces.isolation import EnvironmentSettingsError
from djsb_core.interfaces.kinds import Kind
from djsb_core.interfaces.paths import PathContext
from djsb_environments.wanted import wanted_environment

from .conftest import refused, want


class Component:
    isolated: ClassVar[dict] = {}


def component(**recipe):
    return type("Made", (Component,), {"isolated": recipe})


def asked(*requirements, manager="uv", **more):
    return want({"env": {"manager": manager, "requirements": [*requirements], **more}})


# -- what is wanted --------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [None, {}, {"type": "mse", "env": None, "env_name": None}])
def test_without_keys_it_is_the_current_environment(settings):
    assert want(settings) is None


def test_all_that_djsb_needs_is_installed_and_its_code_is_linked():
    wanted = asked("iniconfig==1.1.1")
    assert wanted.manager == "uv"
    assert wanted.label == "mse (uv)"
    assert wanted.distributions == ("djsb-core",)
    assert "iniconfig==1.1.1" in wanted.requirements
    assert any(one.startswith("pydantic") for one in wanted.requirements)
    assert not any("jinja2" in one or "pytest" in one for one in wanted.requirements)
    assert wanted.existing is None


def test_the_default_manager_is_uv_if_there_is_one(monkeypatch):
    assert want({"env": {"requirements": ["iniconfig"]}}).manager == "uv"
    monkeypatch.setattr("djsb_environments.wanted.find_uv", lambda: None)
    assert want({"env": {"requirements": ["iniconfig"]}}).manager == "venv"


def test_the_key_is_that_of_what_is_made():
    key = asked("iniconfig==1.1.1").key
    assert asked("iniconfig==1.1.1").key == key
    others = [
        asked("iniconfig==2.0.0"),
        asked("iniconfig==1.1.1", manager="venv"),
        asked("iniconfig==1.1.1", python="3.12"),
        asked("iniconfig==1.1.1", constraints=["pluggy<2"]),
        want({"env_name": "x", "env_manager": "uv"}),
        want({"env_name": "y", "env_manager": "uv"}),
    ]
    assert len({key, *(one.key for one in others)}) == len(others) + 1


def test_the_plugins_of_the_job_are_linked_and_their_needs_installed(install, tmp_path):
    install("basepkg", "x = 1", "[djsb.listeners]\nbase-one = basepkg\n")
    install("toppkg", "class Top: ...", "[djsb.data_evaluators]\ntop-one = toppkg:Top\n")
    for name, needs in {
        "toppkg": ["basepkg>=1", "Djsb_Core[zst]", "pip>1", "numpy; extra == 'more'"],
        "basepkg": ["six<2; python_version >= '3'"],
    }.items():
        metadata = tmp_path / "site-packages" / f"{name}-1.0.dist-info" / "METADATA"
        with metadata.open("a") as file:
            file.writelines(f"Requires-Dist: {need}\n" for need in needs)
    infos = [find_component(Kind.DATA_EVALUATOR, "top-one")]
    wanted = wanted_environment(
        {"env": {"manager": "uv"}}, infos, None, PathContext(), describe_errors
    )
    assert wanted.distributions == ("basepkg", "djsb-core", "toppkg")
    assert {"pip>1", 'six<2; python_version >= "3"'} <= set(wanted.requirements)
    assert any(one.startswith("zstandard") for one in wanted.requirements)  # of an extra
    assert not any("numpy" in one or "basepkg" in one for one in wanted.requirements)


def test_an_item_may_be_a_file(tmp_path):
    (tmp_path / "more.txt").write_text("iniconfig==1.1.1\n")
    given = {"env": {"requirements": ["numpy<2", "-r more.txt"]}}
    wanted = want(given, folders=(tmp_path,))
    assert wanted.requirements[-2:] == ("numpy<2", "iniconfig==1.1.1")
    (tmp_path / "more.txt").write_text("iniconfig==2.0.0\n")
    assert want(given, folders=(tmp_path,)).key != wanted.key


@pytest.mark.parametrize("value", [{"a": 1}, None, 3])
def test_requirements_of_another_kind(value):
    ((place, sentence),) = refused({"env": {"requirements": value}})
    assert place == "env.requirements"
    assert "must be a list of requirements, or the path of a requirements file" in sentence


def test_requirements_and_constraints_may_be_files(tmp_path):
    (tmp_path / "more.txt").write_text("six\n")
    (tmp_path / "requirements.txt").write_text(
        "# what it needs\niniconfig==1.1.1  # old\n\n-r more.txt\n--no-binary :none:\n"
        "pluggy \\\n>=1\n./wheels/x-1-py3-none-any.whl\n-e ./local\n"
    )
    (tmp_path / "pins.txt").write_text("six==1.16.0\n")
    settings = {"env": {"requirements": "requirements.txt", "constraints": "pins.txt"}}
    wanted = want(settings, folders=(tmp_path,))
    assert wanted.requirements[-6:] == (
        "iniconfig==1.1.1",
        "six",
        "--no-binary :none:",
        "pluggy  >=1",
        f"{tmp_path}/wheels/x-1-py3-none-any.whl",
        f"-e {tmp_path}/local",
    )
    assert wanted.constraints == ("six==1.16.0",)
    (tmp_path / "pins.txt").write_text("six==1.15.0\n")
    assert want(settings, folders=(tmp_path,)).key != wanted.key


def test_an_existing_one_is_used_as_it_is():
    wanted = want({"env": {"path": sys.prefix, "python": None, "requirements": []}})
    assert str(wanted.existing) == sys.prefix
    assert wanted.label == sys.prefix


# -- auto ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {"requirements": ["pluggy>=1", "pydantic"]},
        {"requirements": ["no-such-package; python_version < '3'"]},
        {"python": f"{sys.version_info.major}.{sys.version_info.minor}"},
    ],
)
def test_auto_stays_where_all_is_there(recipe):
    assert want({"env": "auto"}, component(**recipe)) is None


@pytest.mark.parametrize(
    "recipe",
    [
        {"requirements": ["pluggy<1"]},
        {"requirements": ["no-such-package"]},
        {"requirements": ["pluggy @ https://example.org/pluggy.whl"]},
        {"python": "3.99"},
    ],
)
def test_auto_takes_the_recipe_where_something_is_missing(recipe):
    wanted = want({"env": "auto"}, component(manager="uv", **recipe))
    assert wanted.manager == "uv"
    assert set(recipe.get("requirements", ())) <= set(wanted.requirements)


def test_auto_without_a_component_needs_no_environment():
    assert want({"env": "auto"}) is None


def test_a_wrong_recipe_is_told_at_env():
    ((at, text),) = refused({"env": "auto"}, component=component(requirements=["no<<pe"]))
    assert at.startswith("env")
    assert "'no<<pe' is not a valid requirement" in text


# -- the published keys ----------------------------------------------------------------------------


def test_published_keys_mean_the_same():
    wanted = want({"env_name": "clips", "env_manager": "uv"})
    assert (wanted.manager, wanted.label, wanted.existing) == ("uv", "clips", None)
    assert want({"env_name": "clips"}).manager == "conda"


def test_a_published_environment_that_is_there_is_used():
    params = {"env_py_version": 3.9}
    wanted = want({"env_name": sys.prefix, "env_manager": "venv", "env_params": params})
    assert str(wanted.existing) == sys.prefix


@pytest.mark.parametrize("given", [3.9, "3.9", 3.1, "3.8.18"])
def test_a_python_that_is_too_old_is_refused(given):
    """The published configs name 3.9: where there is an environment of that name, it counts."""
    params = {"env_py_version": given}
    ((at, text),) = refused({"env_name": "x", "env_manager": "uv", "env_params": params})
    assert at == "env_params.env_py_version"
    assert f"Python {given} is too old: djsb also runs in the environment, and needs 3.10" in text


@pytest.mark.parametrize("given", ["3.10", 3.11, 3.12, "3.13"])
def test_another_python_is_taken(given):
    params = {"env_py_version": given}
    wanted = want({"env_name": "x", "env_manager": "uv", "env_params": params})
    assert wanted.environment.config.python == str(given)


@pytest.mark.parametrize(
    ("needed", "version", "runs"),
    [
        (">=3.11", "3.10", False),
        (">=3.11", "3.11", True),
        (">=3.11.4", "3.11", True),
        (">=3.11.4", "3.11.3", False),
        ("<3.13", "3.12.9", True),
        ("<3.13", "3.13", False),
        ("no specifier", "3.10", True),
    ],
)
def test_a_python_that_the_plugin_does_not_run_on_is_refused(
    needed, version, runs, install, tmp_path
):
    install("picky", "class Picky: ...", "[djsb.data_evaluators]\npicky = picky:Picky\n")
    metadata = tmp_path / "site-packages" / "picky-1.0.dist-info" / "METADATA"
    metadata.write_text(f"{metadata.read_text()}Requires-Python: {needed}\n")
    info = find_component(Kind.DATA_EVALUATOR, "picky")
    settings = {"env": {"manager": "uv", "python": version}}
    arguments = settings, [info], None, PathContext(), describe_errors
    if runs:
        assert wanted_environment(*arguments) is not None
        return
    with pytest.raises(EnvironmentSettingsError) as caught:
        wanted_environment(*arguments)
    text = f"picky 1.0 does not run on Python {version}; it needs {needed}"
    assert caught.value.problems == [(("env", "python"), text)]


def test_the_published_file_of_uv_is_one_of_requirements(tmp_path):
    (tmp_path / "needs.txt").write_text("iniconfig==1.1.1\n")
    params = {"env_config_path": "needs.txt"}
    settings = {"env_name": "x", "env_manager": "uv", "env_params": params}
    assert "iniconfig==1.1.1" in want(settings, folders=(tmp_path,)).requirements
    params["env_config_path"] = "no.txt"
    ((at, text),) = refused(settings, folders=(tmp_path,))
    assert at == "env_params.env_config_path"
    assert "no such file: 'no.txt'" in text


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "place", "sentence"),
    [
        ({"env": "uv"}, "env", "should be 'auto', or a mapping"),
        ({"env": ["numpy"]}, "env", "should be 'auto', or a mapping"),
        ({"env": {"manager": 3}}, "env.manager", "the name of a manager"),
        ({"env": {"manager": "uvv"}}, "env.manager", "did you mean 'uv'?"),
        ({"env": {"requirement": []}}, "env.requirement", "did you mean 'requirements'?"),
        ({"env": {"requirements": ["six", "a<<1"]}}, "env.requirements", "item 2: 'a<<1'"),
        ({"env": {"requirements": "no.txt"}}, "env.requirements", "no such file: 'no.txt'"),
        ({"env": {"requirements": 3}}, "env.requirements", "must be a list of requirements"),
        ({"env": {"requirements": [3]}}, "env.requirements.0", "string"),
        (
            {"env": {"manager": "venv", "requirements": ["six==1.17.0 --hash=sha256:00"]}},
            "env.requirements",
            "pip requires one for every package, including those that djsb needs",
        ),
        (
            {"env": {"requirements": ["x @ https://me:hunter2hunter2@host/a b"]}},
            "env.requirements",
            "'x @ https://me:***@host/a b' is not a valid requirement",
        ),
        ({"env": {"python": 3.1}}, "env.python", "needs 3.10 or newer; YAML reads 3.10 as 3.1"),
        ({"env": {"python": "3.9.1"}}, "env.python", "Python 3.9.1 is too old"),
        ({"env": {"python": 3}}, "env.python", "'3' is not a Python version"),
        ({"env": {"python": "new"}}, "env.python", "'new' is not a Python version"),
        ({"env": {"path": "/no/such"}}, "env.path", "no such file or folder: '/no/such'"),
        ({"env": {"path": "/"}}, "env.path", "is not an environment: it has no bin/python"),
        ({"env": {"name": "no-such"}}, "env.name", "no such file or folder: 'no-such'"),
        (
            {"env": {"path": "/", "requirements": ["six"]}},
            "env",
            "remove requirements, or remove path",
        ),
        ({"env": "auto", "env_name": "x"}, "env_name", "remove env_name, or env"),
        ({"env_manager": "uv"}, "env_manager", "needs env_name"),
        ({"env_name": 3}, "env_name", "should be a name, not 3"),
        ({"env_name": "x", "env_manager": "codna"}, "env_manager", "did you mean 'conda'?"),
        ({"env_name": "x", "env_params": 3}, "env_params", "should be a mapping"),
        (
            {"env_name": "x", "env_params": {"env_py_versoin": "3.11"}},
            "env_params.env_py_versoin",
            "did you mean 'env_py_version'?",
        ),
        (
            {"env_name": "x", "env_params": {"env_py_version": "new"}},
            "env_params.env_py_version",
            "not a Python version",
        ),
    ],
)
def test_wrong_settings_are_refused_where_they_stand(settings, place, sentence, monkeypatch):
    monkeypatch.setattr("djsb_environments.wanted.find_uv", lambda: "uv")
    ((at, text),) = refused(settings)
    assert at == place
    assert sentence in text


def test_every_problem_is_told():
    settings = {"env": {"manager": "uv", "python": 3.9, "requirement": []}}
    assert {at for at, _ in refused(settings)} == {"env.python", "env.requirement"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("six\nno<<pe\n", "needs.txt:2: 'no<<pe' is not a valid requirement"),
        ("-r needs.txt\n", "include each other in a cycle"),
        ("-r gone.txt\n", "gone.txt: cannot be read"),
    ],
)
def test_a_wrong_line_of_a_file_is_named(text, sentence, tmp_path):
    (tmp_path / "needs.txt").write_text(text)
    settings = {"env": {"requirements": "needs.txt"}}
    ((_, said),) = refused(settings, folders=(tmp_path,))
    assert sentence in said


def test_versions_of_linked_packages_do_not_matter():
    """An upgrade of djsb or a plugin makes no environment anew, unless it needs other packages."""
    wanted = asked("iniconfig==1.1.1")
    assert version("djsb-core") not in str(wanted.requirements)


def test_a_hook_that_needs_an_extra_gets_it():
    """To write a recipe takes PyYAML; most workers do without it."""
    refine = find_component(Kind.HOOK, "RefineRecipeViaKSigmaHook")
    assert (refine.target, refine.extras) == (
        "djsb_core.hooks.refine:RefineRecipeViaKSigmaHook",
        ("yaml",),
    )
    settings = {"env": {"manager": "uv"}}
    wanted = wanted_environment(settings, [refine], None, PathContext(), describe_errors)
    assert any(one.startswith("pyyaml") for one in wanted.requirements)
    assert not any(one.startswith("pyyaml") for one in want(settings).requirements)
