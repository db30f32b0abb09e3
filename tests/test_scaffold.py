import json
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from djsb import scaffold
from djsb.cli.init import init
from djsb.cli.new_plugin import new_plugin
from djsb.scaffold import init_experiment, write_plugin
from djsb_core.discovery import list_components, load_component
from djsb_core.errors import RequestError
from djsb_core.interfaces.kinds import Kind

ROOT = Path(__file__).parents[1]


@pytest.fixture
def announce(write_metadata):
    """Return a function that announces a written package as pip would, beside its code."""

    def announce_plugin(folder):
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        groups = project["entry-points"].items()
        lines = [
            f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in entries.items())
            for group, entries in groups
        ]
        write_metadata(folder, project["name"], "".join(lines))

    return announce_plugin


@pytest.fixture
def plugins(tmp_path, announce):
    """Write and announce one plugin of every kind."""
    parent = tmp_path / "plugins"
    folders = {kind: write_plugin(f"new-{kind.name.lower()}", kind, parent) for kind in Kind}
    for folder in folders.values():
        announce(folder)
    return folders


def test_new_plugins_of_every_kind_pass_their_own_tests(plugins, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", ":".join(str(folder) for folder in plugins.values()))
    report = tmp_path / "report.xml"
    options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", f"--rootdir={tmp_path}"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options, f"--junitxml={report}", *plugins.values()],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stdout
    assert "skipped" not in ran.stdout.splitlines()[-1]
    assert all(f"{folder.name}.tests" in report.read_text() for folder in plugins.values())


def test_the_jobs_of_every_readme_run_as_one_experiment(plugins, tmp_path, monkeypatch):
    monkeypatch.setenv("DJSB_ENV_DIR", str(tmp_path / "environments"))
    monkeypatch.setenv("PYTHONPATH", ":".join(str(folder) for folder in plugins.values()))
    experiment = {"work_dir": "out"}
    # The jobs of the hook and the refiner name the analyzer's job, which so comes first.
    for kind in sorted(Kind, key=lambda kind: kind is not Kind.DATA_ANALYZER):
        readme = (plugins[kind] / "README.md").read_text()
        for stage, jobs in yaml.safe_load(readme.split("```")[3].removeprefix("yaml")).items():
            experiment.setdefault(stage, []).extend(jobs)
    (tmp_path / "sandbox.yaml").write_text(yaml.safe_dump(experiment))
    recipe = {"process": [{"text_length_filter": {"min_len": 1}}]}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "unigrams.json").write_text('{"word": 3}')
    (tmp_path / "data").mkdir()
    lines = "".join(
        json.dumps({"text": f"{number} " + "word " * 30}) + "\n" for number in range(99)
    )
    for name in ("train", "heldout"):
        (tmp_path / "data" / f"{name}.jsonl").write_text(lines)
    ran = subprocess.run(
        [sys.executable, "-c", "from djsb.cli import main; main()", "run", "sandbox.yaml"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stderr
    jobs = len(Kind) - 1  # a tracker has none
    assert f"[{jobs}/{jobs}]" in ran.stderr
    (shown,) = (tmp_path / "out" / "runs").glob("*/new_tracker.txt")
    assert shown.read_text().splitlines()[-1].startswith("finished after ")


def test_new_plugins_of_every_kind_are_found(plugins, install, monkeypatch):
    for kind, folder in plugins.items():
        monkeypatch.syspath_prepend(folder)
        component = (
            f"New{kind.name.title().replace('_', '')}" if kind is Kind.HOOK else folder.name[5:]
        )
        infos = {info.name: info.package for info in list_components(kind.group)}
        assert infos[component] == folder.name.replace("_", "-")
        assert load_component(kind, component).__name__.startswith("New")


def test_new_plugins_of_every_kind_are_clean(plugins, tmp_path):
    pytest.importorskip("ruff")
    for command in (["check", "--isolated"], ["format", "--check"]):
        ran = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        assert ran.returncode == 0, ran.stdout


def test_a_new_plugin_is_a_whole_package(tmp_path):
    folder = write_plugin("word-count", Kind.DATA_EVALUATOR, tmp_path)
    assert folder == tmp_path / "djsb_word_count"
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {
        "README.md",
        "djsb_word_count/__init__.py",
        "djsb_word_count/evaluator.py",
        "djsb_word_count/py.typed",
        "pyproject.toml",
        "tests/test_evaluator.py",
    }
    assert list(tmp_path.iterdir()) == [folder]
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == "djsb-word-count"
    assert project["dependencies"] == ["djsb-core>=0.1,<1"]
    assert project["entry-points"] == {
        "djsb.data_evaluators": {"word_count": "djsb_word_count.evaluator:WordCountEvaluator"}
    }


@pytest.mark.parametrize("name", ["word-count", "word_count", "djsb-word-count", "djsb_word_count"])
def test_every_spelling_of_a_name_is_one_package(name, tmp_path):
    assert write_plugin(name, Kind.GENERAL_PROBE, tmp_path).name == "djsb_word_count"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("WordCount", "try 'word_count'"),
        ("word count", "try 'word_count'"),
        ("word--count", "try 'word_count'"),
        ("2words", "try 'words'"),
        ("../words", "try 'words'"),
        ("größe", "; try '"),
        ("", "starting with a letter$"),
        ("..", "starting with a letter$"),
    ],
)
def test_a_bad_name_is_refused_with_a_better_one(name, hint, tmp_path):
    with pytest.raises(RequestError, match=hint):
        write_plugin(name, Kind.HOOK, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("core", Kind.HOOK, "djsb-core is already installed"),
        ("accuracy", Kind.DATA_EVALUATOR, "djsb-core already provides a data evaluator 'accuracy'"),
        ("data", Kind.DATA_EVALUATOR, "already has a class DataEvaluator"),
        ("component", Kind.DATA_ANALYZER, "already has a class ComponentConfig"),
    ],
)
def test_a_taken_name_is_refused(name, kind, reason, tmp_path):
    with pytest.raises(RequestError, match=reason):
        write_plugin(name, kind, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_not_overwritten(tmp_path):
    folder = write_plugin("word-count", Kind.DATA_EVALUATOR, tmp_path)
    (folder / "README.md").write_text("mine")
    with pytest.raises(RequestError, match="djsb_word_count already exists"):
        write_plugin("word-count", Kind.DATA_EXECUTOR, tmp_path)
    assert (folder / "README.md").read_text() == "mine"


def test_nothing_is_left_of_a_plugin_that_cannot_be_written(tmp_path, monkeypatch):
    templates = shutil.copytree(scaffold.TEMPLATES, tmp_path / "templates")
    (templates / "kinds" / "hooks" / "test.py.tmpl").write_text("$no_such_word")
    monkeypatch.setattr(scaffold, "TEMPLATES", templates)
    with pytest.raises(KeyError, match="no_such_word"):
        write_plugin("word-count", Kind.HOOK, tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match=r"cannot write .*/file/djsb_word_count: "):
        write_plugin("word-count", Kind.HOOK, tmp_path / "file")


@pytest.mark.parametrize("text", ["data_evaluator", "data-evaluators", "Data_Evaluators"])
def test_a_kind_is_read_as_people_write_it(text):
    assert Kind.parse(text) is Kind.DATA_EVALUATOR


def test_every_group_names_its_kind():
    assert [Kind.parse(kind.value) for kind in Kind] == list(Kind)


def test_an_unknown_kind_is_refused_with_the_nearest():
    with pytest.raises(RequestError, match="'evaluator'; did you mean 'data_evaluators'"):
        Kind.parse("evaluator")


@pytest.fixture
def quickstart(tmp_path, monkeypatch):
    """Stand in for the quickstart: three files, and what a checkout has besides."""
    folder = tmp_path / "quickstart"
    for name in ("sandbox.yaml", "data/train.jsonl", "outputs/old.log", "make_data.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    monkeypatch.setattr(scaffold, "QUICKSTARTS", (tmp_path / "nowhere", folder))
    return folder


def test_init_copies_the_experiment_only(quickstart, tmp_path):
    lab = init_experiment(tmp_path / "labs" / "mine")
    files = {str(path.relative_to(lab)) for path in lab.rglob("*") if path.is_file()}
    assert files == {"sandbox.yaml", "data/train.jsonl"}
    assert list(lab.parent.iterdir()) == [lab]


def test_init_fills_an_existing_folder(quickstart, tmp_path):
    lab = tmp_path / "lab"
    lab.mkdir()
    (lab / "notes.txt").write_text("mine")
    init_experiment(lab)
    assert {path.name for path in lab.iterdir()} == {"notes.txt", "sandbox.yaml", "data"}


def test_init_overwrites_nothing(quickstart, tmp_path):
    lab = tmp_path / "lab"
    lab.mkdir()
    (lab / "sandbox.yaml").write_text("mine")
    with pytest.raises(RequestError, match=r"lab already has sandbox\.yaml; name a new folder"):
        init_experiment(lab)
    assert {path.name: path.read_text() for path in lab.iterdir()} == {"sandbox.yaml": "mine"}


def test_init_without_a_quickstart_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(scaffold, "QUICKSTARTS", (tmp_path / "nowhere",))
    with pytest.raises(RequestError, match="has no quickstart experiment"):
        init_experiment(tmp_path / "lab")


def test_the_real_quickstart_is_found(tmp_path):
    lab = init_experiment(tmp_path / "lab")
    assert (lab / "sandbox.yaml").is_file()
    assert list((lab / "data").iterdir())


def test_the_commands_say_what_comes_next(quickstart, tmp_path):
    wrote = CliRunner().invoke(new_plugin, ["word-count", "--kind=hooks", f"--folder={tmp_path}"])
    assert f"cd {tmp_path}/djsb_word_count\n  pip install" in wrote.stdout
    assert (tmp_path / "djsb_word_count" / "djsb_word_count" / "hook.py").is_file()
    copied = CliRunner().invoke(init, [str(tmp_path / "lab")])
    assert f"cd {tmp_path}/lab\n  djsb validate sandbox.yaml" in copied.stdout


def test_help_lists_every_kind():
    text = CliRunner().invoke(new_plugin, ["--help"]).stdout.replace("\n", " ")
    named = text.partition("One of ")[2].partition(".")[0].replace(" ", "").split(",")
    assert named == [kind.value for kind in Kind]


@pytest.mark.slow
def test_a_new_plugin_installs_with_pip(tmp_path):
    plugin = write_plugin("word-count", Kind.GENERAL_PROBE, tmp_path)
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / "bin"
    parts = (ROOT / "plugins" / name for name in ("djsb_environments", "djsb_report"))
    projects = (ROOT / "djsb_core", ROOT, *parts, f"{plugin}[test]")
    subprocess.run([programs / "pip", "install", "-q", *projects], check=True)
    listed = subprocess.run(
        [programs / "djsb", "list-components", "--json"], check=True, capture_output=True, text=True
    )
    components = {(one["kind"], one["name"]) for one in json.loads(listed.stdout)}
    assert ("general_probes", "word_count") in components
    subprocess.run([programs / "pytest", "-q", plugin], check=True)
