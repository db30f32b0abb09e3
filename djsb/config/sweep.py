"""A sweep's configuration: wandb's schema plus the two keys that Data-Juicer adds."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from djsb.config.document import Document, SourceFile, read_document
from djsb.config.problems import describe_errors
from djsb_core.errors import ConfigError, suggest

if TYPE_CHECKING:
    import os

    from djsb_core.problems import Problem

Whole = Annotated[int, Field(strict=True)]
Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""Integers too, but neither strings nor booleans."""

Number: TypeAlias = Whole | Finite
Positive = Annotated[Number, Field(gt=0)]
ParameterName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$")]
Filling = Literal["latest", "best", "worst"]


class _Schema(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="after")
    def _refuse_nulls(self) -> Self:
        """Reject keys without a value, as wandb does; only two may be null."""
        for name in sorted(self.model_fields_set - {"value", "sweep_max_count"}):
            if getattr(self, name) is None:
                raise ValueError(f"`{name}` has no value; leave it out")
        return self


class _Shape(NamedTuple):
    """The keys of a distribution."""

    required: frozenset[str]
    optional: frozenset[str] = frozenset()


_RANGE, _BELL, _BETA = frozenset(("min", "max")), frozenset(("mu", "sigma")), frozenset("ab")
_STEP = frozenset("q")
SHAPES = {
    "constant": _Shape(frozenset(("value",))),
    "categorical": _Shape(frozenset(("values",))),
    "categorical_w_probabilities": _Shape(frozenset(("values", "probabilities"))),
    "int_uniform": _Shape(_RANGE),
    "uniform": _Shape(_RANGE),
    "log_uniform": _Shape(_RANGE),
    "log_uniform_values": _Shape(_RANGE),
    "inv_log_uniform": _Shape(_RANGE),
    "inv_log_uniform_values": _Shape(_RANGE),
    "q_uniform": _Shape(_RANGE, _STEP),
    "q_log_uniform": _Shape(_RANGE, _STEP),
    "q_log_uniform_values": _Shape(_RANGE, _STEP),
    "normal": _Shape(frozenset(), _BELL),
    "log_normal": _Shape(frozenset(), _BELL),
    "q_normal": _Shape(frozenset(), _BELL | _STEP),
    "q_log_normal": _Shape(frozenset(), _BELL | _STEP),
    "beta": _Shape(frozenset(), _BETA),
    "q_beta": _Shape(frozenset(), _BETA | _STEP),
}
OF_VALUES = ("log_uniform_values", "inv_log_uniform_values", "q_log_uniform_values")
"""Distributions whose bounds are values, not exponents: they lie above 0."""

FORMS = "write `value`, `values`, `min` and `max`, `distribution`, or `parameters`"


class ParameterSchema(_Schema):
    """One parameter: a constant, a choice, a distribution, or nested parameters."""

    value: Any = None
    values: Annotated[list[Any], Field(min_length=1)] | None = None
    probabilities: list[Annotated[Number, Field(ge=0)]] | None = None
    distribution: str | None = None
    min: Number | None = None
    max: Number | None = None
    q: Positive | None = None
    mu: Number | None = None
    sigma: Annotated[Number, Field(ge=0)] | None = None
    a: Annotated[Number, Field(ge=0)] | None = None
    b: Annotated[Number, Field(ge=0)] | None = None
    parameters: Parameters | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        keys = self.model_fields_set
        if "parameters" in keys:
            if len(keys) > 1:
                raise ValueError("`parameters` cannot be combined with other keys")
            return self
        name = self._distribution()
        shape = SHAPES[name]
        if missing := shape.required - keys:
            raise ValueError(f"{name} needs {_quoted(missing)}")
        if extra := keys - shape.required - shape.optional - {"distribution"}:
            known = _quoted(shape.required | shape.optional)
            raise ValueError(f"{name} has no {_quoted(extra)}; it has {known}")
        self._check_values(name)
        return self

    def _distribution(self) -> str:
        """Return the distribution, inferred from the keys if none is named."""
        keys = self.model_fields_set
        if self.distribution is not None:
            if self.distribution not in SHAPES:
                hint = suggest(self.distribution, SHAPES)
                raise ValueError(f"unknown distribution '{self.distribution}'; {hint}")
            return self.distribution
        if "value" in keys:
            return "constant"
        if "values" in keys:
            return "categorical_w_probabilities" if "probabilities" in keys else "categorical"
        if keys >= _RANGE:
            integers = isinstance(self.min, int) and isinstance(self.max, int)
            return "int_uniform" if integers else "uniform"
        raise ValueError(FORMS)

    def _check_values(self, name: str) -> None:
        if self.min is not None and self.max is not None:
            if self.min > self.max:
                raise ValueError(f"`min` {self.min:g} is above `max` {self.max:g}")
            if name == "int_uniform" and not (
                isinstance(self.min, int) and isinstance(self.max, int)
            ):
                raise ValueError("int_uniform needs integers as `min` and `max`")
            if name in OF_VALUES and self.min <= 0:
                raise ValueError(f"{name} needs a `min` above 0")
        probabilities = self.probabilities
        if probabilities is not None and len(probabilities) != len(self.values or ()):
            raise ValueError("`probabilities` must have as many items as `values`")


Parameters = Annotated[dict[ParameterName, ParameterSchema], Field(min_length=1)]


class MetricSchema(_Schema):
    """The metric to minimize or maximize."""

    name: str
    goal: Literal["minimize", "maximize"] = "minimize"
    target: Number | None = None
    impute: Filling = "worst"
    impute_while_running: Filling | Literal["false"] = "false"


class EarlyTerminateSchema(_Schema):
    """When unpromising trials are stopped."""

    type: Literal["hyperband"]
    min_iter: Annotated[Whole, Field(ge=1)] | None = None
    max_iter: Whole | None = None
    s: Number | None = None
    eta: Annotated[Number, Field(gt=1)] = 3
    strict: Annotated[bool, Field(strict=True)] = True

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.min_iter is None and (self.max_iter is None or self.s is None):
            raise ValueError("hyperband needs `min_iter`, or `max_iter` and `s`")
        return self


class ControllerSchema(BaseModel):
    """Where wandb chooses trials."""

    type: Literal["local", "cloud"]


class SchedulerSchema(_Schema):
    """The engine that chooses trials in place of wandb's own methods."""

    engine: Literal["optuna", "ax", "wandb"]
    source: str | None = None
    optimizer: str | None = None
    search_space: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name in ("optimizer", "search_space"):
            if getattr(self, name) is not None and self.source is None:
                raise ValueError(f"`{name}` needs `source`")
        return self


class SweepSchema(_Schema):
    """A sweep."""

    method: Literal["grid", "random", "bayes", "custom"]
    metric: MetricSchema | None = None
    metrics: Annotated[list[MetricSchema], Field(min_length=2)] | None = None
    parameters: Parameters | None = None
    early_terminate: EarlyTerminateSchema | None = None
    run_cap: Annotated[Whole, Field(gt=0)] | None = None
    name: str | None = None
    description: str | None = None
    project: str | None = None
    entity: str | None = None
    program: str | None = None
    command: list[Any] | None = None
    job: str | None = None
    image_uri: str | None = None
    controller: ControllerSchema | None = None
    scheduler: SchedulerSchema | None = None
    kind: Literal["sweep"] | None = None
    api_version: str | None = Field(None, alias="apiVersion")
    sweep_name: str | None = None
    """Data-Juicer's key for ``name``."""
    sweep_max_count: Annotated[Whole, Field(gt=0)] | None = None
    """Data-Juicer's key for the number of trials; ``None``: no limit."""


class Sweep(NamedTuple):
    """A valid configuration."""

    schema: SweepSchema
    config: Mapping[str, Any]
    """As given."""


def read_sweep(source: str | os.PathLike[str] | Mapping[str, Any]) -> Sweep:
    """Check a sweep's configuration: a mapping, or the path of a YAML or JSON file.

    :raises ConfigError: with all of its problems
    """
    if isinstance(source, Mapping):
        document = Document(SourceFile(Path("hpo_config")), dict(source))
    else:
        document = read_document(Path(source))
    try:
        return Sweep(SweepSchema.model_validate(document.value), document.value)
    except ValidationError as error:
        problems = describe_errors(error, SweepSchema, document.value)
        raise ConfigError(_located(problem, document.source) for problem in problems) from error


def _located(problem: Problem, source: SourceFile) -> Problem:
    location = problem.location
    return source.problem(location, problem.text, problem.remedy, key=location or ("sweep",))


def _quoted(names: AbstractSet[str]) -> str:
    return " and ".join(f"`{name}`" for name in sorted(names))
