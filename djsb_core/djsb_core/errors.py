"""Errors that djsb shows to its user as one message, without a traceback.

* DjsbError                   exit 1: the experiment failed
  - RequestError              exit 2: the request was invalid; nothing ran
    - ConfigError             the experiment file is invalid; lists every problem
    - UnknownComponentError   no installed package provides that name
    - PluginLoadError         a package provides the name, but its code cannot be used
  - ComponentError            a component encountered bad input while it ran
  - JobError                  a job of the experiment failed
  - RemoteError               a job failed in its process, or the process died
  - JobTimeoutError           a job exceeded its timeout
  - JobCancelledError         a job was cancelled while the run continued
  - JobsError                 jobs of several pipelines failed
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from djsb_core.faults import describe_error
from djsb_core.problems import LONG, Severity, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from djsb_core.problems import Problem


FULL_DISK = (
    "No space left on device",
    "disk is full",
    "Disk quota exceeded",
    "os error 28",
    "os error 122",
)
"""How the operating system, SQLite and libraries written in Rust report it."""

FILE_LIMIT = ("File too large", "os error 27")
"""How they report a file that is larger than its file system, or this process, may have."""

MAKE_SPACE = "free disk space, then run the same command again: finished jobs are kept"
RAISE_LIMIT = (
    "raise the limit of file sizes (ulimit -f), or use another file system, "
    "then run the same command again: finished jobs are kept"
)


MANY = 200
"""Maximum number of problems shown."""

MANY_WORDS = 30
"""Maximum number of known words listed."""


class DjsbError(Exception):
    """Base class of the errors that the CLI turns into a message and an exit status."""

    exit_code: ClassVar[int] = 1

    run: Any = None
    """The run that it ended, if any; set by ``djsb.run``."""


class RequestError(DjsbError):
    """The request cannot be fulfilled as it is; nothing ran."""

    exit_code = 2


class ConfigError(RequestError):
    """The experiment is invalid; carries all problems, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: Sequence[Problem] = tuple(problems)
        notes = [each for each in self.problems if each.severity is Severity.WARNING]
        errors = [each for each in self.problems if each not in notes] or notes
        count = len(errors)
        lines = "\n  ".join(_listed(errors))
        text = lines if count == 1 else f"{count} problems\n  {lines}"
        warnings = [f"note: {line}" for line in _listed(notes if errors is not notes else [])]
        super().__init__("\n".join([text, *warnings]))


def _listed(problems: Sequence[Problem]) -> list[str]:
    more = [f"… and {len(problems) - MANY} more"] if len(problems) > MANY else []
    return [*map(str, problems[:MANY]), *more]


class UnknownComponentError(RequestError):
    """No installed package provides a component of that kind and name."""

    def __init__(
        self, label: str, name: object, known: Iterable[str], advice: str | None = None
    ) -> None:
        self.text = f"unknown {label} '{shorten(str(name))}'"
        self.remedy = advice or suggest(name, known)
        super().__init__(f"{self.text}; {self.remedy}")


class PluginLoadError(RequestError):
    """A component is installed but cannot be used."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"cannot load {what}: {reason}")


class ComponentError(DjsbError):
    """A component cannot continue: its input is bad, or its backend failed.

    The message names the file (and line) and what would be right.
    """


class RemoteError(DjsbError):
    """A job failed in its process, or its process died."""


class JobTimeoutError(DjsbError):
    """A job exceeded its timeout."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"took longer than its timeout of {seconds:g} s")


class JobCancelledError(DjsbError):
    """A job was cancelled while the run continued; its message is the reason."""


class JobError(DjsbError):
    """A job failed; ``cause`` keeps its traceback (shown with ``--debug``)."""

    def __init__(
        self,
        job: str,
        cause: BaseException,
        log: object = None,
        mask: Callable[[str], str] = str,
        files: object = None,
    ) -> None:
        where = f"\n  its log: {log}" if log else ""
        if files and remedy_of(cause):
            where = f"\n  its files: {files}{where}"
        super().__init__(f"job {job} failed: {mask(describe_cause(cause))}{where}")


class JobsError(DjsbError):
    """Jobs of several pipelines failed."""

    def __init__(self, errors: Sequence[BaseException]) -> None:
        super().__init__("\n".join([f"{len(errors)} jobs failed", *map(str, errors)]))


def describe_cause(cause: BaseException) -> str:
    """Describe a failure in one sentence; if there is no room for a file, also the remedy."""
    text = str(cause) if isinstance(cause, DjsbError) else describe_error(cause)
    remedy = remedy_of(cause)
    return f"{text}; {remedy}" if remedy and remedy not in text else text


def remedy_of(cause: BaseException) -> str:
    """Return what to do if a failure reports that there is no room for a file; empty if not."""
    if is_full_disk(cause):
        return MAKE_SPACE
    return RAISE_LIMIT if any(sign in describe_error(cause) for sign in FILE_LIMIT) else ""


def is_full_disk(cause: BaseException) -> bool:
    """Return whether an error message reports a full disk."""
    text = describe_error(cause)
    return any(sign in text for sign in FULL_DISK)


def suggest(name: object, known: Iterable[str]) -> str:
    """Suggest the nearest known word, or else list all of them (or the first thirty)."""
    from difflib import get_close_matches

    words = sorted(known)
    near = get_close_matches(str(name)[:LONG], words, n=1)
    if near:
        return f"did you mean '{near[0]}'?"
    more = f" and {len(words) - MANY_WORDS} more" if len(words) > MANY_WORDS else ""
    return f"known: {', '.join(words[:MANY_WORDS]) or 'none'}{more}"
