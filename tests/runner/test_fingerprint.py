"""What decides a job's key: names and contents, never places."""

import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from djsb.cache.digests import Digests
from djsb.runner.fingerprint import by_content, is_like_path, key_of, paths_in
from djsb.runner.history import History
from djsb.runner.job import prepare_job
from djsb_core.discovery import load_component
from tests.support.state import state_of


@pytest.fixture
def digests(tmp_path):
    with closing(Digests(tmp_path / "digests.sqlite")) as found:
        yield found


@pytest.fixture
def prepare(lab, digests):
    """Return a function that prepares the last job of an experiment as far as it is to run."""

    def prepare_last(experiment, metrics=(), **outputs):
        """:param outputs: of the job before."""
        plan = lab.plan(experiment)
        history = History(1, outputs={0: outputs})
        return prepare_job(state_of(plan, digests), plan.jobs[-1], history, dict(metrics))

    return prepare_last


@pytest.fixture
def key(lab, prepare):
    """Return a function that gives the key of one ``Echo`` job with some settings."""
    return lambda settings: prepare(lab.echo(settings)).key


def test_keys_are_digests_of_the_parts():
    one = key_of({"a": 1, "b": {"c": "名", "d": float("nan")}})
    assert one == key_of({"b": {"d": float("nan"), "c": "名"}, "a": 1})
    assert len({one, key_of({"a": 1}), key_of({"a": "1"}), key_of({"a": "\ud800"})}) == 4
    assert int(one, 16) < 2**256


# -- files -----------------------------------------------------------------------------------------


def test_a_file_counts_by_its_name_and_content(lab, key):
    for name in ("a/x.txt", "b/x.txt", "b/y.txt"):
        lab.write(name, "one")
    lab.write("c/x.txt", "other")
    same = key("file: a/x.txt")
    for place in ("b/x.txt", "./a/../b/x.txt", str(lab.folder / "b" / "x.txt")):
        assert key(f"file: '{place}'") == same
    assert len({same, key("file: b/y.txt"), key("file: c/x.txt"), key("")}) == 4


def test_a_folder_counts_by_its_name_and_contents(lab, key):
    for name in ("a/in/x", "b/in/x", "c/in/y", "d/in/x", "d/in/deep/z", "e/other/x"):
        lab.write(name, "one")
    same = key("file: a/in")
    assert key("file: b/in/") == same
    assert len({same, key("file: c/in"), key("file: d/in"), key("file: e/other")}) == 4


@pytest.mark.parametrize("change", ["a/x", "b/y"])
def test_files_in_lists_count_each(lab, key, change):
    for name in ("a/x", "b/y", "c/x", "c/y"):
        lab.write(name, "one")
    before = key("files: [a/x, b/y]")
    assert key("files: [c/x, c/y]") == before
    assert key("files: [b/y, a/x]") != before
    lab.write(change, "other")
    assert key("files: [a/x, b/y]") != before


def test_a_link_to_a_file_counts_by_content(lab, key):
    lab.write("real.txt", "one")
    Path("link.txt").symlink_to("real.txt")
    before = key("file: link.txt")
    lab.write("real.txt", "two")
    assert key("file: link.txt") != before


def test_the_folder_of_a_result_decides_nothing_and_its_name_does(lab, key):
    before = key("out: a/mid.txt")
    lab.write("b/mid.txt", "in the way")
    assert key("out: b/mid.txt") == key(f"out: {lab.folder / 'mid.txt'}") == before
    assert len({before, key("out: a/end.txt"), key("")}) == 3


def test_a_file_that_is_read_and_written_counts_as_a_result(lab, key):
    lab.write("same.txt", "one")
    before = key("file: same.txt, out: same.txt")
    lab.write("same.txt", "two")
    assert key("file: same.txt, out: same.txt") != before


def test_a_text_that_is_no_path_counts_as_it_stands(lab, key):
    lab.write("a/x.txt", "one")
    lab.write("b/x.txt", "one")
    assert key("text: a/x.txt") != key("text: b/x.txt")
    lab.write("a/x.txt", "two")
    lab.write("b/x.txt", "two")
    before = key("text: a/x.txt")
    lab.write("a/x.txt", "three")
    assert key("text: a/x.txt") == before


@pytest.mark.parametrize(
    "text", ["~no-such-user-here/x.txt", "a\\0/x.txt", f"{'x' * 300}/x.txt", f"{'x/' * 999}x.txt"]
)
def test_a_text_that_ends_like_a_path_of_the_job_is_a_text(lab, key, text):
    lab.write("x.txt", "one")
    assert key(f'file: x.txt, text: "{text}"') != key("file: x.txt")


def test_a_recipe_counts_wherever_it_stands(lab, prepare):
    text = (
        "execution_job_configs: [{hook: ProcessDataHook, dj_configs: %s,"
        " extra_configs: {type: lab_processor}}]"
    )
    lab.write("other/recipe.yaml", Path("configs/process.yaml").read_text())
    before = prepare(text % "configs/process.yaml").key
    assert prepare(text % "other/recipe.yaml").key == before
    recipe = "dataset_path: data.jsonl, np: 4, project_name: demo-process"
    written = text % f"{{process: [{{length_filter: {{min_len: %s}}}}], {recipe}}}"
    assert prepare(written % 0).key == before
    assert prepare(written % 1).key != before
    lab.write("data.jsonl", '{"text": "other"}\n')
    assert prepare(text % "configs/process.yaml").key != before


# -- what earlier jobs give ------------------------------------------------------------------------

TWO = """
execution_job_configs:
- {hook: Echo, meta_name: first}
- hook: Echo
  meta_name: second
  input: {extra_configs.%s: -1.text}
"""


@pytest.mark.parametrize("setting", ["file", "text"])
def test_a_path_from_an_earlier_job_counts_by_name_and_content(lab, prepare, setting):
    """Even where no setting says that it is a path."""

    def key(place):
        return prepare(TWO % setting, text=str(lab.folder / place)).key

    for name in ("a/x", "b/x", "b/y"):
        lab.write(name, "one")
    lab.write("c/x", "other")
    assert key("a/x") == key("b/x")
    assert len({key("a/x"), key("b/y"), key("c/x")}) == 3


def test_a_value_from_an_earlier_job_counts_and_is_used_as_it_is(lab, prepare):
    lab.write("a/x", "one")
    job = prepare(TWO % "text", text=str(lab.folder / "a/x"))
    assert job.settings.extra_configs == {"text": str(lab.folder / "a/x")}
    assert prepare(TWO % "text", text="a").key != prepare(TWO % "text", text="b").key


def test_a_recipe_from_an_earlier_job_counts_by_what_it_says(lab, prepare):
    text = (
        "execution_job_configs: [{hook: Echo}, {hook: ProcessDataHook,"
        " input: {dj_configs: -1.text}, extra_configs: {type: lab_processor}}]"
    )

    def key(name, least):
        recipe = f"dataset_path: data.jsonl\nprocess: [{{length_filter: {{min_len: {least}}}}}]\n"
        return prepare(text, text=str(lab.write(name, recipe))).key

    before = key("a.yaml", 1)
    assert key("elsewhere/b.yaml", 1) == before
    assert key("a.yaml", 2) != before
    mapping = {"dataset_path": "data.jsonl", "process": [{"length_filter": {"min_len": 1}}]}
    assert prepare(text, text=mapping).key == before


def test_values_inside_outputs_count_by_content(tmp_path, digests):
    (tmp_path / "a").write_text("one")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "a").write_text("one")
    first, second = str(tmp_path / "a"), str(tmp_path / "b" / "a")
    part = by_content(first, digests)
    assert part == by_content(second, digests)
    assert part["file"] == "a"
    assert by_content({"x": [first, 1, {"y": second}]}, digests) == {"x": [part, 1, {"y": part}]}


# -- texts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["", "a\nb", "/a\0b", "/" + "x" * 5000, "relative", "/no/such/file", "~", "/\ud800"]
)
def test_a_text_that_is_no_path_there_is_a_text(text, digests):
    assert by_content(text, digests) == text
    assert list(paths_in([text, {"x": text}])) == []


@pytest.mark.parametrize(
    ("text", "like"), [("a", True), ("x" * 1024, True), ("x" * 1025, False), ("", False)]
)
def test_only_short_texts_are_like_paths(text, like):
    assert is_like_path(text) is like


class Unwalkable:
    def path(self, path):
        raise AssertionError(f"{path} is walked")


@pytest.fixture
def around(tmp_path, monkeypatch):
    """Name the folders around the lab in every way that there is."""
    home = tmp_path / "home"
    (home / "lab").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home / "lab")
    (tmp_path / "link").symlink_to(home)
    (tmp_path / "root").symlink_to("/")
    return {
        "root": "/",
        "home": str(home),
        "here": str(home / "lab"),
        "above": str(tmp_path),
        "dotted": f"{home}/lab/..",
        "link": str(tmp_path / "link"),
        "link to root": str(tmp_path / "root"),
    }


@pytest.mark.parametrize(
    "name", ["root", "home", "here", "above", "dotted", "link", "link to root"]
)
def test_folders_around_the_lab_are_never_walked(around, name):
    assert by_content(around[name], Unwalkable()) == around[name]
    assert list(paths_in(around[name])) == []


def test_a_loop_of_links_is_a_text(tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert by_content(str(loop), Unwalkable()) == str(loop)


def test_outputs_are_searched_for_paths(tmp_path):
    paths = [tmp_path / name for name in "abc"]
    for path in paths:
        path.write_text(path.name)
    outputs = {"one": str(paths[0]), "list": [str(paths[1]), 3], "deep": {"x": [str(paths[2])]}}
    assert list(paths_in({**outputs, "gone": str(tmp_path / "gone"), "none": None})) == paths


# -- settings and code -----------------------------------------------------------------------------


def test_every_setting_counts(key):
    assert key("number: 1, text: x") == key("text: x, number: 1")
    keys = {key(one) for one in ("", "number: 1", "number: 2", "text: '1'", "train: {}")}
    keys |= {key(f"train: {{optimizer: {{lr: {lr}}}}}") for lr in (0.1, 0.2)}
    assert len(keys) == 7


def test_names_of_outputs_count(prepare):
    text = "execution_job_configs: [{hook: Echo, output: %s}]"
    assert prepare(text % "a").key == prepare(text % "[a]").key != prepare(text % "b").key


def test_names_and_places_of_the_job_do_not_count(prepare):
    text = "%s: [{hook: Echo, meta_name: %s, retries: %s, cache: %s}]"
    one = prepare(text % ("execution_job_configs", "a", 0, "true")).key
    assert prepare(text % ("probe_job_configs", "b", 3, "false")).key == one


def test_metrics_that_the_hook_may_ask_for_count(prepare):
    text = "execution_job_configs: [{hook: Ask, extra_configs: {text: x}}]"
    before = prepare(text).key
    one, two = ({"x": {"score": value}} for value in (1.0, 2.0))
    assert len({before, prepare(text, one).key, prepare(text, two).key}) == 3


def test_the_version_and_the_code_of_hook_and_component_count(lab, digests):
    text = "execution_job_configs: [{hook: GeneralProbeHook, extra_configs: {type: lab_findings}}]"
    plan = lab.plan(text)
    (job,) = plan.jobs

    def key(one):
        return prepare_job(state_of(plan, digests), one, History(1), {}).key

    changed = [
        replace(job, **{slot: replace(getattr(job, slot), **change)})
        for slot in ("hook_info", "component_info")
        for change in ({"version": "2.0"}, {"package": "other"})
    ]
    keys = {key(job), *map(key, changed)}
    source = lab.folder.parent / "site-packages" / "djsb_lab.py"
    source.write_text(source.read_text() + "# changed\n")
    keys.add(key(job))
    assert len(keys) == 6


def test_the_code_of_a_package_counts_with_all_its_modules(install, tmp_path, digests, lab):
    install("outer", "", "[djsb.hooks]\nInner = outer_package.hook:Inner\n")
    package = tmp_path / "site-packages" / "outer_package"
    package.mkdir()
    (package / "__init__.py").touch()
    helper = package / "helper.py"
    helper.write_text("TEXT = 'one'\n")
    (package / "hook.py").write_text(
        "from djsb_core.api import Hook\nfrom outer_package.helper import TEXT\n\n\n"
        "class Inner(Hook):\n    def run(self, context):\n        return (TEXT,)\n"
    )
    load_component.cache_clear()
    plan = lab.plan("execution_job_configs: [{hook: Inner}]")
    before = prepare_job(state_of(plan, digests), plan.jobs[0], History(1), {}).key
    helper.write_text("TEXT = 'two'\n")
    os.utime(helper, (1, 1))
    assert prepare_job(state_of(plan, digests), plan.jobs[0], History(1), {}).key != before


def test_settings_that_cannot_change_the_result_do_not_count(install, prepare):
    install(
        "neutral",
        """
        from djsb_core.api import ComponentConfig, DataEvaluator

        class Config(ComponentConfig):
            text: str = ""
            np: int = 1

        class Neutral(DataEvaluator[Config]):
            config_type = Config
            neutral = frozenset({"np"})

            def evaluate(self):
                return {"length": len(self.config.text)}
        """,
        "[djsb.data_evaluators]\nneutral = neutral:Neutral",
    )

    def key(settings):
        settings = f"{{type: neutral, {settings}}}"
        return prepare(
            f"evaluation_job_configs: [{{hook: EvaluateDataHook, extra_configs: {settings}}}]"
        ).key

    assert key("np: 1") == key("np: 2")
    assert key("np: 1") != key("np: 1, text: a")
