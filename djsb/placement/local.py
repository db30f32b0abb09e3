"""The placement on this machine: worker processes, or the process that runs djsb."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from djsb.doctor.devices import list_gpus
from djsb.placement.machine import machine_capacity
from djsb_core.interfaces.placement import Placement, PlacementConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from djsb_core.interfaces.placement import Executor
    from djsb_core.interfaces.resources import Resources


class LocalConfig(PlacementConfig):
    """Settings of ``local``."""

    address: str | None = Field(None, description="None: this placement is the local machine.")

    @field_validator("address")
    @classmethod
    def _check_address(cls, value: str | None) -> None:
        if value is not None:
            raise ValueError("the local placement takes no address")


class LocalPlacement(Placement[LocalConfig]):
    """Run jobs on this machine: in worker processes, or in djsb's own without workers."""

    config_type = LocalConfig

    def capacity(self) -> Resources:
        """Return the CPUs and the memory of this machine, or of djsb's container."""
        return machine_capacity()

    def gpus(self) -> Sequence[str]:
        """List NVIDIA GPUs; if ``CUDA_VISIBLE_DEVICES`` is set, those that it names."""
        return list_gpus()

    def create_executors(self) -> Sequence[Executor]:
        """Create an executor for each worker."""
        from djsb.placement.workers import InProcessExecutor, WorkerProcess

        return [WorkerProcess() for _ in range(self.config.workers)] or [InProcessExecutor()]
