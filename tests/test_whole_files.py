"""Files take their names only once they are complete."""

from contextlib import suppress

import pytest

from djsb_core.whole_files import replacing, write_whole


def test_a_text_is_written_as_it_is(tmp_path):
    path = tmp_path / "file.txt"
    for text in ("", "é\r\n\n", "x" * 100_000):
        write_whole(path, text)
        assert path.read_bytes() == text.encode()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("before", [None, "old"])
def test_a_block_that_fails_changes_nothing(tmp_path, before, durable):
    path = tmp_path / "file.txt"
    if before is not None:
        path.write_text(before)
    with suppress(ValueError), replacing(path, durable=durable) as file:
        file.write("half")
        raise ValueError
    assert [one.read_text() for one in tmp_path.iterdir()] == ([] if before is None else [before])


def test_nothing_is_seen_before_the_end(tmp_path):
    path = tmp_path / "file.txt"
    with replacing(path, durable=True) as file:
        file.write("new")
        file.flush()
        assert not path.exists()
    assert path.read_text() == "new"


def test_a_text_that_is_no_unicode_can_be_kept(tmp_path):
    path = tmp_path / "file.txt"
    with replacing(path, errors="surrogateescape") as file:
        file.write("\udcff")
    assert path.read_bytes() == b"\xff"
    with pytest.raises(UnicodeEncodeError), replacing(path) as file:
        file.write("\udcff")
    assert path.read_bytes() == b"\xff"
    write_whole(path, "a name: \udcff")
    assert path.read_text() == r"a name: \udcff"
