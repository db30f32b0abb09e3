"""What determines a job's result, as plain data and as a digest: its key in the cache."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from djsb.runner.requirements import required_versions
from djsb.runner.sources import source_digest
from djsb_core.interfaces.paths import expand_path
from djsb_core.job.reports import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from djsb.cache.digests import Digests
    from djsb_core.announced import ComponentInfo
    from djsb_core.interfaces.component import AnyComponent
    from djsb_core.interfaces.paths import PathContext

FORMAT = 2
LONGEST_PATH = 1024
FEW = 1000
FEW_BYTES = 256 << 20
"""How many of a job's many files, and how large ones, are read for the key."""

FILE_KEYS = {"file", "digest"}

Parts: TypeAlias = dict[str, Any]


def key_of(parts: Parts) -> str:
    """Digest the parts: jobs with equal keys have equal results."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Fingerprint:
    """Collects what determines a job's result. Paths count by name and content, not location.

    An earlier job that wrote the same bytes elsewhere changes nothing (early cut-off), and of a
    result's own path (``export_path``) only the file name counts.
    """

    digests: Digests
    context: PathContext
    built: tuple[AnyComponent, ...]
    """The job's configured hook and component."""
    versions: Callable[[], Mapping[str, str]] | None = None
    """Returns the versions of packages in the job's isolated environment, if it has one."""
    again: bool = True
    """Whether to look at code again that was looked at a moment ago."""

    def parts(
        self,
        infos: tuple[ComponentInfo, ComponentInfo | None],
        settings: Mapping[str, Any],
        metrics: Mapping[str, Any],
        output_names: Iterable[str],
    ) -> Parts:
        """Return everything that determines the result.

        :param infos: those of hook and component
        :param settings: ``dj_configs`` and ``extra_configs``, with outputs of earlier jobs
            converted :func:`by_content`
        :param metrics: those that the hook may query, by job
        """
        hook, component = infos
        replaced: set[Path] = set()
        comparable = self._normalize(plain(settings), replaced)
        rest = sorted({path for path in self._reads if path not in replaced})
        return {
            "format": FORMAT,
            "hook": self._code(hook),
            "component": self._code(component) if component else None,
            "packages": self._packages([info for info in infos if info is not None]),
            "variables": self._variables,
            "settings": comparable,
            "files": {str(i): self._file(path) for i, path in enumerate(rest)},
            "media": self._many(),
            "metrics": plain(metrics),
            "outputs": list(output_names),
        }

    @cached_property
    def _reads(self) -> frozenset[Path]:
        return frozenset(path for component in self.built for path in component.reads())

    @cached_property
    def _writes(self) -> frozenset[Path]:
        return frozenset(path for component in self.built for path in component.writes())

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(path.name for path in self._reads | self._writes)

    def _normalize(self, value: Any, replaced: set[Path]) -> Any:  # noqa: ANN401 (any setting)
        if isinstance(value, dict):
            if value.keys() == FILE_KEYS:
                return value
            return {key: self._normalize(item, replaced) for key, item in value.items()}
        if isinstance(value, list):
            return [self._normalize(item, replaced) for item in value]
        if isinstance(value, str) and is_like_path(value) and self._may_be_path(value):
            return self._path_part(Path(value), replaced) or value
        return value

    def _may_be_path(self, text: str) -> bool:
        return any(name in text for name in self._names) and Path(text).name in self._names

    def _path_part(self, path: Path, replaced: set[Path]) -> dict[str, str] | None:
        """Return the part for a path declared by a component's config."""
        if self._is_result(path):
            return {"result": path.name}
        resolved = self.context.find(path)
        if resolved is None or resolved not in self._reads:
            return None
        replaced.add(resolved)
        return self._file(resolved)

    def _is_result(self, path: Path) -> bool:
        if not self._writes:
            return False
        try:
            return self.context.folders[0] / expand_path(path) in self._writes
        except ValueError:  # an unknown variable or home: not a path
            return False

    @cached_property
    def _digests(self) -> Mapping[Path, str]:
        """The digests of all inputs, looked up together."""
        return dict(zip(self._reads, self.digests.paths(self._reads), strict=True))

    def _file(self, path: Path) -> dict[str, str]:
        return {"file": path.name, "digest": self._digests[path]}

    def _many(self) -> dict[str, Any] | None:
        """Return number and digest of the files that components list in any number."""
        lists = (component.reads_many() for component in self.built)
        paths = list(dict.fromkeys(path for paths in lists for path in paths))
        if not paths:
            return None
        states = {path: _state(path) for path in paths}
        size = sum(state[0] for state in states.values() if state)
        if len(paths) <= FEW and size <= FEW_BYTES:
            contents: list[Any] = self.digests.paths(paths)
        else:
            contents = list(states.values())
        known = [[path.name, found] for path, found in zip(paths, contents, strict=True)]
        return {"files": len(paths), "digest": key_of({"known": known})}

    def _code(self, info: ComponentInfo) -> dict[str, str]:
        return {
            "target": info.target,
            "package": info.package,
            "version": info.version,
            "source": source_digest(info, self.digests, again=self.again),
        }

    def _packages(self, infos: list[ComponentInfo]) -> Mapping[str, str]:
        if self.versions is not None:
            return self.versions()
        used = [name for component in self.built for name in component.uses_packages()]
        return required_versions(infos, used)

    @property
    def _variables(self) -> dict[str, str]:
        """The values of the environment variables that the components read, if they are set."""
        names = [name for component in self.built for name in component.reads_environment]
        return {name: os.environ[name] for name in sorted(names) if name in os.environ}


def _state(path: Path) -> tuple[int, int] | None:
    """Return size and time of change of a file; ``None`` if it does not exist."""
    try:
        state = path.stat()
    except (OSError, ValueError):
        return None
    return state.st_size, state.st_mtime_ns


def by_content(value: Any, digests: Digests) -> Any:  # noqa: ANN401 (any output)
    """Replace the paths in an output of an earlier job by their parts."""
    if isinstance(value, str) and is_like_path(value) and _is_existing_absolute(Path(value)):
        path = Path(value)
        return {"file": path.name, "digest": digests.path(path)}
    if isinstance(value, list):
        return [by_content(item, digests) for item in value]
    if isinstance(value, dict):
        return {key: by_content(item, digests) for key, item in value.items()}
    return value


def is_like_path(text: str) -> bool:
    """Return whether a string can be a file path: short, and on one line."""
    return 0 < len(text) <= LONGEST_PATH and "\n" not in text and "\0" not in text


def paths_in(value: object) -> Iterator[Path]:
    """Yield every existing absolute path in an output."""
    if isinstance(value, str) and is_like_path(value) and _is_existing_absolute(Path(value)):
        yield Path(value)
    elif isinstance(value, list):
        for item in value:
            yield from paths_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from paths_in(item)


def _is_existing_absolute(path: Path) -> bool:
    try:
        if not (path.is_absolute() and path.exists()):
            return False
        if path.is_file():
            return True
        # A folder that contains the working directory, such as "/", is not a job's result.
        real = path.resolve()
        return not any(place.resolve().is_relative_to(real) for place in (Path.cwd(), Path.home()))
    except (OSError, RuntimeError):  # a name that is too long, a loop of links: not a path
        return False
