"""Every face of djsb says the same about the same numbers, whatever they are."""

import csv
import io
import json
import math
import re
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from djsb import open_run
from djsb.cli.compare import compare
from djsb.evidence.verdict import Verdict
from djsb.report.show import run_text
from djsb.report.summary import summarize
from djsb.store.store import Store
from djsb_core.job.reports import ArtifactKind
from djsb_report.reporter import HtmlReporter
from tests.support.history import History

WORDS = {word.value for word in Verdict}
METRICS = ("score", "other")
SIDES = ("before", "after")
SIZES = (1, 2, 3, 29, 30, 45, 1001)
ODD = (math.nan, math.inf, -math.inf, 0.0, 1e308, -1e308)


# -- what is drawn ---------------------------------------------------------------------------------


@st.composite
def measurements(draw):
    """Draw what two jobs measured: by side, the jobs of each seed with metrics and samples."""
    noise = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count, weighted = draw(st.sampled_from(SIZES)), draw(st.booleans())
    seeds = draw(st.sampled_from([("",), ("1", "2", "3")]))
    shift = draw(st.sampled_from([0.0, 0.02, -0.3, 3.0]))
    spread = draw(st.sampled_from([0.0, 0.1, 2.0]))
    by_seed = draw(st.sampled_from([0.0, 0.0, 0.2]))
    base = noise.gamma(2.0, 1.0, count)
    weights = noise.integers(1, 50, count).astype(float)
    directions = {
        name: up
        for name in METRICS
        if (up := draw(st.sampled_from([True, False, None]))) is not None
    }
    sides = []
    for side in range(2):
        kept = (
            seeds
            if len(seeds) == 1
            else draw(st.sampled_from([seeds, seeds, seeds[1:], seeds[2:]]))
        )
        size = draw(st.sampled_from([count, count, count, max(1, count - 1)]))
        units = weights if draw(st.sampled_from([True, True, False])) else weights * 2
        dataset = draw(st.sampled_from(["d.jsonl", "d.jsonl", "e.jsonl"]))
        jobs = {}
        for seed in seeds:
            values = base + side * (shift + spread * noise.normal(size=count))
            values = (values + by_seed * noise.normal())[:size]
            shares = units[:size] if weighted else np.ones(size)
            jobs[seed] = {
                "metrics": {
                    "score": float((values * shares).sum() / shares.sum()),
                    "other": float(np.median(values)),
                },
                "samples": {
                    "score": {
                        "values": (values * shares).tolist(),
                        "weights": shares.tolist() if weighted else None,
                    }
                },
                "settings": {"extra_configs": {"dataset_path": dataset}},
                "directions": directions,
                "status": draw(st.sampled_from(["finished", "cached"]))
                if seed in kept
                else "failed",
            }
        sides.append(jobs)
    job = sides[draw(st.integers(0, 1))][draw(st.sampled_from(seeds))]
    odd = draw(st.sampled_from([None, "value", "sample", "samples are lost", "score alone"]))
    if odd == "value":
        job["metrics"]["score"] = draw(st.sampled_from(ODD))
    elif odd == "sample":
        job["samples"]["score"]["values"][0] = draw(st.sampled_from(ODD))
    elif odd == "samples are lost":
        job["lost"] = True
    elif odd == "score alone":
        del job["metrics"]["other"]
    return sides


def record(history, *named):
    """Record a run with jobs of these names; of an iteration before it, with other values."""
    jobs = [
        {
            **{key: value for key, value in job.items() if key != "lost"},
            "meta_name": name,
            "iteration": iteration,
            "pipeline": f"p@seed={seed}" if seed else "p",
            "metrics": {
                metric: value * (3 - iteration) for metric, value in job["metrics"].items()
            },
            "hook": "EvaluateModelHook",
        }
        for iteration in (1, 2)
        for name, side in named
        for seed, job in side.items()
    ]
    run = history.add(*jobs)
    lost = {(name, seed) for name, side in named for seed, job in side.items() if "lost" in job}
    for job in history.store.jobs(run.id):
        seed = job.pipeline.partition("=")[2]
        for artifact in history.store.artifacts(job.id):
            if artifact.kind is ArtifactKind.SAMPLES and (job.meta_name, seed) in lost:
                artifact.path.unlink()
    return run


# -- the faces -------------------------------------------------------------------------------------


def cells(line):
    return re.split(r"\s{2,}", line.strip())


def words_of_table(text, start):
    """Return metric and verdict of the rows that begin with a text."""
    rows = [cells(line) for line in text.splitlines() if line.startswith(start)]
    return {row[1]: row[-1] if row[-1] in WORDS else "" for row in rows}


def words_of_text(text):
    rows = [cells(line) for line in text.splitlines()]
    found = {}
    for row in rows:
        for metric in set(METRICS) & set(row[:2]):
            found[metric] = next((cell for cell in row if cell in WORDS - {""}), "")
    return found


class Rows(HTMLParser):
    """The rows of the tables of one section of a page: the cells by their labels."""

    def __init__(self, page, section):
        super().__init__()
        self.section, self.rows, self._inside, self._cell = section, [], False, None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        if tag == "section":
            self._inside = named["id"] == self.section
        elif tag == "tr":
            self.rows.append({})
        elif tag in ("td", "th"):
            self._cell = named.get("data-label", "head")
        if self._inside and tag in ("td", "th") and self.rows:
            self.rows[-1][self._cell] = ""

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._cell = None

    def handle_data(self, data):
        if self._inside and self._cell and self.rows:
            self.rows[-1][self._cell] = (
                f"{self.rows[-1].get(self._cell, '')} {data.strip()}".strip()
            )


def invoke(*arguments):
    result = CliRunner().invoke(compare, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def words_of_compare(work_dir, first, second):
    """Ask ``djsb compare`` in each of its formats; they agree."""
    text = words_of_text(invoke(first, second, "-w", work_dir, "--all"))
    table = csv.DictReader(io.StringIO(invoke(first, second, "-w", work_dir, "--csv")))
    parsed = json.loads(invoke(first, second, "-w", work_dir, "--json"))
    found = {
        metric["metric"]: metric["differences"][0]["verdict"] or "" for metric in parsed["metrics"]
    }
    assert text == found
    assert {row["metric"]: row["verdict"] for row in table} == found
    return found


def unchanged_in(work_dir, first, second):
    """Ask ``djsb compare`` which metrics have equal values."""
    parsed = json.loads(invoke(first, second, "-w", work_dir, "--json"))
    return {
        metric["metric"]
        for metric in parsed["metrics"]
        if metric["differences"][0]["difference"] == 0
    }


def words_of_frame(frame):
    return dict(zip(frame["metric"], frame["verdict"], strict=True))


def words_of_scores(page):
    return {
        row["head"].partition(" ")[0]: row["verdict"]
        for row in Rows(page, "scores").rows
        if "verdict" in row
    }


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(measurements())
def test_all_faces_say_the_same(sides):
    with TemporaryDirectory() as folder, closing(Store(Path(folder))) as store:
        history = History(store)
        both = record(history, *zip(SIDES, sides, strict=True))
        first, second = (record(history, ("eval", side)) for side in sides)
        directions = next(iter(sides[0].values()))["directions"]

        said = words_of_compare(folder, f"{both.id}:before", f"{both.id}:after")
        assert words_of_compare(folder, first.id, second.id) == said
        assert words_of_frame(open_run(first.id, folder).compare(second.id)) == said

        summary = summarize(store, both.id)
        shown = words_of_table(summary, "before → after")
        assert shown.items() <= said.items()
        unchanged = unchanged_in(folder, f"{both.id}:before", f"{both.id}:after")
        assert said.keys() - shown.keys() == unchanged  # the summary leaves these out
        assert not {said[metric] for metric in unchanged} & {"better", "worse"}
        assert words_of_table(run_text(store, both), "before → after") == shown
        assert words_of_frame(open_run(both.id, folder).comparison) == shown

        scored = {metric: word for metric, word in said.items() if metric in directions}
        page = HtmlReporter().render(store, both)
        assert words_of_scores(page) == scored
        assert_headline(page, scored)

        against = HtmlReporter().render(store, second, against=first)
        rows = [row for row in Rows(against, "against").rows if "metric" in row]
        changed = {row["metric"]: row["verdict"] for row in rows}
        assert changed.items() <= said.items()
        assert said.keys() - changed.keys() == unchanged


def assert_headline(page, scored):
    """A headline says better or worse only if a score is."""
    headline = re.search(r'id="verdict-title">([^<]*)<', page)[1].lower()
    for word in ("better", "worse"):
        assert word not in headline or word in scored.values()
