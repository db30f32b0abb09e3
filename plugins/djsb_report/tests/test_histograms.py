"""Histograms are brought to the same bins without losing rows."""

import numpy as np
import pytest

from djsb_report.histograms import (
    Histogram,
    histograms_of,
    joined_edges,
    on_bins,
    parse_histogram,
)


def test_rows_are_shared_out_by_width():
    assert on_bins(Histogram([0, 2, 4], [4, 8]), [0, 1, 3, 4]) == [2, 6, 4]


def test_counts_are_those_of_numpy_where_bins_nest():
    values = np.random.default_rng(1).normal(size=500)
    fine, edges = np.histogram(values, bins=40)
    coarse, _ = np.histogram(values, bins=edges[::4])
    found = on_bins(Histogram(list(edges), list(fine)), list(edges[::4]))
    assert found == pytest.approx(list(coarse))


@pytest.mark.parametrize("second", [[-3.0, 1.0, 2.0], [0.5, 0.6], [3.0, 7.5, 20.0], [-9.0, 30.0]])
def test_joined_edges_cover_both(second):
    first, other = Histogram([0, 1, 2], [1, 1]), Histogram(second, [5] * (len(second) - 1))
    edges = joined_edges(first, other)
    assert edges == sorted(set(edges))
    assert edges[0] == min(0, second[0])
    assert edges[-1] == max(2, second[-1])
    assert sum(on_bins(other, edges)) == pytest.approx(sum(other.counts))


def test_bins_stay_bounded_where_the_ranges_are_far_apart():
    edges = joined_edges(Histogram([0, 1e-9], [1]), Histogram([5, 6], [1]))
    assert len(edges) <= 1001
    assert edges[-1] == 6


@pytest.mark.parametrize(
    "value",
    [
        None, [], "x", {}, {"edges": [0, 1]}, {"edges": [0, 1], "counts": [1, 2]},
        {"edges": [1, 0], "counts": [1]}, {"edges": [0, 0], "counts": [1]},
        {"edges": [0, 1], "counts": [-1]}, {"edges": [0, float("nan")], "counts": [1]},
        {"edges": [0, "1"], "counts": [1]}, {"edges": [0], "counts": []},
        {"edges": list(range(3002)), "counts": [1] * 3001}, {"edges": [0, 1], "counts": [True]},
    ],
)  # fmt: skip
def test_what_is_no_histogram(value):
    assert parse_histogram(value) is None


def test_rows_in_the_tails_are_known():
    value = {"edges": [0, 1], "counts": [5], "below": 1, "above": 2, "min": -3, "max": 9}
    found = parse_histogram(value)
    assert found.tails == [(-3, 0, 1), (1, 9, 2)]
    assert found.rows == 8
    assert on_bins(found, [-3, 0, 1, 5]) == [1, 5, 1]


@pytest.mark.parametrize(
    "more", [{}, {"below": 0, "above": 0, "min": None, "max": None}, {"below": 3, "min": 0}]
)
def test_without_tails(more):
    assert parse_histogram({"edges": [0, 1], "counts": [5], **more}).tails == []


def test_files_that_are_gone_or_broken_are_left_out(new_run):
    run = new_run()
    files = run.add("probe", "ProbeViaAnalyzerHook", "probe")
    run.histogram(files, "gone", [0, 1], [1])
    run.histogram(files, "broken", [0, 1], [1])
    run.histogram(files, "good", [0, 1], [1])
    paths = sorted(files.glob("histogram.*.json"))
    paths[0].unlink()
    paths[1].write_text("{")
    reading = run.reading
    assert list(histograms_of(reading, reading.jobs[0])) == ["good"]
