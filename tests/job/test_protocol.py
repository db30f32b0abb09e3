import math
import os
from threading import Thread

import pytest

from djsb_core.job.protocol import LineSplitter, decode, encode, write_all


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_lines_are_whole_however_they_arrive(size):
    text = b"\nfirst\n\nsecond, longer\nno end"
    lines = LineSplitter()
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    assert [line for piece in pieces for line in lines.split(piece)] == text.split(b"\n")[:-1]
    assert list(lines.split(b"\n")) == [b"no end"]


def test_a_message_is_one_line_of_ascii_after_whatever_was_written():
    message = {"text": "a\nb\u2028\udcff", "nested": [{"ü": None}], "number": 10**30}
    lines = LineSplitter()
    found = [decode(line) for line in lines.split(b'{"garbage' + encode(message))]
    assert found == [None, message]


def test_numbers_that_are_none_survive():
    nan, inf = decode(encode({"x": [math.nan, -math.inf]}).strip())["x"]
    assert math.isnan(nan)
    assert inf == -math.inf


@pytest.mark.parametrize("line", [b"", b"3", b"[1]", b'{"a"', b'{"\xff": 1}', b'"x"', b"{} {}"])
def test_other_lines_are_no_messages(line):
    assert decode(line) is None


@pytest.mark.parametrize(("value", "error"), [(object(), TypeError), ({1, 2}, TypeError)])
def test_what_is_no_json_is_no_message(value, error):
    with pytest.raises(error):
        encode({"value": value})


def test_all_is_written_to_a_pipe_that_takes_little():
    data = os.urandom(1 << 20)
    read, write = os.pipe()
    thread = Thread(target=lambda: (write_all(write, data), os.close(write)))
    thread.start()
    with open(read, "rb") as file:  # noqa: PTH123
        assert file.read() == data
    thread.join()
