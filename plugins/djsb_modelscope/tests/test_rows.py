import pytest

from djsb_core.api import ComponentError
from djsb_modelscope.rows import read_renamed, read_texts


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"text": "a"}\n{"text": "b"\n', r"data.jsonl:2: not JSON"),
        ('{"text": "a"}\n\n[1]\n', r"data.jsonl:3: a sample must be a JSON object"),
        ('{"body": "a"}\n', r"data.jsonl:1: no 'text'; the row has 'body'; set text_key"),
        ('{"text": 7}\n', r"data.jsonl:1: 'text' must be a string, not int"),
        ("", r"data.jsonl: no sample in this file"),
        ('{"text": "  "}\n', r"the dataset is empty"),
    ],
)
def test_bad_data_is_named_with_file_and_line(tmp_path, content, said):
    file = tmp_path / "data.jsonl"
    file.write_text(content)
    with pytest.raises(ComponentError, match=said):
        read_texts(file, "text")


def test_a_folder_is_read_shard_by_shard(tmp_path):
    for name in ("b", "a"):
        (tmp_path / f"{name}.jsonl").write_text(f'{{"text": "{name}"}}\n')
    assert read_texts(tmp_path, "text") == ["a", "b"]


def test_a_folder_without_shards_is_refused(tmp_path):
    with pytest.raises(ComponentError, match="contains no"):
        read_texts(tmp_path, "text")


def test_keys_are_renamed(tmp_path):
    file = tmp_path / "data.jsonl"
    file.write_text('{"text": "a", "label": 1}\n')
    assert read_renamed(file, {"text": "src_txt"}) == [{"src_txt": "a", "label": 1}]
    with pytest.raises(ComponentError, match=r"data.jsonl:1: no 'body' to remap"):
        read_renamed(file, {"body": "src_txt"})
