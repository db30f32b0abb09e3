"""What the numbers and samples of a job mean, as its hook and component declare it."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from djsb_core.text_enum import TextEnum

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class MetricKind(TextEnum):
    """What a metric is to a reader."""

    SCORE = "score"
    """A measurement: of a model, of a dataset, of a training run as it goes on."""
    COUNT = "count"
    """How much there was of something: rows, tokens, documents."""
    STATISTIC = "statistic"
    """Summary of a per-sample statistic, which stands for the first ``*`` of the name: ``*.mean``.
    A histogram of the same statistic is reported under its bare name."""
    ERROR = "error"
    """Standard error of another metric."""
    DETAIL = "detail"
    """Listed with the job's other numbers, but no result: a learning rate, a time."""


class Flow(TextEnum):
    """The place of a count in a funnel."""

    GIVEN = "given"
    """What a job was given."""
    STEP = "step"
    """What one step left; the step stands for the first ``*`` of the metric's name."""
    KEPT = "kept"
    """What was left at the end."""


@dataclass(frozen=True)
class Metric:
    """What a component says of one metric, or of all whose names have a form.

    >>> Metric("*.mean").match("words.mean")
    ('words',)
    """

    name: str
    """Without the job's name; ``*`` stands for any text."""
    unit: str = ""
    """``rows``, ``nats per token``; empty where there is none, or it is not known."""
    higher_is_better: bool | None = None
    """``None`` where neither is."""
    kind: MetricKind = MetricKind.SCORE
    primary: bool = False
    """Whether it is among the few that say what the job found. A primary count or statistic is
    shown even where it did not change: that two models were trained on equal amounts of data is
    what makes them comparable."""
    error_of: str | None = None
    """The metric whose standard error it is."""
    function_of: str | None = None
    """The metric that it follows from, and with which it is better or worse: perplexity of loss."""
    across_tokenizers: bool = True
    """Whether models with different tokenizers can be compared by it."""
    group_key: str | None = None
    """Field of an item by which items belong together (several answers to one question), where
    items are not independent."""
    flow: Flow | None = None

    def __post_init__(self) -> None:
        """Refuse an error of nothing.

        :raises ValueError: if only one of ``kind`` and ``error_of`` says that it is an error
        """
        if (self.kind is MetricKind.ERROR) is not (self.error_of is not None):
            raise ValueError(f"metric '{self.name}': an error, and only an error, has error_of")

    def match(self, name: str) -> tuple[str, ...] | None:
        """Return what stands for each ``*`` in a name; ``None`` if it is another metric's name."""
        found = _pattern(self.name).fullmatch(name)
        return found.groups() if found else None

    def fits(self, name: str) -> bool:
        """Tell whether a name is this metric's, or has its form."""
        return _pattern(self.name).fullmatch(name) is not None


@lru_cache(maxsize=1024)
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile("(.*)".join(map(re.escape, name.split("*"))))


@dataclass(frozen=True)
class SampleLayout:
    """Where the samples are that a component reads and writes, and what it adds to them."""

    dataset: str | None = None
    """Setting that names the dataset it reads; dots nest."""
    text: str | None = None
    """Field with what a sample says; by default, its longest text."""
    statistics: str | None = None
    """Field of a sample in the result that holds its statistics, by their names."""
    added: tuple[str, ...] = ()
    """Beginnings of the names of fields that the component adds: no part of a sample itself."""


@dataclass(frozen=True)
class Declarations:
    """All that the hook and the component of a job declare."""

    metrics: tuple[Metric, ...] = ()
    samples: SampleLayout = field(default_factory=SampleLayout)

    def find(self, name: str) -> Metric:
        """Return the first declaration that fits a name; a bare one where there is none."""
        return find_metric(self.metrics, name) or Metric(name)

    def to_json(self) -> dict[str, Any]:
        """Return what :meth:`from_json` takes; what is as by default is left out."""
        return {
            "metrics": [
                {"name": one.name, **_without_defaults(one, _BARE)} for one in self.metrics
            ],
            "samples": _without_defaults(self.samples, SampleLayout()),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Declarations:
        """Read declarations back."""
        samples = dict(value.get("samples", {}))
        samples["added"] = tuple(samples.get("added", ()))
        return cls(tuple(map(_metric, value.get("metrics", ()))), SampleLayout(**samples))


def find_metric(metrics: Iterable[Metric], name: str) -> Metric | None:
    """Return the first metric that has a name, or a form that the name has."""
    return next((one for one in metrics if one.fits(name)), None)


_BARE = Metric("")


def _without_defaults(value: Metric | SampleLayout, bare: Metric | SampleLayout) -> dict[str, Any]:
    defaults = asdict(bare)
    return {
        key: item.value if isinstance(item, TextEnum) else item
        for key, item in asdict(value).items()
        if item != defaults[key]
    }


def _metric(value: Mapping[str, Any]) -> Metric:
    found = dict(value)
    if "kind" in found:
        found["kind"] = MetricKind(found["kind"])
    if "flow" in found:
        found["flow"] = Flow(found["flow"])
    return Metric(**found)
