"""What a recipe may say, checked before anything runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from djsb_core.api import PathContext
from djsb_datajuicer.recipe import recipe_type


@pytest.fixture
def settings(make_data: Any) -> dict[str, Any]:
    return {"dataset_path": str(make_data([{"text": "a"}])), "process": []}


def errors(settings: dict[str, Any]) -> dict[tuple[Any, ...], str]:
    with pytest.raises(ValidationError) as caught:
        recipe_type().model_validate(settings)
    return {one["loc"]: one["msg"] for one in caught.value.errors(include_url=False)}


def test_operators_may_stand_alone(settings: dict[str, Any]) -> None:
    process = ["text_length_filter", {"words_num_filter": None}, {"clean_ip_mapper": {}}]
    recipe = recipe_type()(**{**settings, "process": process})
    names = ["text_length_filter", "words_num_filter", "clean_ip_mapper"]
    assert recipe.operators == [(name, {}) for name in names]


def test_unknown_key_is_told_the_right_word(settings: dict[str, Any]) -> None:
    found = errors({**settings, "exprot_path": "x.jsonl", "open_tracr": True})
    assert "'export_path'" in found["exprot_path",]
    assert "'open_tracer'" in found["open_tracr",]


@pytest.mark.parametrize(
    ("entry", "place", "said"),
    [
        ({"text_lenght_filter": {}}, (0, "text_lenght_filter"), "'text_length_filter'"),
        ("text_lenght_filter", (0, "text_lenght_filter"), "'text_length_filter'"),
        (
            {"text_length_filter": {"min_length": 1}},
            (0, "text_length_filter", "min_length"),
            "'min_len'",
        ),
        ({"text_length_filter": {"min_len": "x"}}, (0, "text_length_filter", "min_len"), "'x'"),
        ({"words_num_filter": {"min_num": 3.5}}, (0, "words_num_filter", "min_num"), "3.5"),
        ({"words_num_filter": {"lang": False}}, (0, "words_num_filter", "lang"), "string"),
        ({"words_num_filter": {"tokenization": 1}}, (0, "words_num_filter", "tokenization"), "1"),
        (
            {"character_repetition_filter": {"rep_len": 0}},
            (0, "character_repetition_filter", "rep_len"),
            "greater than 0",
        ),
        ({"a": {}, "b": {}}, (0,), "one operator"),
        (3, (0,), "one operator"),
        ({"text_length_filter": [1]}, (0,), "one operator"),
    ],
)
def test_wrong_operators_are_located(
    settings: dict[str, Any], entry: Any, place: tuple[Any, ...], said: str
) -> None:
    found = errors({**settings, "process": [entry]})
    assert list(found) == [("process", *place)]
    assert said in found["process", *place]


def test_all_problems_are_reported_at_once(settings: dict[str, Any]) -> None:
    process = [{"nope_filter": {}}, {"text_length_filter": {"nope": 1, "min_len": "x"}}]
    found = errors({**settings, "process": process, "np": 0, "nope": 1})
    assert set(found) == {
        ("process", 0, "nope_filter"),
        ("process", 1, "text_length_filter", "nope"),
        ("process", 1, "text_length_filter", "min_len"),
        ("np",),
        ("nope",),
    }


@pytest.mark.parametrize(
    "arguments",
    [
        {"min_len": 3.0},
        {"min_len": None},
        {"min_closed_interval": False, "text_key": "meta.text", "num_proc": 3, "batch_size": 7},
    ],
)
def test_what_data_juicer_takes_is_taken(
    settings: dict[str, Any], arguments: dict[str, Any]
) -> None:
    recipe_type()(**{**settings, "process": [{"text_length_filter": arguments}]})


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"dataset_path": "no/such.jsonl"}, ("dataset_path",)),
        ({"dataset_path": None}, ("dataset_path",)),
        ({"executor_type": "spark"}, ("executor_type",)),
        ({"export_path": "out.txt"}, ("export_path",)),
        ({"export_path": "s3://bucket/out.jsonl"}, ("export_path",)),
        ({"percentiles": [5]}, ("percentiles", 0)),
        ({"open_tracer": "x"}, ("open_tracer",)),
        ({"conflict_resolve_strategy": "x"}, ("conflict_resolve_strategy",)),
        ({"partition": {"mode": "x"}}, ("partition", "mode")),
        ({"partition": {"mod": "auto"}}, ("partition", "mod")),
        ({"process": "text_length_filter"}, ("process",)),
    ],
)
def test_wrong_values_are_located(
    settings: dict[str, Any], changed: dict[str, Any], place: tuple[Any, ...]
) -> None:
    assert list(errors({**settings, **changed})) == [place]


def test_weighted_paths_are_sources(make_data: Any) -> None:
    one, two = make_data([{"text": "a"}], "one.jsonl"), make_data([{"text": "b"}], "two.jsonl")
    recipe = recipe_type()(dataset_path=f"0.3 {one} {two}")
    configs = recipe.settings()["dataset"]["configs"]
    assert [(part["path"], part["weight"]) for part in configs] == [(str(one), 0.3), (str(two), 1)]
    assert recipe.sources == [one, two]


def test_paths_are_found_beside_the_experiment(make_data: Any, tmp_path: Path) -> None:
    make_data([{"text": "a"}], "here.jsonl")
    context = PathContext(folders=(Path.cwd(), tmp_path))
    recipe = recipe_type().model_validate({"dataset_path": "here.jsonl"}, context=context)
    assert recipe.dataset_path == tmp_path / "here.jsonl"


def test_own_operators_are_known(make_data: Any, tmp_path: Path) -> None:
    path = tmp_path / "shout_mapper.py"
    path.write_text(
        "from data_juicer.ops.base_op import OPERATORS, Mapper\n"
        'OP_NAME = "shout_mapper"\n\n\n'
        "@OPERATORS.register_module(OP_NAME)\n"
        "class ShoutMapper(Mapper):\n"
        "    def __init__(self, mark: str = '!', *args, **kwargs):\n"
        "        super().__init__(*args, **kwargs)\n"
    )
    given = {"dataset_path": str(make_data([{"text": "a"}])), "custom_operator_paths": [str(path)]}
    recipe_type()(**given, process=[{"shout_mapper": {"mark": "?", "text_key": "t"}}])
    found = errors({**given, "process": [{"shout_mapper": {"marks": "?"}}]})
    assert "'mark'" in found["process", 0, "shout_mapper", "marks"]


def test_a_recipe_is_checked_without_importing_data_juicer(make_data: Any) -> None:
    code = (
        "import sys\n"
        "from djsb_datajuicer.executor import DataJuicerExecutor\n"
        "from djsb_datajuicer.analyzer import DataJuicerAnalyzer\n"
        "from djsb_datajuicer.k_sigma import KSigmaRefiner\n"
        "process = [{'text_length_filter': {'min_len': 1}}, 'language_id_score_filter']\n"
        "config = DataJuicerExecutor.config_type(dataset_path=sys.argv[1], process=process)\n"
        "DataJuicerExecutor(config).check()\n"
        "heavy = {'torch', 'data_juicer', 'datasets', 'pandas', 'ray'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    path = make_data([{"text": "a"}])
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


def test_the_schema_tells_types() -> None:
    properties = recipe_type().model_json_schema()["properties"]
    assert properties["open_tracer"]["type"] == "boolean"
    assert properties["open_tracer"]["description"]
