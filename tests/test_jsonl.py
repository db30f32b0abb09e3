import gzip
import json
import sys

import pandas as pd
import pytest
import zstandard

from djsb_core.errors import ComponentError
from djsb_core.jsonl import open_text, query, read_jsonl

SAMPLES = [
    {"text": "naïve 你好\u2028x", "meta": {"label": 1}},
    {"text": "", "meta": {"label": None}},
]
LINES = "".join(json.dumps(sample, ensure_ascii=False) + "\n" for sample in SAMPLES).encode()


def compress(name, data):
    if name.endswith(".gz"):
        return gzip.compress(data)
    if name.endswith(".zst"):
        half = len(LINES) // 2
        packer = zstandard.ZstdCompressor()
        return packer.compress(data[:half]) + packer.compress(data[half:])
    return data


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst"])
def test_samples_are_read_whatever_the_compression(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(compress(name, LINES))
    assert list(read_jsonl(path, require="meta.label")) == SAMPLES
    with open_text(path) as text:
        assert text.read() == LINES.decode()


def test_agrees_with_pandas(tmp_path):
    path = tmp_path / "a.jsonl"
    frame = pd.DataFrame({"i": range(50), "t": [f"line\n{i}\té" for i in range(50)]})
    frame.to_json(path, orient="records", lines=True)
    assert pd.DataFrame(read_jsonl(path)).equals(frame)


def test_blank_lines_byte_order_mark_and_missing_last_newline_are_fine(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n\r\n   \n{"a": 2}')
    assert list(read_jsonl(path)) == [{"a": 1}, {"a": 2}]


def test_it_streams(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\nbroken\n')
    samples = read_jsonl(path)
    assert next(samples) == {"a": 1}
    with pytest.raises(ComponentError, match=r"a\.jsonl:2: not JSON"):
        next(samples)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"a\.jsonl: no sample in this file"),
        (b"\n \n", r"a\.jsonl: no sample in this file"),
        (b'{"a": 1}\n{"a": 1,}\n', r"a\.jsonl:2: not JSON: .* \(column 9\)"),
        (b'{"a": 1}\n\n[1]\n', r"a\.jsonl:3: a sample must be a JSON object, this is a list"),
        (b'{"b": 1, "c": 2}\n', r"a\.jsonl:1: no field 'a'; fields: b, c"),
        (b"{}\n", r"a\.jsonl:1: no field 'a'; fields: none"),
        (b'{"a": 1}\n{"a": "\xff"}\n', r"a\.jsonl:2: not UTF-8 text"),
        (b'{"a": ' + b"[" * 200_000, r"a\.jsonl:1: not JSON"),
    ],
)
def test_bad_input_is_one_message_with_its_place(tmp_path, content, message):
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(ComponentError, match=message):
        list(read_jsonl(path, require="a"))


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst"])
@pytest.mark.parametrize("damage", [lambda data: b"not compressed", lambda data: data[:-9]])
def test_damaged_archives_are_one_message(tmp_path, name, damage):
    path = tmp_path / name
    path.write_bytes(damage(compress(name, LINES)))
    with pytest.raises(ComponentError, match=rf"{name}: damaged archive"):
        list(read_jsonl(path))


def test_missing_file_and_folder_are_one_message(tmp_path):
    with pytest.raises(ComponentError, match=r"none\.jsonl: cannot be read: No such file"):
        list(read_jsonl(tmp_path / "none.jsonl"))
    with pytest.raises(ComponentError, match="cannot be read: Is a directory"):
        list(read_jsonl(tmp_path))


def test_missing_zstandard_names_the_command(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zstandard", None)
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(b"")
    with pytest.raises(ComponentError, match="pip install zstandard"):
        list(read_jsonl(path))


def test_every_required_field_is_checked(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n')
    with pytest.raises(ComponentError, match="no field 'b'"):
        list(read_jsonl(path, require=["a", "b"]))


def test_open_text_names_a_file_that_is_not_text(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ComponentError, match=r"a\.txt: not UTF-8"), open_text(path) as text:
        text.read()


@pytest.mark.parametrize(
    ("key", "value"),
    [("a.b.c", 1), ("x.y", 2), ("n", None), ("d.e.f", 3), ("a.b", {"c": 1}), ("d.e", 4)],
)
def test_query_looks_up_whole_names_and_levels(key, value):
    sample = {"a": {"b": {"c": 1}}, "x.y": 2, "n": None, "d": {"e": 4, "e.f": 3}}
    assert query(sample, key) == value


@pytest.mark.parametrize("key", ["b", "a.c", "a.b.c.d", "n.x", ""])
def test_query_raises_on_what_is_not_there(key):
    with pytest.raises(KeyError):
        query({"a": {"b": {"c": 1}}, "n": None}, key)


def test_an_error_of_the_reader_is_not_blamed_on_the_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("x")
    with pytest.raises(OSError, match="disk full"), open_text(path):
        raise OSError("disk full")


FRAME = pd.DataFrame(
    {
        "text": ['naïve, "quoted"\nand two lines', "007 is text", "你好"],
        "count": [1, 2, 3],
        "score": [0.5, None, 2.0],
        "mixed": ["12", "twelve", ""],
    }
)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.tsv", "a.json", "a.json.gz", "a.parquet"])
def test_tables_agree_with_pandas(tmp_path, name):
    path = tmp_path / name
    if ".json" in name:
        FRAME.to_json(path, orient="records")
    elif name.endswith(".parquet"):
        FRAME.to_parquet(path)
    else:
        FRAME.to_csv(path, index=False, sep="\t" if ".tsv" in name else ",")
    rows = list(read_jsonl(path, require="text"))
    assert pd.DataFrame(rows).equals(FRAME)
    assert [type(row["count"]) for row in rows] == [int, int, int]


def test_a_long_text_in_a_csv_file(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text\n" + "x" * 200_000 + "\n")
    assert [len(row["text"]) for row in read_jsonl(path)] == [200_000]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"a,b\n1,2,3\n", r"a\.csv:2: 3 fields; the header has 2"),
        ("a.csv", b"a,a\n1,2\n", r"a\.csv:1: a column name occurs twice"),
        ("a.csv", b'a\n"open\n', r"a\.csv:2: not CSV: unexpected end of data"),
        ("a.csv", b"a\n\xff\n", r"a\.csv: not UTF-8 text"),
        ("a.csv", b"a,b\n", r"a\.csv: no sample in this file"),
        ("a.json", b'[{"a": 1}, 2]', r"a\.json: item 2: a sample must be a JSON object, .* int"),
        ("a.json", b'[{"a": 1},\n', r"a\.json:2: not JSON"),
        ("a.parquet", b'{"a": 1}\n', r"a\.parquet: not a Parquet file"),
    ],
)
def test_broken_tables_are_named(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ComponentError, match=message):
        list(read_jsonl(path))


def test_json_lines_may_be_called_json(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"a": 1}\n{"a": 2}\n')
    assert list(read_jsonl(path)) == [{"a": 1}, {"a": 2}]
