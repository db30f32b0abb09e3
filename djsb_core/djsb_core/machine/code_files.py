"""The files that a component's code consists of: modules, subpackages, and data beside them."""

from __future__ import annotations

import os
import re
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from djsb_core.machine.installed import find_distribution, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from djsb_core.machine.installed import Snapshot

INSTALLED = ("site-packages", "dist-packages")
"""Folders into which packages are installed: what lies side by side there is unrelated."""

SKIPPED = re.compile(r"\..*|__pycache__|.*\.py[co]|.*~")
"""Names that are no part of a package: bytecode, hidden files, an editor's copies."""

METADATA = (".dist-info", ".egg-info", ".data")
IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import|import[ \t]+([\w., \t]+))", re.MULTILINE
)
TEXT = re.compile(r"""["']([\w][\w. /-]{0,200})["']""")
"""A short text: it may name a file, or a module, that lies beside the code."""


class CodeFile(NamedTuple):
    """One file, and its current state."""

    name: str
    """Its path inside the folder that is on the import path."""
    path: str
    size: int
    modified: int
    changed: int
    inode: int


def code_files(module: str, package: str | None = None) -> tuple[CodeFile, ...]:
    """List the files of an imported module's code, with their states; reads almost nothing.

    These are all files of its top-level package, data included. Of a package that is installed
    file by file, those in its list of files too; of a module or package in a folder of somebody's
    own, what it imports or names there.

    :param module: a module that is imported
    :param package: the installed package that it belongs to
    """
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return ()
    root, first = _place(module, file)
    files = _states(root, dict.fromkeys((file, *_tree(first))))
    if os.path.basename(root) in INSTALLED:  # noqa: PTH119 (texts: done for every job)
        tops = _tops(package, root, snapshot()) if package else ()
        for top in tops:
            files |= _states(root, _tree(os.path.join(root, top)))  # noqa: PTH118
    else:
        _add_beside(root, files)
    return tuple(sorted(files.values()))


def files_beside(place: str) -> tuple[CodeFile, ...]:
    """List a file of code, or a package, and what it imports or names in the folder around it."""
    root = os.path.dirname(place)  # noqa: PTH120
    files = _states(root, _tree(place))
    if os.path.basename(root) not in INSTALLED:  # noqa: PTH119
        _add_beside(root, files)
    return tuple(sorted(files.values()))


def _states(root: str, paths: Iterable[str]) -> dict[str, CodeFile]:
    start = len(root.rstrip("/")) + 1
    files = {path: _file(path[start:], path) for path in paths}
    return {path: file for path, file in files.items() if file is not None}


def _file(name: str, path: str) -> CodeFile | None:
    try:
        state = os.stat(path)  # noqa: PTH116
    except OSError:  # an editor's dangling link
        return None
    times = state.st_mtime_ns, state.st_ctime_ns
    return CodeFile(name, path, state.st_size, *times, state.st_ino)


def _place(module: str, file: str) -> tuple[str, str]:
    """Return the folder from which a module is imported, and its outermost package or file."""
    place = os.path.dirname(file) if _is_init(file) else file  # noqa: PTH120
    for _ in range(module.count(".")):
        folder = os.path.dirname(place)  # noqa: PTH120
        if not os.path.isfile(os.path.join(folder, "__init__.py")):  # noqa: PTH113, PTH118
            break  # the rest are namespaces, which others share
        place = folder
    names = module.count(".") + 1
    root = os.path.dirname(file) if _is_init(file) else file  # noqa: PTH120
    for _ in range(names):
        root = os.path.dirname(root)  # noqa: PTH120
    return root, place


def _is_init(file: str) -> bool:
    return os.path.splitext(os.path.basename(file))[0] == "__init__"  # noqa: PTH119, PTH122


def _tree(place: str) -> list[str]:
    """List a file, or all files below a folder; a link to a folder is followed once."""
    if not os.path.isdir(place):  # noqa: PTH112
        return [place] if os.path.isfile(place) else []  # noqa: PTH113
    files, pending, entered = [], [place], set()
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if SKIPPED.fullmatch(entry.name):
                        continue
                    if not entry.is_dir():
                        files.append(entry.path)
                    elif not entry.is_symlink():
                        pending.append(entry.path)
                    elif (real := os.path.realpath(entry.path)) not in entered:
                        entered.add(real)
                        pending.append(entry.path)
        except OSError:  # removed in the meantime, or a link to itself
            continue
    return files


@lru_cache(maxsize=256)
def _tops(package: str, root: str, now: Snapshot) -> tuple[str, ...]:
    """Return what a package has put side by side into the folder of installed packages."""
    distribution = find_distribution(package, now)
    record = distribution.read_text("RECORD") if distribution else None
    tops: dict[str, None] = {}
    for line in (record or "").splitlines():
        path = line.rpartition(",")[0].rpartition(",")[0].strip('"')
        top = _top(path, root)
        if top:
            tops[top] = None
    return tuple(tops)


def _top(path: str, root: str) -> str:
    """Return the part of a listed path that belongs to the package alone."""
    parts = path.split("/")
    if parts[0] in ("", "..") or parts[0].endswith(METADATA) or any(map(SKIPPED.fullmatch, parts)):
        return ""  # scripts, manuals, bytecode
    for length in range(1, len(parts)):
        folder = os.path.join(root, *parts[:length])  # noqa: PTH118
        if os.path.isfile(os.path.join(folder, "__init__.py")):  # noqa: PTH113, PTH118
            return "/".join(parts[:length])
    return path


def _add_beside(root: str, files: dict[str, CodeFile]) -> None:
    """Add what code imports or names in a folder, and what that in turn imports or names."""
    try:
        entries = {entry for entry in os.listdir(root) if not SKIPPED.fullmatch(entry)}  # noqa: PTH208
    except OSError:
        return
    known = {file.name.partition("/")[0] for file in files.values() if "/" in file.name}
    pending, seen = list(files.values()), set(known)
    while pending:
        code = pending.pop()
        if not code.path.endswith(".py"):
            continue
        for top, name in _named(code):
            if name not in seen and (top in entries or f"{top}.py" in entries) and top not in known:
                seen.add(name)
                added = _states(root, _places(root, top, name))
                pending += [file for path, file in added.items() if path not in files]
                files |= added


def _places(root: str, top: str, name: str) -> Iterator[str]:
    """Yield the files of what code names: a module, a package, a file in the folder."""
    place = os.path.join(root, top)  # noqa: PTH118
    if os.path.isfile(os.path.join(place, "__init__.py")):  # noqa: PTH113, PTH118
        yield from _tree(place)
    for path in (f"{place}.py", os.path.join(root, name)):  # noqa: PTH118
        if os.path.isfile(path):  # noqa: PTH113
            yield path


@lru_cache(maxsize=4096)
def _named(code: CodeFile) -> tuple[tuple[str, str], ...]:
    """Return the modules that code imports, and its short texts: each with its first part."""
    try:
        with open(code.path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            text = file.read()
    except OSError:
        return ()
    texts = TEXT.findall(text)
    names = {(name.partition("/")[0], name) for name in texts}
    names |= {(name.partition(".")[0], name) for name in texts}  # of import_module
    for origin, imported in IMPORT.findall(text):
        modules = [part.split()[0] for part in (origin or imported).split(",") if part.strip()]
        names.update((module.partition(".")[0], module) for module in modules if module[0] != ".")
    return tuple(names)
