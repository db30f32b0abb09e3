"""The file of a run's surroundings."""

import pytest

from djsb.store.environment import FILE, read_environment, write_environment


def test_what_is_written_is_read(tmp_path):
    facts = {"python": "3.11", "packages": {"a": "1"}, "command": ["djsb", "run", "é.yaml"]}
    write_environment(tmp_path, facts)
    assert read_environment(tmp_path) == facts
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("text", [None, "", "{", "[1]", b"\xff"])
def test_what_cannot_be_read_is_nothing(tmp_path, text):
    if text is not None:
        (tmp_path / FILE).write_bytes(text if isinstance(text, bytes) else text.encode())
    assert read_environment(tmp_path) == {}
