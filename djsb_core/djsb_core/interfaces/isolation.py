"""The isolation interface: what djsb asks of the package that runs components apart."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from djsb_core.errors import RequestError
from djsb_core.text import short_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from pydantic import BaseModel, ValidationError

    from djsb_core.announced import ComponentInfo
    from djsb_core.interfaces.component import AnyComponent
    from djsb_core.interfaces.environment import Environment
    from djsb_core.interfaces.interpreter import Interpreter
    from djsb_core.interfaces.paths import PathContext

Location: TypeAlias = tuple[str | int, ...]
"""Keys and indexes that lead to a setting inside ``extra_configs``."""


DescribeErrors: TypeAlias = (
    "Callable[[ValidationError, type[BaseModel], object], Iterable[tuple[Location, str]]]"
)
"""Says where an invalid config is wrong, and what: from the error, the model and the values."""


class EnvironmentSettingsError(RequestError):
    """The settings of an environment are wrong; carries every problem found."""

    def __init__(self, problems: Iterable[tuple[Location, str]]) -> None:
        self.problems = list(problems)
        """Where each is, and what is wrong there."""
        super().__init__(
            "; ".join(f"{'.'.join(map(str, at))}: {text}" for at, text in self.problems)
        )


@dataclass(frozen=True)
class WantedEnvironment:
    """The environment that a job's settings ask for: there already, or to be created."""

    manager: str
    environment: Environment[Any]
    """The configured component of the manager."""
    label: str
    """For messages and listings: its name, or ``vbench_video_evaluator (uv)``."""
    requirements: tuple[str, ...]
    """All to install: what djsb and the packages of hook and component need, and the config's."""
    constraints: tuple[str, ...]
    distributions: tuple[str, ...]
    """djsb-core and plugins, whose code is linked, not installed."""
    key: str
    """Digest of everything that decides what is created; of an existing one, of its folder."""
    existing: Path | None = None
    """Folder of an environment that is not ours."""

    @property
    def name(self) -> str:
        """Label and key, by which ``djsb env`` knows it; an existing one has its folder."""
        if self.existing is None:
            return f"{self.label} {short_key(self.key)}"
        return self.label if self.label == str(self.existing) else f"{self.label} {self.existing}"


class Environments(Protocol):
    """The environments that are kept. Safe to use from several threads and processes.

    What was found or created stays until it is closed: nobody can remove it.
    """

    def find(self, wanted: WantedEnvironment) -> Interpreter | None:
        """Return the interpreter of an environment that is there; ``None`` if it must be created.

        :raises RequestError: if it is there and djsb cannot run in it
        """

    def make(
        self,
        wanted: WantedEnvironment,
        say: Callable[[str], None],
        raise_if_stopped: Callable[[], None],
    ) -> Interpreter:
        """Find the environment, or create it: one process does, others wait for it.

        :param say: gets short lines about the progress
        :param raise_if_stopped: called at least every 0.2 s; what it raises ends the build
        :raises RequestError: if it cannot be created
        """

    def close(self) -> None:
        """Let others remove what this has found or created."""


class Isolation(ABC):
    """Runs components in environments of their own; one package provides it.

    It is announced as ``environments`` in the entry-point group ``djsb.isolations``.
    """

    @abstractmethod
    def root(self) -> Path:
        """Return the folder in which environments are kept."""

    @abstractmethod
    def wanted(
        self,
        settings: Mapping[str, Any],
        infos: Sequence[ComponentInfo],
        component: type[AnyComponent] | None,
        context: PathContext,
        describe: DescribeErrors,
    ) -> WantedEnvironment | None:
        """Return the environment that ``extra_configs`` ask for; ``None``: the current one.

        :param infos: of the job's hook and of its component, the component's last
        :param describe: puts the problems of an invalid config into sentences
        :raises EnvironmentSettingsError: with every problem
        """

    @abstractmethod
    def environments(self) -> Environments:
        """Open the environments that are kept."""
