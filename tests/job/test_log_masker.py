"""Output is masked alike in whatever pieces it comes."""

import json
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djsb_core.job.log_masker import LogMasker
from djsb_core.masking import Masker

KEY = """\
-----BEGIN RSA PRIVATE KEY-----
MIIEpAIBAAKCAQEA0aF9
q8Z1+c3/secretline
YWJj=
-----END RSA PRIVATE KEY-----"""
SECRETS = ["s3cret-value", KEY, 'with "quotes" and ü']
LINES = [
    "a plain line",
    "the s3cret-value itself",
    KEY,
    repr(KEY),
    json.dumps({"key": KEY}),
    quote(SECRETS[2]),
    "https://h/x?token=unknown-0001&a=1",
    "https://h/x?a=1&sig=unknown-0002",
    "Authorization: Bearer unknown-0003",
    "- name: X_API_KEY\n  value: unknown-0004",
    "machine h login me password unknown-0005",
    '{"api_key": "unknown-0006"}',
    "50%|####\r100%|########\r",
    "-----BEGIN PRIVATE KEY-----\nunknown0007unknown0007\n-----END PRIVATE KEY-----",
    "é ü 漢",
]
LEAKS = [b"s3cret-value", b"unknown", b"MIIEpAIBAAKCAQEA0aF9", b"secretline", b"quotes", b"YWJj"]


def stream(pieces, paused):
    masker = LogMasker(SECRETS)
    output = b""
    for piece, pause in zip(pieces, paused, strict=False):
        output += masker.feed(piece)
        if pause:
            output += masker.pause()
        assert not any(leak in output for leak in LEAKS)
    return output + masker.end()


@given(
    st.lists(st.sampled_from(LINES), max_size=6),
    st.lists(st.integers(0, 2000), max_size=12),
    st.lists(st.booleans(), min_size=13, max_size=13),
)
def test_pieces_and_pauses_do_not_matter(lines, cuts, paused):
    data = "".join(f"{line}\n" for line in lines).encode()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in pairwise(edges)]
    output = stream(pieces, paused)
    assert not any(leak in output for leak in LEAKS)
    assert output == Masker(SECRETS).text(data.decode()).encode()


@given(st.binary(max_size=200), st.integers(0, 200))
def test_what_is_no_text_stays_as_it_is(data, cut):
    data = bytes(byte for byte in data if byte not in b":=?&@<-{")
    masker = LogMasker(["s3cret-value"])
    assert masker.feed(data[:cut]) + masker.feed(data[cut:]) + masker.end() == data


@pytest.mark.parametrize("text", ["no end", "50%|####  |", "Enter a value: "])
def test_an_unfinished_line_is_shown_after_a_moment(text):
    masker = LogMasker(["s3cret-value"])
    assert masker.feed(text.encode()) == b""
    assert masker.pause() == text.encode()
    assert masker.feed(b", then\n") == b", then\n"


@pytest.mark.parametrize(
    ("first", "second", "whole"),
    [
        ("say s3cr", "et-value now\n", "say *** now\n"),
        ("?tok", "en=abcdef12 now\n", "?token=*** now\n"),
        ("X_API_KEY=abc", "def now\n", "X_API_KEY=*** now\n"),
        (
            "-----BEG",
            "IN PRIVATE KEY-----\nunknown0007unknown\n",
            "-----BEGIN PRIVATE KEY-----***\n",
        ),
    ],
)
def test_what_may_begin_a_secret_is_held_back(first, second, whole):
    masker = LogMasker(["s3cret-value"])
    output = masker.feed(first.encode()) + masker.pause()
    output += masker.feed(second.encode()) + masker.end()
    assert output.decode().rstrip() == whole.rstrip()
