"""The first lines of a report: what changed, by how much, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from djsb.records import base_of, number, settings_of, status_of
from djsb_report.findings import UNCLEAR
from djsb_report.reading import DONE, EVALUATION, PROCESS, TRAINING, Reading, cut, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from djsb.records import JobRecord
    from djsb_report.findings import Finding, Findings, Pair

WORDS = ("better", "worse", UNCLEAR)
MOST_PAIRS, MOST_SCORES, MOST_KEYS, LONG = 4, 4, 5, 300
MINUS, NARROW = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}"


@dataclass
class Verdict:
    """What a reader should take home."""

    tone: str
    """``better``, ``worse``, ``mixed``, ``unclear``, ``none`` or ``failed``."""
    headline: str
    changes: list[str] = field(default_factory=list)
    """What changed, and by how much."""
    certainty: list[str] = field(default_factory=list)
    """How sure that is."""


def judge(reading: Reading, findings: Findings) -> Verdict:
    """Put what a run found in a few plain sentences."""
    status = status_of(reading.run)
    if status != "finished":
        return _unfinished(reading, status)
    pairs = findings.pairs
    if not pairs:
        return Verdict("none", _nothing_compared(reading), list(_data_changes(reading)))
    most = MOST_SCORES if len(pairs) == 1 else 1
    verdict = Verdict(
        _tone([one for pair in pairs for one in pair.deciding]),
        _headline(pairs, findings.left_out),
        [line for pair in pairs[:MOST_PAIRS] for line in _measured(pair, most)],
        list(_certainty(reading, pairs)),
    )
    more = len(pairs) - MOST_PAIRS + findings.left_out
    if more > 0:
        verdict.changes.append(f"{more} more pairs of jobs are not told here.")
    verdict.changes += _data_changes(reading)
    return verdict


def _unfinished(reading: Reading, status: str) -> Verdict:
    failed = [job for job in reading.jobs if job.status == "failed"]
    headline = {
        "running": "This run has not ended yet: what follows is what is known so far.",
        "interrupted": "This run was interrupted: there is no result yet.",
        "killed": "This run was ended from outside: there is no result yet.",
    }.get(status, "This run failed: there is no result.")
    changes = [
        f"Job {reading.named(job.pipeline, job.meta_name)} failed: "
        f"{cut(job.error or 'no reason given', LONG)}"
        for job in failed[:MOST_SCORES]
    ]
    if reading.run.reason and not failed:
        changes.append(cut(reading.run.reason, LONG))
    if status in ("interrupted", "killed"):
        changes.append("The same command goes on from the finished jobs.")
    return Verdict("failed" if status == "failed" else "none", headline, changes)


def _nothing_compared(reading: Reading) -> str:
    if any(job.stage == EVALUATION and job.status in DONE for job in reading.latest):
        return "Nothing was scored twice: this run does not say what a change does."
    return "Nothing was evaluated: this run does not say what a change does to a model."


def _tone(scores: Sequence[Finding]) -> str:
    words = {one.word for one in scores}
    if words == {UNCLEAR}:
        return "unclear"
    return "mixed" if {"better", "worse"} <= words else (words - {UNCLEAR}).pop()


def _headline(pairs: Sequence[Pair], left_out: int) -> str:
    if len(pairs) == 1 and not left_out:
        deciding = pairs[0].deciding
        if _tone(deciding) == "unclear":
            return "No clear difference between before and after."
        names = {w: [one.metric.name for one in deciding if one.word == w] for w in WORDS}
        parts = [f"{word} on {listed(found)}" for word, found in names.items() if found]
        text = "; ".join(parts)
        return f"{text[0].upper()}{text[1:]}."
    tones = [_tone(pair.deciding) for pair in pairs]
    counts = [
        f"{tones.count(tone)} {'not clearly different' if tone == 'unclear' else tone}"
        for tone in ("better", "worse", "mixed", "unclear")
        if tone in tones
    ]
    which = f"The first {len(pairs)} of {len(pairs) + left_out}" if left_out else str(len(pairs))
    return f"{which} comparisons: {', '.join(counts)}."


def _measured(pair: Pair, most: int) -> Iterator[str]:
    """Say by how much the deciding scores of one pair of jobs changed."""
    for one in pair.deciding[:most]:
        better = "higher" if one.metric.higher_is_better else "lower"
        name = f"{one.metric.name} of {pair.after} against {pair.before}"
        text = f"{name}: {number(one.old)} → {number(one.new)}, {one.word} ({better} is better)."
        bounds = interval(one)
        if bounds:
            text += f" Difference {signed(one.difference)}, 95{NARROW}% interval {bounds}."
        yield text


def interval(one: Finding) -> str:
    """Write the 95 % interval of a difference; empty where it is not known."""
    return " to ".join(map(signed, one.interval)) if one.interval else ""


def signed(value: float) -> str:
    """Write a number with its sign."""
    if not math.isfinite(value) or value == 0:
        return number(value)
    return f"{'+' if value > 0 else MINUS}{number(abs(value))}"


def percent(share: float, sign: str = "") -> str:
    """Write a share in percent; ``sign`` stands before one above zero."""
    text = f"{100 * share:.1f}{NARROW}%".replace("-", MINUS)
    return sign + text if share > 0 else text


def _data_changes(reading: Reading) -> Iterator[str]:
    """Say what happened to the data, and whether the trainings can be compared."""
    for job in reading.of_hook(PROCESS)[:MOST_PAIRS]:
        found = reading.numbers(job)
        given, kept = found.get("rows_in"), found.get("rows_kept")
        if given and kept is not None:
            name = reading.named(base_of(job.pipeline), job.meta_name)
            share = percent(kept / given)
            yield f"Data: {name} kept {number(kept)} of {number(given)} rows ({share})."
    yield from _training_changes(reading)


def _training_changes(reading: Reading) -> Iterator[str]:
    """Compare the first training of a pipeline with each other one, of the first seed."""
    firsts: dict[tuple[str, str | None], JobRecord] = {}
    told: set[tuple[str, str]] = set()
    for job in reading.of_hook(TRAINING):
        first = firsts.setdefault((job.pipeline, job.component), job)
        key = (base_of(job.pipeline), job.meta_name)
        if first is not job and key not in told and len(told) < MOST_PAIRS:
            told.add(key)
            yield _trained_alike(reading, first, job)


def _trained_alike(reading: Reading, before: JobRecord, after: JobRecord) -> str:
    """Say how two trainings differ: in settings, and in the tokens that they saw."""
    old, new = settings_of(before, reading.places), settings_of(after, reading.places)
    changed = [key for key in dict.fromkeys([*old, *new]) if old.get(key) != new.get(key)]
    keys = [key.removeprefix("extra_configs.") for key in changed]
    names = f"{before.meta_name} and {after.meta_name}"
    where = f"only in {listed(keys, MOST_KEYS)}" if keys else "in no setting"
    text = f"Training: {names} differ {where}"
    tokens = [reading.numbers(job).get("tokens") for job in (before, after)]
    if None in tokens:
        return f"{text}."
    if tokens[0] == tokens[1]:
        return f"{text}; both saw {number(tokens[0])} tokens."
    counts = " and ".join(map(number, tokens))
    return f"{text}. They saw different amounts of data: {counts} tokens."


def _certainty(reading: Reading, pairs: Sequence[Pair]) -> Iterator[str]:
    """Say what the intervals cover, and what they do not."""
    repeated = [pair for pair in pairs if pair.trainings > 1]
    if repeated:
        count = min(pair.trainings for pair in repeated)
        yield (
            f"Each side was repeated with {count} seeds; the interval covers chance in training "
            "as far as so few show it, on the same evaluation data."
        )
    single = [pair for pair in pairs if pair.trainings == 1]
    sampled = [pair for pair in single if any(one.interval for one in pair.scores)]
    if sampled:
        samples = f"{number(sampled[0].samples)} samples" if sampled[0].samples else "samples"
        yield (
            f"The interval compares both sides on the same {samples}: it tells whether other "
            "samples of the same kind would give the same answer."
        )
    if len(sampled) < len(single):
        yield (
            "Scores without an interval were measured once, without values for each sample: a "
            "small difference may be chance."
        )
    if single and reading.of_hook(TRAINING):
        yield (
            "Each side is a single training. Chance in training (another seed, another order of "
            "the data) is not part of this: repeat with other seeds before a costly decision."
        )
