"""What the metrics and samples of a job mean, as declared by its hook and component."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from djsb_core.text_enum import TextEnum

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class MetricKind(TextEnum):
    """How a reader should understand a metric."""

    SCORE = "score"
    """A measurement of a model, of a dataset, or of a training run in progress."""
    COUNT = "count"
    """A quantity: rows, tokens, documents."""
    STATISTIC = "statistic"
    """Summary of a per-sample statistic, whose name replaces the first ``*``: ``*.mean``.
    A histogram of the same statistic is reported under its bare name."""
    ERROR = "error"
    """Standard error of another metric."""
    WARNING = "warning"
    """A sentence on what makes the job's result doubtful. It is shown while the job runs, in the
    closing summary, and in the report."""
    DETAIL = "detail"
    """Listed with the job's other metrics, but not a result: a learning rate, a duration."""


class Flow(TextEnum):
    """The place of a count in a funnel."""

    GIVEN = "given"
    """The input of a job."""
    STEP = "step"
    """What remained after one step, whose name replaces the first ``*`` of the metric's name."""
    KEPT = "kept"
    """What remained at the end."""
    LOST = "lost"
    """What was lost without a step's intention, such as rows on which an operator failed."""


@dataclass(frozen=True)
class Metric:
    """What a component declares about one metric, or about all whose names match a pattern.

    >>> Metric("*.mean").match("words.mean")
    ('words',)
    """

    name: str
    """Without the job's name; ``*`` matches any text."""
    unit: str = ""
    """``rows``, ``nats per token``; empty if there is none or it is unknown."""
    higher_is_better: bool | None = None
    """``None`` if neither direction is better."""
    kind: MetricKind = MetricKind.SCORE
    primary: bool = False
    """Whether it is one of the few that sum up the job. A primary count or statistic is shown
    even if it did not change: equal amounts of training data make two models comparable."""
    error_of: str | None = None
    """The metric whose standard error it is."""
    function_of: str | None = None
    """The metric that it is a monotonic function of, such as perplexity of loss."""
    across_tokenizers: bool = True
    """Whether it is comparable between models with different tokenizers."""
    group_key: str | None = None
    """Field that groups items which are not independent, such as several answers to one
    question."""
    flow: Flow | None = None

    def __post_init__(self) -> None:
        """Check that ``kind`` and ``error_of`` agree.

        :raises ValueError: if only one of them marks the metric as a standard error
        """
        if (self.kind is MetricKind.ERROR) is not (self.error_of is not None):
            raise ValueError(f"metric '{self.name}': an error, and only an error, has error_of")

    def match(self, name: str) -> tuple[str, ...] | None:
        """Return what each ``*`` matches in a name; ``None`` if the name does not match."""
        match = _pattern(self.name).fullmatch(name)
        return match.groups() if match else None

    def fits(self, name: str) -> bool:
        """Return whether a name matches this metric."""
        return _pattern(self.name).fullmatch(name) is not None


@lru_cache(maxsize=1024)
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile("(.*)".join(map(re.escape, name.split("*"))))


@dataclass(frozen=True)
class SampleLayout:
    """Where a component reads and writes its samples, and what it adds to them."""

    dataset: str | None = None
    """Setting with the path of the dataset; dots nest."""
    text: str | None = None
    """Field with the text of a sample; by default its longest string."""
    statistics: str | None = None
    """Field of a sample in the result that holds its statistics by name."""
    added: tuple[str, ...] = ()
    """Prefixes of fields that the component adds, which are not part of the sample itself."""


@dataclass(frozen=True)
class Declarations:
    """Everything that the hook and the component of a job declare."""

    metrics: tuple[Metric, ...] = ()
    samples: SampleLayout = field(default_factory=SampleLayout)

    def find(self, name: str) -> Metric:
        """Return the first declaration that matches a name; by default a bare one."""
        return find_metric(self.metrics, name) or Metric(name)

    def to_json(self) -> dict[str, Any]:
        """Return what :meth:`from_json` takes, without default values."""
        return {
            "metrics": [
                {"name": metric.name, **_without_defaults(metric, _BARE)} for metric in self.metrics
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
    """Return the first metric that matches a name."""
    return next((metric for metric in metrics if metric.fits(name)), None)


_BARE = Metric("")


def _without_defaults(value: Metric | SampleLayout, bare: Metric | SampleLayout) -> dict[str, Any]:
    defaults = vars(bare)
    return {
        key: item.value if isinstance(item, TextEnum) else item
        for key, item in vars(value).items()
        if item != defaults[key]
    }


def _metric(value: Mapping[str, Any]) -> Metric:
    fields = dict(value)
    if "kind" in fields:
        fields["kind"] = MetricKind(fields["kind"])
    if "flow" in fields:
        fields["flow"] = Flow(fields["flow"])
    return Metric(**fields)
