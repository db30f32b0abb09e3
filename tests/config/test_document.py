import json

import pytest

from djsb.config import document
from djsb.config.document import MAX_DEPTH, parse_value, read_document
from djsb_core.errors import ConfigError
from djsb_core.yaml_text import dump_yaml


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Return a function that reads a document given as text."""
    monkeypatch.chdir(tmp_path)

    def read_text(content, name="x.yaml"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_document(path.relative_to(tmp_path))

    return read_text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("lr: 3e-4", {"lr": 0.0003}),
        ("lr: 3E+4", {"lr": 30000.0}),
        ("lr: 1.5e3", {"lr": 1500.0}),
        ("v: -2e1", {"v": -20.0}),
        ("v: e3", {"v": "e3"}),
        ("v: 3e", {"v": "3e"}),
        ("v: .inf", {"v": float("inf")}),
        ("v: 0x1F", {"v": 31}),
        ("v: 2026-11-22", {"v": "2026-11-22"}),
        ("v: 2026-13-45", {"v": "2026-13-45"}),
        ("v: '3e-4'", {"v": "3e-4"}),
        ("v: ~", {"v": None}),
        ("v:", {"v": None}),
        ("1: a\ntrue: b", {"1": "a", "True": "b"}),
        ("", None),
        ("# only a comment", None),
        ("\ufeffa: 1", {"a": 1}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}", {"x": {"a": 1, "b": 2}, "y": {"a": 1, "b": 3}}),
        ("text: |\n  a\n  b\n", {"text": "a\nb\n"}),
        ("a: é中😀", {"a": "é中😀"}),
    ],
)
def test_plain_values(read, text, value):
    assert read(text).value == value


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, -3e-4, True, None, "text", {"b": []}], "c": {}},
        {"unicode": "é中😀", "slash": "a/b", "quote": "\"'\\", "control": "\x07\n\t"},
        {"lr": 1e-300, "big": 1e300, "int": 2**70, "empty": ""},
        [],
        "text",
    ],
)
@pytest.mark.parametrize("options", [{}, {"indent": "\t"}, {"indent": 2, "ensure_ascii": False}])
def test_json_is_read_as_the_json_module_does(read, value, options):
    assert read(json.dumps(value, **options), "x.json").value == value


def test_lines_are_kept_for_values_lists_and_tabbed_json(read):
    read_one = read("a:\n  b:\n  - 1\n  - c: 2\n").source
    assert read_one.place(("a", "b", 1, "c")) == "x.yaml:4"
    assert read_one.place(("a", "b", 0)) == "x.yaml:3"
    assert read_one.place(("a", "nothing", "below")) == "x.yaml:1"
    assert read_one.place(()) == "x.yaml:1"
    assert read('{\n\t"a": {\n\t\t"b": 1}}', "x.json").source.place(("a", "b")) == "x.json:3"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "x.yaml:3: the key 'a' is given twice (first: line 1)"),
        ("o:\n  a: 1\n  'a': 2\n", "x.yaml:3: the key 'a' is given twice (first: line 2)"),
        ("a: [1, 2\n", "x.yaml:2: not plain YAML: "),
        ("a: 1\n b: 2\n", "x.yaml:2: not plain YAML: "),
        ("a:\n\tb: 1", "x.yaml:2: not plain YAML: found character"),
        ("a: *nowhere", "x.yaml:1: not plain YAML: "),
        ("a: 1\n---\nb: 2", "x.yaml:2: not plain YAML: "),
        ("a: \x01", "x.yaml:1: not plain YAML: control characters are not allowed"),
        ("a: é\nb: 2\nc: \x00", "x.yaml:3: not plain YAML: control characters are not allowed"),
        ("a: !!binary aGVsbG8=", "x.yaml:1: not plain YAML: the tag "),
        ("a: !!timestamp 2026-11-22", "x.yaml:1: not plain YAML: the tag "),
        ("a: 0x" + "f" * 5000, "x.yaml:1: not a value: '0xffff"),
        ("1: a\n0x1: b", "x.yaml:2: the key '1' is given twice"),
        ("a: !!python/object/apply:os.system [ls]", "x.yaml:1: not plain YAML: the tag "),
        ("a: !!python/object:os.Y {b: 1}", "x.yaml:1: not plain YAML: the tag "),
        ("a: !!python/name:os.system", "x.yaml:1: not plain YAML: could not determine"),
        ("!!python/object/new:str [a]", "x.yaml:1: not plain YAML: the tag "),
        ("a: !mine {b: 1}", "x.yaml:1: not plain YAML: the tag '!mine'"),
        ("a: !!set {b, c}", "x.yaml:1: not plain YAML: the tag "),
        ("a: !!int x", "x.yaml:1: not a value: 'x'"),
        ("a: 0b_", "x.yaml:1: not a value: '0b_'"),
        ("a: !!bool x", "x.yaml:1: not a value: 'x'"),
        ("a: " + "1" * 5000, "x.yaml:1: not a value: '1111"),
        ("? [a, b]\n: 1", "x.yaml:1: a key must be a word"),
        ("a: &a [*a]", "x.yaml:1: an alias refers to a value that contains it"),
        ("a: 1\nb: &a {c: *a}", "x.yaml:2: an alias refers to a value that contains it"),
        ("a: {<<: 3}", "x.yaml:1: not plain YAML: expected a mapping"),
        (b"a: 1\nb: \xe9\n", "x.yaml:2: not UTF-8 text: "),
        ("a: 1".encode("utf-16"), "x.yaml:1: not UTF-8 text: "),
        ("\n" * 3 + "[" * 300, f"x.yaml:4: nested deeper than {MAX_DEPTH} levels"),
        ("- " * 300 + "x", f"x.yaml:1: nested deeper than {MAX_DEPTH} levels"),
    ],
)
def test_bad_yaml_is_one_message_with_its_line(read, text, message):
    with pytest.raises(ConfigError) as caught:
        read(text)
    (problem,) = map(str, caught.value.problems)
    assert problem.startswith(message)
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{\n"a": 1,\n"a": 2}', "x.json:3: the key 'a' is given twice (first: line 2)"),
        ('{\n\t"a": 1,\n\t"a": 2}', "x.json:3: the key 'a' is given twice (first: line 2)"),
        ('{\n\t"a": 1', "x.json:2: not JSON: "),
        ('{"a": "\\ud83d\\ude00", }', "x.json:1: not JSON: "),
        ('{"a": "\\ud83d"}', "x.json:1: not JSON: unpaired surrogate in a string"),
        ('{"b": "\\ud83d\\ude00", "a": 1, "a": 2}', "x.json:1: not JSON: the key 'a' is given "),
        ('["\\ud83d\\ude00", ' + "[" * 500 + "]" * 501, "x.json:1: nested deeper than 64 levels"),
    ],
)
def test_bad_json_is_one_message_with_its_line(read, text, message):
    with pytest.raises(ConfigError) as caught:
        read(text, "x.json")
    (problem,) = map(str, caught.value.problems)
    assert problem.startswith(message)


def test_every_duplicate_is_reported(read):
    with pytest.raises(ConfigError) as caught:
        read("a: 1\na: 2\nb: {c: 1, c: 2}\n")
    assert [problem.line for problem in caught.value.problems] == [2, 3]


def test_depth_is_bounded_for_the_stack_of_the_c_parser(read):
    with pytest.raises(ConfigError, match="nested deeper"):
        read("[" * 300_000)


@pytest.mark.parametrize(
    "level",
    ["a{i}: &a{i} [{nine}]\n", "a{i}: &a{i} {{x: [{nine}]}}\n", "a{i}: &a{i} {{<<: [{nine}]}}\n"],
    ids=["lists", "mappings", "merges"],
)
def test_aliases_of_aliases_cannot_fill_the_memory(read, level, monkeypatch):
    monkeypatch.setattr(document, "MAX_VALUES", 20_000)
    first = "a0: &a0 {x: 1}\n"
    rest = "".join(level.format(i=i, nine=",".join([f"*a{i - 1}"] * 9)) for i in range(1, 30))
    try:
        value = read(first + rest).value
    except ConfigError as error:
        assert "too large" in str(error)  # noqa: PT017 (merges are fine: they share their keys)
    else:
        assert value["a29"] == {"x": 1}


def test_more_values_than_an_experiment_has_are_refused_before_they_fill_the_memory(read):
    with pytest.raises(ConfigError, match="too large"):
        read("a: [" + "x," * 1_000_000 + "]")


def test_a_file_that_cannot_be_read_is_one_message(tmp_path):
    for path in (tmp_path / "absent.yaml", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read: "):
            read_document(path)


def test_values_of_the_command_line_are_read_as_in_the_file():
    assert parse_value("3e-4") == 0.0003
    assert parse_value("[1, a]") == [1, "a"]
    assert parse_value("") is None
    assert parse_value("2026-13-45") == "2026-13-45"


@pytest.mark.parametrize(
    "value",
    [{"b": 1, "a": [None, True, "3e-4", "x: y", 0.0003]}, {"text": "é\n中"}, {"lr": 1e-05}],
)
def test_what_is_dumped_reads_back(read, value):
    assert read(dump_yaml(value)).value == value
    assert list(read(dump_yaml(value)).value) == list(value)
