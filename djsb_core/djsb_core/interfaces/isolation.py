"""The isolation interface: runs components in isolated environments."""

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
"""The path of keys and indices to a setting inside ``extra_configs``."""


DescribeErrors: TypeAlias = (
    "Callable[[ValidationError, type[BaseModel], object], Iterable[tuple[Location, str]]]"
)
"""Returns the location and description of each error in an invalid config."""


class EnvironmentSettingsError(RequestError):
    """The settings of an environment are invalid; carries every problem."""

    def __init__(self, problems: Iterable[tuple[Location, str]]) -> None:
        self.problems = list(problems)
        """Location and description of each problem."""
        super().__init__(
            "; ".join(f"{'.'.join(map(str, at))}: {text}" for at, text in self.problems)
        )


@dataclass(frozen=True)
class WantedEnvironment:
    """The environment that a job's settings request: an existing one, or one to be created."""

    manager: str
    environment: Environment[Any]
    """The configured component of the manager."""
    label: str
    """For messages and listings: its name, or ``vbench_video_evaluator (uv)``."""
    requirements: tuple[str, ...]
    """Everything to install: for djsb, for the packages of hook and component, and the config's."""
    constraints: tuple[str, ...]
    distributions: tuple[str, ...]
    """djsb-core and plugins, whose code is linked, not installed."""
    key: str
    """Digest of everything that determines its content; for an existing one, of its folder."""
    existing: Path | None = None
    """Folder of an environment that djsb did not create."""

    @property
    def name(self) -> str:
        """Label and key, as in ``djsb env``; for an existing one, label and folder."""
        if self.existing is None:
            return f"{self.label} {short_key(self.key)}"
        return self.label if self.label == str(self.existing) else f"{self.label} {self.existing}"


class Environments(Protocol):
    """The stored environments. Safe for use by several threads and processes.

    Environments in use cannot be removed until this object is closed.
    """

    def find(self, wanted: WantedEnvironment) -> Interpreter | None:
        """Return the interpreter of an environment; ``None`` if it must be created first.

        :raises RequestError: if the environment exists but djsb cannot run in it
        """

    def make(
        self,
        wanted: WantedEnvironment,
        say: Callable[[str], None],
        raise_if_stopped: Callable[[], None],
    ) -> Interpreter:
        """Find the environment, or create it: one process does so, others wait for it.

        :param say: called with short lines of progress
        :param raise_if_stopped: called at least every 0.2 s; an exception from it ends the build
        :raises RequestError: if it cannot be created
        """

    def close(self) -> None:
        """Release the environments in use, so that they can be removed."""


class Isolation(ABC):
    """Runs components in isolated environments; provided by one package.

    It is announced as ``environments`` in the entry-point group ``djsb.isolations``.
    """

    @abstractmethod
    def root(self) -> Path:
        """Return the folder in which environments are stored."""

    @abstractmethod
    def wanted(
        self,
        settings: Mapping[str, Any],
        infos: Sequence[ComponentInfo],
        component: type[AnyComponent] | None,
        context: PathContext,
        describe: DescribeErrors,
    ) -> WantedEnvironment | None:
        """Return the environment that ``extra_configs`` request; ``None`` for the current one.

        :param infos: the job's hook and its component, the component last
        :param describe: converts the errors of an invalid config to messages
        :raises EnvironmentSettingsError: with every problem
        """

    @abstractmethod
    def environments(self) -> Environments:
        """Open the stored environments."""
