"""A disk that fills up, at any moment: one message, and the run goes on when there is space."""

import subprocess
import sys
from contextlib import suppress

import pytest

SIZE = 8 * 2**20
PAGE = 4096
ADVICE = "free disk space, then run the same command again: finished jobs are kept"

EXPERIMENT = """
work_dir: w
execution_job_configs:
- {hook: Task, meta_name: first, extra_configs: {word: first}}
- {hook: Task, meta_name: big, extra_configs: {word: big, act: fill, number: 5000000}}
- {hook: Task, meta_name: last, extra_configs: {word: last}}
"""
ANYWAY = ["--no-preflight"]
"""The run itself is looked at here, not what is said before it."""

GREEDY = EXPERIMENT.replace("number: 5000000", "number: 0")
FILES = """
work_dir: w
execution_job_configs:
- {hook: Task, meta_name: first, extra_configs: {word: first}}
- hook: ProcessDataHook
  meta_name: process
  dj_configs:
    dataset_path: data.jsonl
    export_path: out/kept.jsonl
    process: [{length_filter: {min_len: 0}}]
  extra_configs: {type: slow_processor}
- hook: TrainModelHook
  meta_name: train
  input: {extra_configs.train_dataset: -1.export_path}
  extra_configs: {type: slow_trainer, work_dir: out/model}
"""


@pytest.fixture
def small(place):
    """Return a place whose ``work_dir`` is on a small disk of its own."""
    made = place()
    disk = made.folder / "w"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", disk]
    if not sys.platform.startswith("linux"):
        pytest.skip("a small disk is mounted with tmpfs, which is of Linux")
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield made
    made.kill_all()
    subprocess.run(["umount", disk], check=True)


def fill(place, free=0):
    """Fill the disk, but for some bytes."""
    with (place.folder / "w" / "ballast").open("wb", buffering=0) as file:
        with suppress(OSError):
            while True:
                file.write(bytes(PAGE))
        file.truncate(max(file.tell() - free, 0))


def make_space(place):
    (place.folder / "w" / "ballast").unlink()


def check_message(ran, codes=(1, 2)):
    """Check that a run has failed with one message that says what to do."""
    assert ran.returncode in codes, ran.stderr
    errors = [line for line in ran.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1, ran.stderr
    assert errors[0].count(ADVICE) == 1
    assert ran.stderr.count(ADVICE) == 1
    assert "WARNING" not in ran.stderr
    return errors[0]


def test_a_job_that_fills_the_disk(small):
    small.write(EXPERIMENT)
    (small.folder / "w" / "ballast").write_bytes(bytes(SIZE // 2))
    message = check_message(small.run(*ANYWAY), [1])
    assert message.startswith("Error: job 'big' failed: ")
    assert "No space left on device" in message
    assert [record["meta_name"] for record in small.records()] == ["first"]
    small.check_nothing_is_left()
    make_space(small)
    small.succeed(*ANYWAY)
    assert small.statuses() == ["cached", "finished", "finished"]
    assert small.ran() == {"first": 1, "big": 2, "last": 1}
    assert len(small.attempts()) == 3


@pytest.mark.parametrize(("workers", "cached"), [(0, True), (1, True), (1, False)])
def test_a_disk_that_is_full_after_a_job(small, workers, cached):
    text = GREEDY if cached else GREEDY.replace("meta_name: big,", "meta_name: big, cache: false,")
    small.write(text)
    message = check_message(small.run(*ANYWAY, "--workers", workers), [1])
    assert message.startswith("Error: job 'big' failed: ")
    assert [record["meta_name"] for record in small.records()] == ["first"]
    for big in (small.folder / "w").rglob("big.bin"):
        big.unlink()
    small.write(text.replace("act: fill, number: 0", "number: 0"))
    small.succeed(*ANYWAY)
    assert small.statuses() == ["cached", "finished", "finished"]


@pytest.mark.parametrize("known", [False, True])
def test_a_disk_that_is_full_from_the_start(small, known):
    small.write(EXPERIMENT)
    if known:
        small.run(*ANYWAY, "--set", "execution_job_configs.1.extra_configs.number=1")
    fill(small)
    check_message(small.run(*ANYWAY))
    small.check_nothing_is_left()
    make_space(small)
    small.succeed(*ANYWAY)
    before = "cached" if known else "finished"
    assert small.statuses() == [before, "finished", before]


@pytest.mark.parametrize(
    "pages",
    [range(0, 100, 20), pytest.param(range(100), marks=pytest.mark.slow)],
    ids=["some moments", "many moments"],
)
def test_a_disk_that_fills_at_any_moment(small, pages):
    """With each page more that is free, the run comes a little further."""
    small.write(FILES)
    failed = 0
    for free in pages:
        fill(small, PAGE * free)
        done, ran = small.records(), small.ran()
        ended = small.run(*ANYWAY)
        if ended.returncode:
            failed += 1
            check_message(ended)
        assert len(small.records()) >= len(done)
        again = set(small.ran() - ran)
        assert not again & {record["meta_name"] for record in done}
        small.check_nothing_is_left()
        make_space(small)
    assert failed
    small.succeed(*ANYWAY)
    assert small.ran()["first"] >= 1
    assert len(small.records()) == len(small.attempts()) == 3
    assert len(small.named()) == 6
