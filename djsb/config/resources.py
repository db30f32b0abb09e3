"""The key ``resources`` of a job: its share of the machine while it runs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

if TYPE_CHECKING:
    from djsb_core.interfaces.resources import Resources

SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([kmgt]i?)?b", re.IGNORECASE)
UNITS = {"": 1} | {
    f"{letter}{suffix}": base**power
    for power, letter in enumerate("kmgt", 1)
    for suffix, base in (("", 1000), ("i", 1024))
}

LARGEST = 2**60
"""Bytes of memory that a job may ask for; no machine has as many."""


def _bytes(value: object) -> object:
    """Read ``4 GiB``; a number is bytes."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    match = SIZE.fullmatch(text)
    if match is None:
        raise ValueError(
            f"'{text[:40]}' is not a size; write bytes, or for example 512 MiB, 4 GiB or 8GB"
        )
    size = float(match[1]) * UNITS[(match[2] or "").lower()]
    if size > LARGEST:
        raise ValueError(f"'{text[:40]}' is larger than any memory")
    return int(size)


Memory = Annotated[
    int,
    Field(ge=0, le=LARGEST, strict=True),
    BeforeValidator(_bytes, json_schema_input_type=int | str),
]


class ResourcesSchema(BaseModel):
    """What a job uses of the machine; its component's defaults fill in the rest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpus: float | None = Field(
        None,
        ge=0,
        strict=True,
        allow_inf_nan=False,
        description="CPUs that it uses, and the number of threads that its libraries start. "
        "0: it only waits, for example for a service.",
    )
    gpus: float | None = Field(
        None,
        ge=0,
        strict=True,
        allow_inf_nan=False,
        description="GPUs reserved for the job; 0.5: half of one, shared with other jobs.",
    )
    memory: Memory | None = Field(
        None, description="Memory that it needs: bytes, or `512 MiB`, `4 GiB`, `8GB`."
    )

    @field_validator("gpus")
    @classmethod
    def _check_gpus(cls, value: float | None) -> float | None:
        if value is not None and value > 1 and value != int(value):
            raise ValueError(f"{value:g} is neither a number of whole GPUs nor a share below 1")
        return value

    def over(self, defaults: Resources) -> Resources:
        """Return the defaults, overridden by the values set here."""
        values: dict[str, Any] = self.model_dump(exclude_none=True)
        return replace(defaults, **values)
