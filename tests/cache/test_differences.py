import copy
import math
import random

import pytest

from djsb.cache.differences import differences

HOOK = {"target": "djsb_core.hooks:Train", "package": "djsb-core", "version": "1", "source": "a"}
COMPONENT = {"target": "ms:Trainer", "package": "djsb-modelscope", "version": "0.1", "source": "b"}


def parts(settings=None, **more):
    return {
        "format": 1,
        "hook": HOOK,
        "component": COMPONENT,
        "settings": {"dj_configs": None, "extra_configs": settings},
        "files": {},
        "metrics": {},
        "outputs": ["model"],
        **more,
    }


def file(name, digest="0" * 64):
    return {"file": name, "digest": digest}


def test_equal_parts_have_no_differences():
    settings = {"a": [1, {"b": math.nan}], "f": file("x"), "c": None}
    assert differences(parts(settings), copy.deepcopy(parts(settings))) == []


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            {"train": {"optimizer": {"lr": 0.001}}},
            {"train": {"optimizer": {"lr": 0.002}}},
            "extra_configs.train.optimizer.lr: 0.001 → 0.002",
        ),
        ({}, {"x": 3}, "extra_configs.x: added (3)"),
        ({"x": 3}, {}, "extra_configs.x: removed"),
        ({"x": None}, {"x": True}, "extra_configs.x: null → true"),
        ({"x": "a"}, {"x": "b"}, "extra_configs.x: a → b"),
        ({"x": 1}, {"x": "1"}, 'extra_configs.x: 1 → "1"'),
        ({"x": 1}, {"x": 1.0}, "extra_configs.x: 1 → 1.0"),
        ({"x": math.nan}, {"x": 0.0}, "extra_configs.x: NaN → 0.0"),
        ({"x": "a" * 99}, {"x": "b"}, "extra_configs.x: different text (99 → 1 characters)"),
        ({"x": [1, 2]}, {"x": [1, 3]}, "extra_configs.x.1: 2 → 3"),
        ({"x": [1]}, {"x": [1, 3]}, "extra_configs.x.1: added (3)"),
        ({"x": [1, 3]}, {"x": [3]}, "extra_configs.x.0: removed (1)"),
        ({"x": {"y": 1}}, {"x": [1]}, 'extra_configs.x: {"y": 1} → [1]'),
        ({"x": file("a", "1")}, {"x": file("a", "2")}, "extra_configs.x: the content of a changed"),
        ({"x": file("a", "1")}, {"x": file("b", "1")}, "extra_configs.x: a → b (same content)"),
        (
            {"x": file("a", "1")},
            {"x": file("b", "2")},
            "extra_configs.x: a → b (different content)",
        ),
        (
            {"x": file("a")},
            {"x": file("a", "absent")},
            "extra_configs.x: a no longer exists",
        ),
        ({"x": file("a", "absent")}, {"x": file("a")}, "extra_configs.x: a did not exist before"),
        ({"x": {"result": "a"}}, {"x": {"result": "b"}}, "extra_configs.x: a → b"),
        ({"x": {"result": "a"}}, {"x": file("b")}, "extra_configs.x: a → b"),
        ({"x": "c"}, {"x": file("b")}, "extra_configs.x: c → b"),
        ({}, {"x": file("b")}, "extra_configs.x: added (b)"),
        ({"api_key": "k1"}, {"api_key": "k2"}, "extra_configs.api_key: changed"),
        ({}, {"hf_token": "k2"}, "extra_configs.hf_token: added"),
        ({}, {"m": {"password": "k", "n": [1]}}, 'added ({"n": [1], "password": "…"})'),
        ({"pad_token": "a"}, {"pad_token": "b"}, "extra_configs.pad_token: a → b"),
        ({}, {"x": "line\n" * 40}, "added (" + ("line " * 11) + "line…)"),
    ],
)
def test_settings(old, new, sentence):
    (found,) = differences(parts(old), parts(new))
    assert found.endswith(sentence)


@pytest.mark.parametrize(
    ("change", "sentences"),
    [
        ({"format": 2}, ["the format of cache keys changed (1 → 2)"]),
        ({"component": {**COMPONENT, "version": "0.2"}}, ["djsb-modelscope 0.1 → 0.2"]),
        ({"component": {**COMPONENT, "source": "c"}}, ["the code of djsb-modelscope changed"]),
        (
            {"component": {**COMPONENT, "package": "other"}},
            ["component: from package djsb-modelscope → other"],
        ),
        ({"component": None}, ["component: ms:Trainer → none"]),
        ({"hook": {**HOOK, "target": "x:Y"}}, ["hook: djsb_core.hooks:Train → x:Y"]),
        (
            {"hook": {**HOOK, "version": "2"}, "component": {**HOOK, "version": "2"}},
            ["djsb-core 1 → 2", "component: ms:Trainer → djsb_core.hooks:Train"],
        ),
        ({"outputs": ["model", "log"]}, ["outputs.1: added (log)"]),
        ({"seed": 7}, ["seed: null → 7"]),
    ],
)
def test_all_else(change, sentences):
    assert differences(parts(), parts(**change)) == sentences


def test_a_package_is_named_once():
    same = {**COMPONENT, "package": "djsb-core", "version": "1"}
    newer = {**same, "version": "2"}
    found = differences(
        parts(component=same), parts(hook={**HOOK, "version": "2"}, component=newer)
    )
    assert found == ["djsb-core 1 → 2"]


def test_a_component_that_is_new():
    assert differences(parts(component=None), parts()) == ["component: none → ms:Trainer"]


def test_other_files():
    old = parts(files={"same": "0", "changed": "1", "gone": "2", "lost": "3"})
    new = parts(files={"same": "0", "changed": "9", "lost": "absent", "new": "4"})
    assert differences(old, new) == [
        "the content of changed changed",
        "gone: no longer an input file",
        "lost no longer exists",
        "new: new input file",
    ]


def test_other_files_by_number():
    old = parts(files={"0": file("a", "1"), "1": file("b", "2"), "2": file("b", "3")})
    new = parts(files={"0": file("_", "9"), "1": file("a", "1"), "2": file("b", "2")})
    assert differences(old, new) == ["the content of b changed", "_: new input file"]
    assert differences(parts(), parts(files={"0": file("a", "1")})) == ["a: new input file"]


def test_names_that_are_not_text_can_be_printed():
    (sentence,) = differences(parts({}), parts({"x": "caf\udce9"}))
    assert sentence == "extra_configs.x: added (caf\\udce9)"


def test_metrics():
    old = parts(metrics={"probe": {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}, "eval": {"f1": 0.5}})
    new = parts(metrics={"probe": {"a": 2, "b": 3, "c": 4, "d": 5, "f": 6}, "eval": {"f1": 0.5}})
    assert differences(old, new) == [
        "metrics of job 'probe' changed: a: 1 → 2, b: 2 → 3, c: 3 → 4 and 3 more"
    ]
    assert differences(parts(), parts(metrics={"eval": {"f1": 0.5}})) == [
        "metrics of job 'eval' changed: f1: added (0.5)"
    ]


def test_an_operator_put_in_front_is_one_sentence():
    old = [{"text_length_filter": {"min_len": i}} for i in range(5)]
    new = [{"words_num_filter": {"min_num": 1}}, *copy.deepcopy(old)]
    new[3]["text_length_filter"]["min_len"] = 9
    settings = {"dj_configs": {"process": old}}, {"dj_configs": {"process": new}}
    assert differences({"settings": settings[0]}, {"settings": settings[1]}) == [
        'dj_configs.process.0: added ({"words_num_filter": {"min_num": 1}})',
        "dj_configs.process.3.text_length_filter.min_len: 2 → 9",
    ]


def test_long_lists_are_compared_by_place():
    old, new = list(range(5000)), list(range(1, 5001))
    assert len(differences(parts({"x": old}), parts({"x": new}))) == 5000


@pytest.mark.parametrize("seed", range(30))
def test_whatever_changes_something_is_said(seed):
    """Only equal parts have no differences, and one changed value is one sentence."""
    chance = random.Random(seed)  # noqa: S311 (not for secrets)
    old = tree(chance, 3)
    new = copy.deepcopy(old)
    place, path = new, "extra_configs"
    while isinstance(place, dict | list):
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        parent, key = place, chance.choice(keys)
        path, place = f"{path}.{key}", place[key]
    parent[key] = "changed"
    assert differences(parts(old), parts(new)) == [f"{path}: {place} → changed"]
    assert differences(parts(new), parts(old)) == [f"{path}: changed → {place}"]


def tree(chance, depth):
    if depth == 0:
        return chance.randrange(10**9)
    items = [tree(chance, depth - chance.choice([1, 1, depth])) for _ in range(4)]
    named = {f"k{i}": item for i, item in enumerate(items)}
    return named if depth == 3 or chance.random() < 0.5 else items
