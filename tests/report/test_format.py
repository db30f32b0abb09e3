import math

import pytest

from djsb.report.format import duration, number, table


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0, "0"),
        (-0.0, "0"),
        (3, "3"),
        (-3.0, "-3"),
        (12345, "12,345"),
        (12345.678, "12,346"),
        (1234.5678, "1,235"),
        (314.159, "314.2"),
        (20.5, "20.5"),
        (999.96, "1,000"),
        (3.14159, "3.142"),
        (0.123456, "0.1235"),
        (0.00031234, "0.0003123"),
        (3e-9, "3e-09"),
        (1e300, "1.000e+300"),
        (2**70, "1.181e+21"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (True, "True"),
        ("text", "text"),
        (None, "None"),
    ],
)
def test_number(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    "value", [10.0**i * m for i in range(-12, 300, 7) for m in (1, -2.3456789)]
)
def test_a_written_number_is_close_and_short(value):
    text = number(value)
    assert float(text.replace(",", "")) == pytest.approx(value, rel=0.01)
    assert len(text) <= 21


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0, "0.0 s"),
        (0.44, "0.4 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (65, "1 min 05 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 00 min"),
        (7799, "2 h 10 min"),
        (360000, "100 h 00 min"),
    ],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_table():
    text = table([("a", 1), ("bb", 20)], ("name", "n"), right=(1,))
    assert text.splitlines() == ["name      n", "------  ---", "a         1", "bb       20"]


def test_a_table_of_texts_that_look_like_numbers_keeps_them():
    assert "20261122-000001" in table([("20261122-000001", "1e5")], ("run", "x"))
    assert "1e5" in table([("1", "1e5")], ("run", "x"))


def test_a_table_without_rows_has_its_headers():
    assert table([], ("a", "b")).split()[:2] == ["a", "b"]


def test_a_narrow_terminal_cuts_lines_and_a_pipe_does_not(monkeypatch):
    rows = [("name", "a summary that is long")]
    whole = table(rows, ("", "summary"))
    assert "long" in whole
    monkeypatch.setenv("COLUMNS", "14")
    monkeypatch.setattr("sys.stdout", type("Terminal", (), {"isatty": staticmethod(lambda: True)}))
    lines = table(rows, ("", "summary")).split("\n")
    assert lines[-1] == "name  a summa…"
    assert all(len(line) <= 14 for line in lines)
