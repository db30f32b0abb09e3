"""Refining a recipe: the bounds of Data-Juicer's own function, made legal."""

from __future__ import annotations

import copy
import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from djsb_core.api import BoundSide, Change, ComponentError, Kind
from djsb_core.testing import ComponentContract
from djsb_datajuicer.k_sigma import KSigmaRefiner, k_sigma_bounds
from djsb_datajuicer.operators import operator_of
from djsb_datajuicer.recipe import recipe_type

if TYPE_CHECKING:
    from pathlib import Path

BOTH = {
    "text_length_filter": ("text_len", {"min_len": 1, "max_len": 10**6}),
    "alphanumeric_filter": ("alnum_ratio", {"min_ratio": 0.0, "max_ratio": 1.0}),
    "special_characters_filter": ("special_char_ratio", {"max_ratio": 1.0}),
    "character_repetition_filter": ("char_rep_ratio", {"rep_len": 3, "min_ratio": 0.0}),
    "word_repetition_filter": ("word_rep_ratio", {"min_ratio": 0.0, "max_ratio": 1.0}),
    "words_num_filter": ("num_words", {"min_num": 1, "max_num": 10**6}),
    "average_line_length_filter": ("avg_line_length", {"min_len": 1, "max_len": 10**6}),
    "maximum_line_length_filter": ("max_line_length", {"min_len": 1, "max_len": 10**6}),
    "stopwords_filter": ("stopwords_ratio", {"min_ratio": 0.0}),
    "flagged_words_filter": ("flagged_words_ratio", {"max_ratio": 1.0}),
    "token_num_filter": ("num_token", {"min_num": 1, "max_num": 10**6}),
    "image_aspect_ratio_filter": ("aspect_ratios", {"min_ratio": 0.1, "max_ratio": 9.0}),
    "image_shape_filter": ("image_width", {"min_width": 1, "max_width": 10**6}),
    "image_size_filter": ("image_sizes", {"min_size": "1", "max_size": "1TB"}),
    "audio_size_filter": ("audio_sizes", {"min_size": "1", "max_size": "1TB"}),
    "clean_links_mapper": ("", {}),
}


class TestContract(ComponentContract):
    kind = Kind.RECIPE_REFINER
    name = "k_sigma"


def refiner(**settings: Any) -> KSigmaRefiner:
    return KSigmaRefiner(KSigmaRefiner.config_type(**settings))


def summary(mean: float, std: float) -> dict[str, float]:
    return {"mean": mean, "std": std, "min": 0.0, "max": mean + 9 * std}


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    """A tokenizer of three words, so that token_num_filter runs without a download."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    unknown = {"unk_token": "?"}
    made = Tokenizer(models.WordLevel({"a": 0, "b": 1, "?": 2}, **unknown))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    folder = tmp_path / "tokenizer"
    PreTrainedTokenizerFast(tokenizer_object=made, **unknown).save_pretrained(folder)
    return folder


@pytest.fixture
def peer_bounds(tmp_path: Path, tokenizer: Path, no_plots: None, make_data: Any) -> Any:
    """Let Data-Juicer modify a recipe of every operator above; returns recipe and result."""
    from PIL import Image

    words = tmp_path / "words"
    words.mkdir()
    for kind in ("stopwords", "flagged_words"):
        (words / f"{kind}.json").write_text(json.dumps({"en": ["a", "the"]}))
    picture = tmp_path / "picture.png"
    Image.new("RGB", (8, 6)).save(picture)
    row = {"text": "One line, and a second.", "images": [str(picture)], "audios": [str(picture)]}
    data = make_data([row] * 3)
    extra = {
        "stopwords_filter": {"stopwords_dir": str(words)},
        "flagged_words_filter": {"flagged_words_dir": str(words)},
        "token_num_filter": {"hf_tokenizer": str(tokenizer)},
    }
    process = [{name: {**extra.get(name, {}), **own}} for name, (_, own) in BOTH.items()]

    def modify(statistics: dict[str, dict[str, float]], k: float) -> tuple[Any, Any]:
        import pandas as pd
        from data_juicer.config import init_configs
        from data_juicer.tools.hpo.execute_hpo_3sigma import modify_recipe_k_sigma
        from data_juicer.utils.constant import StatsKeys

        recipe = {"dataset_path": str(data), "process": process}
        path = tmp_path / "recipe.json"
        path.write_text(json.dumps({**recipe, "export_path": str(tmp_path / "out.jsonl")}))
        # It learns which statistics an operator writes while the operator runs, and remembers.
        StatsKeys._accessed_by.clear()
        config = init_configs(["--config", str(path)], load_configs_only=True)
        modify_recipe_k_sigma(config, pd.DataFrame(statistics), None, k=k)
        return recipe, config.process

    return modify


def test_bounds_are_data_juicers(peer_bounds: Any) -> None:
    choose = random.Random(1)  # noqa: S311 (the same each time)
    statistics = {
        stat: summary(choose.uniform(0, 9), choose.uniform(0.1, 2))
        for stat, _ in BOTH.values()
        if stat
    }
    statistics["num_words"]["std"] = float("nan")
    recipe, modified = peer_bounds(statistics, 2.5)
    compared = 0
    for entry, wanted in zip(recipe["process"], modified, strict=True):
        (name, arguments), after = next(iter(entry.items())), next(iter(wanted.values()))
        operator = operator_of(name, {})
        assert operator is not None
        found = dict(k_sigma_bounds(operator, arguments, statistics, 2.5))
        for argument, old in arguments.items():
            expected = found[argument][1] if argument in found else old
            assert after[argument] == pytest.approx(expected), (name, argument)
        compared += bool(found)
    assert compared >= 14  # num_words has no spread, and a mapper no bounds


def test_the_refined_recipe_is_legal_and_the_old_one_untouched(make_data: Any) -> None:
    statistics = {stat: summary(0.3, 0.4) for stat, _ in BOTH.values() if stat}
    recipe = {
        "dataset_path": str(make_data([{"text": "a"}])),
        "process": [{name: own} for name, (_, own) in BOTH.items()],
    }
    before = copy.deepcopy(recipe)
    refined = refiner().refine(recipe, statistics)
    assert recipe == before
    recipe_type()(**refined.recipe)
    assert refined.recipe["dataset_path"] == recipe["dataset_path"]
    values = {name: own for entry in refined.recipe["process"] for name, own in entry.items()}
    assert values["alphanumeric_filter"] == {"min_ratio": 0.0, "max_ratio": pytest.approx(1.5)}
    assert values["character_repetition_filter"]["rep_len"] == 3
    assert values["image_size_filter"] == {"min_size": "0", "max_size": "1"}
    assert values["clean_links_mapper"] == {}


BOUNDED = {
    "text_length_filter": ("max_len", "text_len"),
    "alphanumeric_filter": ("max_ratio", "alnum_ratio"),
    "special_characters_filter": ("max_ratio", "special_char_ratio"),
    "character_repetition_filter": ("max_ratio", "char_rep_ratio"),
    "word_repetition_filter": ("max_ratio", "word_rep_ratio"),
    "words_num_filter": ("max_num", "num_words"),
    "language_id_score_filter": ("min_score", "lang_score"),
    "average_line_length_filter": ("max_len", "avg_line_length"),
    "maximum_line_length_filter": ("min_len", "max_line_length"),
    "perplexity_filter": ("max_ppl", "perplexity"),
    "image_shape_filter": ("max_width", "image_width"),
}


def test_changes_name_the_statistics_that_they_bound() -> None:
    process = [{name: {argument: 7}} for name, (argument, _) in BOUNDED.items()]
    names = {stat for _, stat in BOUNDED.values()} | {"image_height"}
    statistics = {name: summary(0.5, 0.1) for name in names}
    changes = refiner(k=1).refine({"process": process}, statistics).changes
    assert {one.operator: (one.argument, one.statistic) for one in changes} == BOUNDED
    sides = {one.side for one in changes if one.argument.startswith("max")}
    assert sides == {BoundSide.UPPER}
    assert {one.side for one in changes} - sides == {BoundSide.LOWER}


def test_changes_tell_old_and_new() -> None:
    recipe = {"process": [{"text_length_filter": {"min_len": 10}}, "clean_ip_mapper"]}
    refined = refiner(k=2).refine(recipe, {"text_len": summary(100, 20)})
    assert refined.changes == [
        Change("text_length_filter", "min_len", 10, 60, "text_len", BoundSide.LOWER)
    ]
    assert refined.recipe["process"] == [
        {"text_length_filter": {"min_len": 60}},
        {"clean_ip_mapper": {}},
    ]


def test_a_bound_that_stays_is_no_change() -> None:
    recipe = {"process": [{"text_length_filter": {"min_len": 60}}]}
    assert refiner(k=2).refine(recipe, {"text_len": summary(100, 20)}).changes == []


def test_unset_arguments_and_flags_stay() -> None:
    arguments = {"max_ratio": 1.0, "min_closed_interval": False}
    recipe = {"process": [{"alphanumeric_filter": arguments}]}
    refined = refiner().refine(recipe, {"alnum_ratio": {"mean": 0.5, "std": 0.1}})
    assert refined.recipe["process"] == [
        {"alphanumeric_filter": {"max_ratio": pytest.approx(0.8), "min_closed_interval": False}}
    ]


def test_each_bound_follows_its_own_statistic() -> None:
    statistics = {"image_width": summary(640, 10), "image_height": summary(480, 5)}
    arguments = {"min_width": 1, "max_height": 1}
    refined = refiner(k=1).refine({"process": [{"image_shape_filter": arguments}]}, statistics)
    assert refined.recipe["process"][0]["image_shape_filter"] == {
        "min_width": 630,
        "max_height": 485,
    }


@pytest.mark.parametrize(
    ("process", "said"),
    [
        (
            [{"text_length_filter": {"min_len": 1}}],
            "lack 'text_len', which text_length_filter writes",
        ),
        ([{"no_such_filter": {"min_len": 1}}], "not installed: 'no_such_filter'"),
    ],
)
def test_what_cannot_be_refined_is_named(process: list[Any], said: str) -> None:
    with pytest.raises(ComponentError, match=said):
        refiner().refine({"process": process}, {"num_words": summary(1, 1)})


@pytest.mark.parametrize("k", [0, -1])
def test_k_is_positive(k: float) -> None:
    with pytest.raises(ValidationError):
        refiner(k=k)
