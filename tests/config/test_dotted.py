import copy

import pytest

from djsb.config.dotted import get_value, remove_value, set_value, split_path

TREE = {"a": {"b": [1, {"c": 2}]}, "0": "zero", "none": None}


@pytest.mark.parametrize(
    ("path", "value"),
    [("a.b.0", 1), ("a.b.1.c", 2), ("a.b.-1.c", 2), ("0", "zero"), ("a.b", [1, {"c": 2}])],
)
def test_get(path, value):
    assert get_value(TREE, split_path(path)) == value


@pytest.mark.parametrize(
    ("path", "missing"),
    [
        ("x", "x"),
        ("a.x.y", "x"),
        ("a.b.2", "2"),
        ("a.b.-3", "-3"),
        ("a.b.--1", "--1"),
        ("a.b.²", "²"),
        ("a.b.9999999999999999999999", "9" * 22),
        ("a.b.c", "c"),
        ("0.x", "x"),
        ("none.x", "x"),
        ("", ""),
    ],
)
def test_get_names_the_first_part_that_is_missing(path, missing):
    with pytest.raises(KeyError) as caught:
        get_value(TREE, split_path(path))
    assert caught.value.args == ((missing if missing != "9" * 22 else "9999999999999999999999"),)


@pytest.mark.parametrize("path", ["a.b.0", "a.b.1.c", "a.b.-1.d", "x", "x.y.z", "none.x", "a.n"])
def test_what_was_set_is_there(path):
    tree = copy.deepcopy(TREE)
    set_value(tree, split_path(path), "new")
    assert get_value(tree, split_path(path)) == "new"


@pytest.mark.parametrize("path", ["a.b.2", "a.b.x", "a.b.0.x", "0.x", "0.x.y", "a.b.5.x"])
def test_set_refuses_what_cannot_be_entered(path):
    tree = copy.deepcopy(TREE)
    with pytest.raises(KeyError):
        set_value(tree, split_path(path), "new")


@pytest.mark.parametrize("path", ["a.b", "a.b.1.c", "0", "none"])
def test_what_was_removed_is_not_there(path):
    tree = copy.deepcopy(TREE)
    remove_value(tree, split_path(path))
    with pytest.raises(KeyError):
        get_value(tree, split_path(path))


def test_lists_keep_their_length():
    tree = copy.deepcopy(TREE)
    remove_value(tree, split_path("a.b.0"))
    assert tree["a"]["b"] == [None, {"c": 2}]


@pytest.mark.parametrize("path", ["x.y", "a.b.7", "0.x", "a.b.x"])
def test_removing_what_is_not_there_changes_nothing(path):
    tree = copy.deepcopy(TREE)
    remove_value(tree, split_path(path))
    assert tree == TREE
