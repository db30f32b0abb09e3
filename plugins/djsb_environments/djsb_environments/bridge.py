"""Give an interpreter of another environment access to the code of djsb and the plugins.

Their code is linked instead of installed: the versions on both sides cannot differ, editable
installs stay live, and an upgrade of djsb does not rebuild environments.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from djsb_core.api import RequestError, find_distribution, snapshot
from djsb_environments.metadata import GROUP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from importlib.machinery import ModuleSpec
    from importlib.metadata import Distribution

    from djsb_core.api import Snapshot

METADATA_FILES = {"METADATA": ("METADATA", "PKG-INFO"), "entry_points.txt": ("entry_points.txt",)}
"""Files copied from a package's metadata, and their possible names."""

DIGITS = 16
"""Number of digits of the digest that names a folder."""

TRIES = 5


def bridge(root: Path, distributions: Iterable[str]) -> Path:
    """Return a folder with links to the code of these packages, and copies of their metadata.

    :param root: where it is stored, keyed by its content; an existing one is reused
    :raises RequestError: if a package, or its code, is not installed here
    """
    names = tuple(sorted(distributions))
    links, texts = _content(names, snapshot())
    text = json.dumps([links, texts], sort_keys=True)
    folder = root / hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
    for _ in range(TRIES):  # another process may be creating or removing it
        if _is_complete(folder, links, texts):
            with suppress(OSError):
                os.utime(folder)
            return folder
        _make(folder, links, texts)
    raise RequestError(f"cannot create {folder}; remove the existing one")


@lru_cache(maxsize=64)
def _content(names: tuple[str, ...], now: Snapshot) -> tuple[dict[str, str], dict[str, str]]:
    """Return the targets of links and the texts of copied files, by path inside the folder."""
    links: dict[str, str] = {}
    texts: dict[str, str] = {}
    for name in names:
        distribution = find_distribution(name, now)
        if distribution is None:
            raise RequestError(f"{name} is not installed, but a component needs its code")
        code = dict(_code_of(distribution))
        if not code:
            raise RequestError(
                f"cannot find the code of {name} {distribution.version}; reinstall it"
            )
        links |= code
        home = f"{distribution.name.replace('-', '_')}-{distribution.version}.dist-info"
        for file, kinds in METADATA_FILES.items():
            text = next(filter(None, map(distribution.read_text, kinds)), None)
            if text is not None:
                texts[f"{home}/{file}"] = text
    return links, texts


def _code_of(distribution: Distribution) -> Iterator[tuple[str, str]]:
    """Yield each top-level module of a package: its path in the folder, and its location."""
    for name in sorted(_top_names(distribution)):
        try:
            spec = find_spec(name)  # imports nothing: the name has no parent
        except (ImportError, ValueError):
            continue
        if spec is not None:
            yield from _places(name, spec)


def _places(name: str, spec: ModuleSpec) -> Iterator[tuple[str, str]]:
    folders = list(spec.submodule_search_locations or ())
    if not any(os.path.exists(path) for path in (*folders, spec.origin or "")):  # noqa: PTH110 (texts)
        return  # in an archive, which cannot be linked
    if spec.origin and not folders:
        yield Path(spec.origin).name, str(Path(spec.origin).absolute())
    elif spec.origin:
        yield name, str(Path(folders[0]).absolute())
    else:  # a namespace: several packages may put modules in it
        for folder in map(Path, folders):
            for inside in sorted(folder.iterdir()) if folder.is_dir() else ():
                if inside.name != "__pycache__":
                    yield f"{name}/{inside.name}", str(inside.absolute())


def _top_names(distribution: Distribution) -> set[str]:
    names = {
        entry.module.partition(".")[0]
        for entry in distribution.entry_points
        if entry.group.startswith(GROUP)
    }
    names |= set((distribution.read_text("top_level.txt") or "").split())
    for file in distribution.files or ():
        path = PurePosixPath(file)
        top = path.parts[0]
        if len(path.parts) > 1:
            names.add(top)
        elif path.suffix == ".py":
            names.add(path.stem)
    return {name for name in names if name.isidentifier() and not name.startswith("__")}


def _is_complete(folder: Path, links: Mapping[str, str], texts: Mapping[str, str]) -> bool:
    try:
        return all(
            (folder / name).readlink() == Path(target) for name, target in links.items()
        ) and all(
            (folder / name).read_text(encoding="utf-8") == text for name, text in texts.items()
        )
    except (OSError, ValueError):
        return False


def _make(folder: Path, links: Mapping[str, str], texts: Mapping[str, str]) -> None:
    draft = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}")
    try:
        for name, target in links.items():
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            (draft / name).symlink_to(target)
        for name, text in texts.items():
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            (draft / name).write_text(text, encoding="utf-8")
        if not _is_complete(folder, links, texts):  # another process may have been faster
            _put_in_place(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _put_in_place(draft: Path, folder: Path) -> None:
    try:
        draft.rename(folder)
    except OSError:
        if not folder.exists():
            raise
        old = draft.with_name(f"{draft.name}-old")  # the existing one is damaged, or brand new
        with suppress(FileNotFoundError):
            folder.rename(old)
        shutil.rmtree(old, ignore_errors=True)


def remove_unused(root: Path, before: float) -> None:
    """Remove folders that were last used before a time, and those with broken links.

    :param before: seconds since the epoch
    """
    for folder in root.iterdir() if root.is_dir() else ():
        with suppress(OSError):
            links = [entry for entry in folder.iterdir() if entry.is_symlink()]
            broken = not all(entry.exists() for entry in links)
            if broken or folder.stat().st_mtime < before:
                shutil.rmtree(folder, ignore_errors=True)
