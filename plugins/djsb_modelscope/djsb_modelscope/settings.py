"""The schema of ModelScope's ``train`` section; unknown keys are passed on."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

#: Keys that ModelScope reads in addition to the fields of :class:`TrainSettings`.
PASSED_ON = ("train_iters_per_epoch", "optimizer_hook", "lr_scheduler_hook")


class FreeMapping(BaseModel):
    """A mapping defined by ModelScope: known fields are checked, others passed on."""

    model_config = ConfigDict(extra="allow", frozen=True)


class TypedMapping(FreeMapping):
    """Names a class in ``type``; the other keys are its arguments."""

    type: str = Field(description="Class name in ModelScope's registry.")

    @model_validator(mode="before")
    @classmethod
    def _read_numbers(cls, value: Any) -> Any:  # noqa: ANN401 (pydantic passes anything)
        """Convert ``1e-4`` to a number: YAML 1.1 parses it as a string."""
        if not isinstance(value, dict):
            return value
        return {key: item if key == "type" else _number(item) for key, item in value.items()}


class Optimizer(TypedMapping):
    """The optimizer and its arguments; ``options``: ``grad_clip`` and ``cumulative_iters``."""

    lr: PositiveFloat = Field(description="Learning rate.")


class DataLoader(FreeMapping):
    """How rows are batched."""

    batch_size_per_gpu: PositiveInt = Field(8, description="Rows per step.")
    workers_per_gpu: NonNegativeInt = Field(0, description="Loader processes; 0: none.")


class TrainSettings(FreeMapping):
    """ModelScope's ``train`` section."""

    max_epochs: PositiveInt | None = Field(None, description="Passes over the data; default 1.")
    optimizer: Optimizer | None = Field(
        None, description="Default for causal_lm: AdamW, lr 3e-4, gradients clipped at norm 1."
    )
    lr_scheduler: TypedMapping | None = Field(
        None, description="Default for causal_lm: a constant learning rate."
    )
    dataloader: DataLoader = Field(default_factory=DataLoader, description="Batches.")
    checkpoint: dict[str, Any] | None = Field(
        None, description="ModelScope's checkpoint section; causal_lm saves none without it."
    )
    logging: dict[str, Any] | None = Field(None, description="ModelScope's text logger.")
    hooks: list[TypedMapping] | None = Field(None, description="Additional ModelScope hooks.")
    evaluation: dict[str, Any] | None = Field(
        None, description="ModelScope's evaluation section; causal_lm supports its `period`."
    )

    @field_validator("checkpoint")
    @classmethod
    def _keep_off_the_hub(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        for part in (value or {}).values():
            if isinstance(part, dict) and part.get("push_to_hub"):
                raise ValueError("push_to_hub is not supported: upload the final folder yourself")
        return value

    @model_validator(mode="after")
    def _suspect_typos(self) -> TrainSettings:
        known = [*type(self).model_fields, *PASSED_ON]
        for key in self.model_extra or {}:
            near = [] if key in known else get_close_matches(key, known, n=1, cutoff=0.75)
            if near:
                raise ValueError(f"unknown key '{key}'; did you mean '{near[0]}'?")
        return self


def _number(value: object) -> object:
    if isinstance(value, dict):
        return {key: _number(item) for key, item in value.items()}
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        return value
