"""Which jobs made the same measurement."""

import pytest

from djsb.evidence.alignment import pairs_within, replicates_of


@pytest.fixture
def jobs(history):
    """Return a function that records jobs and gives their records."""
    return lambda *jobs: history.store.jobs(history.add(*jobs).id)


def job(meta_name, seed=None, **more):
    pipeline = "p" if seed is None else f"p@seed={seed}"
    return {"meta_name": meta_name, "pipeline": pipeline, **more}


def names(pairs):
    return [(before.first.meta_name, after.first.meta_name) for before, after in pairs]


def test_the_repetitions_of_a_job_are_one(jobs):
    (one,) = replicates_of(jobs(job("a", 1), job("a", 2), job("a", 3, status="failed")))
    assert (one.pipeline, list(one.jobs), list(one.finished)) == ("p", ["1", "2", "3"], ["1", "2"])


@pytest.mark.parametrize(
    "other",
    [
        job("a"),
        job("b", 1),
        job("a", 1, hook="Other"),
        job("a", 1, component="d"),
        job("a", 1, stage="probe"),
        job("a", 1, iteration=2),
        job("a", "x"),
        job("a", 1),
    ],
)
def test_what_is_no_repetition(jobs, other):
    found = replicates_of(jobs(job("a", 1), other))
    assert [len(one.jobs) for one in found] == ([2] if other == job("a") else [1, 1])


def test_the_first_job_is_compared_with_each_later_one(jobs):
    assert names(pairs_within(jobs(job("a"), job("b"), job("c")))) == [("a", "b"), ("a", "c")]


def test_before_stays_before_where_a_seed_failed(jobs):
    recorded = jobs(job("a", 1, status="failed"), job("b", 1), job("a", 2), job("b", 2))
    assert names(pairs_within(recorded)) == [("a", "b")]


def test_without_the_first_the_next_ones_are_compared(jobs):
    recorded = jobs(job("a", status="failed"), job("b"), job("c", status="cached"))
    assert names(pairs_within(recorded)) == [("b", "c")]


def process(meta_name, reads, **more):
    samples = {"samples": {"dataset": "dj_configs.dataset_path"}}
    settings = {"dj_configs": {"dataset_path": reads}}
    return job(meta_name, role="process", settings=settings, declarations=samples, **more)


def test_a_chain_of_steps_is_no_before_and_after(jobs):
    recorded = jobs(
        process("clean", "/d.jsonl", outputs={"output": "/w/clean.jsonl"}),
        process("dedup", "/w/clean.jsonl", exports={"/w/files": "/out"}),
        process("shorten", "/out/part.jsonl"),
        process("other", "/d.jsonl"),
    )
    assert names(pairs_within(recorded)) == [("clean", "other")]
