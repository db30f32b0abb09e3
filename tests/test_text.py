"""Sizes and durations, as people read and write them."""

import pytest

from djsb_core.text import counted, parse_duration, size_text


def test_counts_agree_with_their_nouns():
    assert counted(1, "job") == "1 job"
    assert counted(0, "job") == "0 jobs"
    assert counted(2000, "entry", "entries") == "2,000 entries"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_940, "999.9 kB"),
        (999_960, "1.0 MB"),
        (12_345_678, "12.3 MB"),
        (10**10, "10.0 GB"),
        (5 * 10**15, "5000.0 TB"),
    ],
)
def test_sizes_for_people(size, text):
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1536, "1.5 KiB"),
        (3 * 2**29, "1.5 GiB"),
        (2**52, "4096.0 TiB"),
    ],
)
def test_sizes_of_memory(size, text):
    assert size_text(size, binary=True) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), (" 15m ", 900), ("1.5 h", 5400), ("30d", 2_592_000), ("0d", 0)],
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "3", "d", "-1d", "1w", "1e3s", "1 d 2 h"])
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match="is not a duration; examples: 30d, 12h, 90m"):
        parse_duration(text)
