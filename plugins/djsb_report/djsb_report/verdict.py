"""The first lines of a report: what changed, by how much, and with what certainty."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from djsb.records import (
    WELCH,
    Verdict,
    base_of,
    number,
    read_funnel,
    settings_of,
    status_of,
    warnings_of,
)
from djsb_core.api import MetricKind, Role, counted
from djsb_report.reading import DONE, EVALUATION, Reading, cut, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from djsb.records import Contrast, JobRecord, RunRecord
    from djsb_report.findings import Findings, Pair

NO_VERDICT = "no verdict"
TONES = {
    "better": "better",
    "worse": "worse",
    "mixed": "mixed",
    "unclear": "not clearly different",
    "none": "not judged",
}
"""The word for the pairs of each tone in the headline."""

MOST_PAIRS, MOST_SCORES, MOST_KEYS, LONG = 4, 4, 5, 300
MINUS, NARROW = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}"


@dataclass
class Conclusion:
    """The main findings for a reader."""

    tone: str
    """``better``, ``worse``, ``mixed``, ``unclear``, ``none`` or ``failed``."""
    headline: str
    changes: list[str] = field(default_factory=list)
    """What changed, and by how much."""
    certainty: list[str] = field(default_factory=list)
    """How certain that is."""


def conclude(reading: Reading, findings: Findings, against: RunRecord | None = None) -> Conclusion:
    """Summarize the findings of a run in a few sentences.

    :param against: the other run, if the findings compare two runs
    """
    status = status_of(reading.run)
    if status != "finished":
        return _unfinished(reading, status)
    pairs = findings.pairs
    if not pairs:
        headline = _nothing_compared(reading, against)
        data = list(_data_changes(reading))
        return Conclusion("none", headline, data, list(_warnings(reading)))
    most = MOST_SCORES if len(pairs) == 1 else 1
    conclusion = Conclusion(
        _tone([contrast for pair in pairs for contrast in pair.deciding]),
        _headline(pairs, findings.left_out),
        [line for pair in pairs[:MOST_PAIRS] for line in _measured(pair, most)],
        [*_warnings(reading), *_certainty(reading, pairs)],
    )
    more = len(pairs) - MOST_PAIRS + findings.left_out
    if more > 0:
        conclusion.changes.append(
            f"{counted(more, 'more pair of jobs is', 'more pairs of jobs are')} not shown here."
        )
    conclusion.changes += _data_changes(reading)
    return conclusion


def _unfinished(reading: Reading, status: str) -> Conclusion:
    failed = [job for job in reading.jobs if job.status == "failed"]
    headline = {
        "running": "This run has not ended yet: what follows is what is known so far.",
        "interrupted": "This run was interrupted: there is no result yet.",
        "killed": "This run was killed: there is no result yet.",
    }.get(status, "This run failed: there is no result.")
    changes = [
        f"Job {reading.named(job.pipeline, job.meta_name)} failed: "
        f"{cut(job.error or 'no reason given', LONG)}"
        for job in failed[:MOST_SCORES]
    ]
    if reading.run.reason and not failed:
        changes.append(cut(reading.run.reason, LONG))
    if status in ("interrupted", "killed"):
        changes.append("The same command resumes from the finished jobs.")
    return Conclusion("failed" if status == "failed" else "none", headline, changes)


def _nothing_compared(reading: Reading, against: RunRecord | None) -> str:
    if against is not None:
        return f"This run and run {against.id} have no score in common."
    if any(job.stage == EVALUATION and job.status in DONE for job in reading.latest):
        return "Nothing was scored twice: this run does not show the effect of a change."
    return "Nothing was evaluated: this run does not show the effect of a change on a model."


def _tone(scores: Sequence[Contrast]) -> str:
    words = {contrast.verdict for contrast in scores}
    if {Verdict.BETTER, Verdict.WORSE} <= words:
        return "mixed"
    clear = words & {Verdict.BETTER, Verdict.WORSE}
    if clear:
        return clear.pop().value
    return "none" if words <= {Verdict.NONE, Verdict.NOT_JUDGED} else "unclear"


def _headline(pairs: Sequence[Pair], left_out: int) -> str:
    if len(pairs) == 1 and not left_out:
        return _about(pairs[0])
    tones = [_tone(pair.deciding) for pair in pairs]
    counts = [f"{tones.count(tone)} {label}" for tone, label in TONES.items() if tone in tones]
    which = f"The first {len(pairs)} of {len(pairs) + left_out}" if left_out else str(len(pairs))
    return f"{which} comparisons: {', '.join(counts)}."


def _about(pair: Pair) -> str:
    """Say how one side compares with the other."""
    before, after = pair.before, pair.after
    metrics = {
        word: [contrast.metric for contrast in pair.deciding if contrast.verdict is word]
        for word in Verdict
    }
    words = [word for word in Verdict if metrics[word]]
    if words == [Verdict.UNCLEAR]:
        return f"No clear difference between {before} and {after}."
    if words in ([Verdict.BETTER], [Verdict.WORSE]):
        return f"{after} is {words[0]} than {before} on {listed(metrics[words[0]])}."
    said = "; ".join(f"{word or NO_VERDICT} on {listed(metrics[word])}" for word in words)
    return f"{after} against {before}: {said}."


def _measured(pair: Pair, most: int) -> Iterator[str]:
    """Describe how much the deciding scores of one pair of jobs changed."""
    for contrast in pair.deciding[:most]:
        name = f"{contrast.metric} of {pair.after} against {pair.before}"
        word = contrast.verdict or NO_VERDICT
        text = f"{name}: {number(contrast.old)} → {number(contrast.new)}, {word}"
        better = better_of(contrast)
        text += f" ({better} is better)." if better else "."
        bounds = interval(contrast)
        if bounds:
            difference = signed(contrast.difference.estimate)
            text += f" Difference {difference}, 95{NARROW}% interval {bounds}."
        yield text


def better_of(contrast: Contrast) -> str:
    """Return ``higher`` or ``lower``; empty if neither is better."""
    if contrast.higher_is_better is None:
        return ""
    return "higher" if contrast.higher_is_better else "lower"


def interval(contrast: Contrast) -> str:
    """Format the 95 % interval of a difference; empty if it is unknown."""
    bounds = contrast.difference.interval
    return " to ".join(map(signed, bounds)) if bounds else ""


def signed(value: float) -> str:
    """Format a number with its sign."""
    if not math.isfinite(value) or value == 0:
        return number(value)
    return f"{'+' if value > 0 else MINUS}{number(abs(value))}"


def percent(share: float, sign: str = "") -> str:
    """Format a fraction in percent; ``sign`` precedes positive ones."""
    text = f"{100 * share:.1f}{NARROW}%".replace("-", MINUS)
    return sign + text if share > 0 else text


def _data_changes(reading: Reading) -> Iterator[str]:
    """Describe what happened to the data, and whether the training runs are comparable."""
    processed = [(job, read_funnel(job, reading.metrics(job))) for job in reading.distinct]
    funnels = [(job, funnel) for job, funnel in processed if funnel and funnel.given]
    for job, funnel in funnels[:MOST_PAIRS]:
        name = reading.named(base_of(job.pipeline), job.meta_name)
        counts = f"{number(funnel.kept)} of {number(funnel.given)} {funnel.unit}"
        yield f"Data: {name} kept {counts} ({percent(funnel.kept / funnel.given)})."
    yield from _training_changes(reading)


def _training_changes(reading: Reading) -> Iterator[str]:
    """Compare the first training run of a pipeline with each later one, for the first seed."""
    firsts: dict[tuple[str, str | None], JobRecord] = {}
    shown: set[tuple[str, str]] = set()
    for job in reading.of_role(Role.TRAIN):
        first = firsts.setdefault((job.pipeline, job.component), job)
        key = (base_of(job.pipeline), job.meta_name)
        if first is not job and key not in shown and len(shown) < MOST_PAIRS:
            shown.add(key)
            yield _trained_alike(reading, first, job)


def _trained_alike(reading: Reading, before: JobRecord, after: JobRecord) -> str:
    """Describe how two training runs differ: in settings, and in the amount of data."""
    old, new = settings_of(before, reading.places), settings_of(after, reading.places)
    changed = [key for key in dict.fromkeys([*old, *new]) if old.get(key) != new.get(key)]
    keys = [key.removeprefix("extra_configs.") for key in changed]
    names = f"{before.meta_name} and {after.meta_name}"
    where = f"only in {listed(keys, MOST_KEYS)}" if keys else "in no setting"
    text = f"Training: {names} differ {where}"
    amounts_seen = _amounts(reading, before), _amounts(reading, after)
    unit = next((unit for unit in amounts_seen[0] if unit in amounts_seen[1]), None)
    if unit is None:
        return f"{text}."
    amounts = [side[unit] for side in amounts_seen]
    if amounts[0] == amounts[1]:
        return f"{text}; both saw {number(amounts[0])} {unit}."
    counts = " and ".join(map(number, amounts))
    return f"{text}. They saw different amounts of data: {counts} {unit}."


def _amounts(reading: Reading, job: JobRecord) -> dict[str, float]:
    """Return how much data a training run saw, by unit, in the declared order."""
    measured = reading.numbers(job)
    return {
        declared.unit or name: measured[name]
        for declared in job.declarations.metrics
        for name in measured
        if declared.kind is MetricKind.COUNT and declared.primary and declared.fits(name)
    }


def _warnings(reading: Reading) -> Iterator[str]:
    """Say what the jobs themselves found doubtful."""
    for job in reading.distinct:
        for text in warnings_of(reading.store, job):
            yield f"{reading.named(job.pipeline, job.meta_name)} warns: {text}"


def _certainty(reading: Reading, pairs: Sequence[Pair]) -> Iterator[str]:
    """Describe what the intervals cover, and what they do not."""
    repeated = [pair for pair in pairs if pair.seeds > 1]
    if repeated:
        count = min(pair.seeds for pair in repeated)
        yield (
            f"Each side was repeated with {count} seeds; the interval covers chance in training, "
            "as far as so few seeds show it, on the same evaluation data."
        )
    single = [pair for pair in pairs if pair.seeds == 1]
    sampled = [
        pair for pair in single if any(contrast.difference.interval for contrast in pair.scores)
    ]
    yield from _over_samples(sampled)
    if len(sampled) < len(single):
        yield (
            "Scores without an interval are not judged: they were measured once, without values "
            "per sample, so nothing tells their difference from chance."
        )
    if single and reading.of_role(Role.TRAIN):
        yield (
            "Each side is a single training run. Chance in training (another seed, another data "
            "order) is not included: repeat with other seeds before a costly decision."
        )


def _over_samples(pairs: Sequence[Pair]) -> Iterator[str]:
    """Describe what intervals over samples cover: the same samples, or different ones."""
    methods = [{contrast.difference.method for contrast in pair.scores} - {""} for pair in pairs]
    same = [pair for pair, used in zip(pairs, methods, strict=True) if used != {WELCH}]
    if same:
        samples = f"{number(same[0].samples)} samples" if same[0].samples else "samples"
        yield (
            f"The interval compares both sides on the same {samples}: it shows whether other "
            "samples of the same kind would give the same answer."
        )
    if len(same) < len(pairs):
        yield (
            "The two sides were measured on different samples: the interval shows whether other "
            "samples of the same two kinds would give the same answer."
        )
