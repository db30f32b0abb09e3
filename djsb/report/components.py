"""Every installed component: listed from metadata and source text, imported only on demand."""

from __future__ import annotations

import ast
import importlib.util
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from djsb.report.format import table
from djsb_core.discovery import ComponentInfo, list_components
from djsb_core.errors import DjsbError, RequestError, suggest
from djsb_core.interfaces.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Listed:
    """One component as ``djsb list-components`` shows it."""

    kind: str
    name: str
    package: str
    version: str
    summary: str
    loads: bool | None
    """Whether it can be used; without ``--check``, ``False`` only if its code is not there."""
    remark: str = ""


def list_all(kind: str | None = None, *, check: bool = False) -> list[Listed]:
    """List the installed components, of one kind or of all.

    :param check: import each one
    :raises RequestError: if there is no such kind
    """
    names = [one.value for one in Kind]
    if kind is not None and kind not in names:
        raise RequestError(f"unknown kind '{kind}'; {suggest(kind, names)}")
    found = [
        _list_one(name, info, check=check)
        for name in names
        if kind in (None, name)
        for info in list_components(f"djsb.{name}")
    ]
    return _with_remarks(found) if check else found


def components_table(found: Sequence[Listed], *, checked: bool) -> str:
    """Lay the components out as a table."""
    rows = [
        (c.kind, c.name, f"{c.package} {c.version}", _loads(c, checked=checked), c.summary)
        for c in found
    ]
    text = table(rows, ("kind", "name", "package", "loads", "summary"))
    return text if checked else f"{text}\n\n?: not tried; --check imports each component"


def components_json(found: Sequence[Listed]) -> str:
    """Write the components for scripts."""
    return json.dumps([asdict(component) for component in found], indent=2, ensure_ascii=False)


def _loads(component: Listed, *, checked: bool) -> str:
    if component.loads is False:
        return f"no: {component.remark}"
    if component.loads is None:
        return "?"
    return f"yes; {component.remark}" if checked and component.remark else "yes"


def _list_one(kind: str, info: ComponentInfo, *, check: bool) -> Listed:
    summary, loads, remark = _read_source(info)
    if check:
        loads, remark = _try_to_load(kind, info)
    return Listed(kind, info.name, info.package, info.version, summary, loads, remark)


def _try_to_load(kind: str, info: ComponentInfo) -> tuple[bool, str]:
    from djsb_core.discovery import load_component

    try:
        load_component(Kind(kind), info.name)
    except DjsbError as error:
        return False, str(error).split(": ", 1)[-1]
    return True, ""


def _with_remarks(found: Sequence[Listed]) -> list[Listed]:
    from djsb_core.discovery import create_listeners, notify

    listeners = create_listeners()
    complete = []
    for one in found:
        remarks = notify(listeners, "djsb_component_remarks", kind=one.kind, name=one.name)
        text = "; ".join(part for part in (one.remark, *remarks) if part)
        complete.append(Listed(**{**asdict(one), "remark": text}))
    return complete


def _read_source(info: ComponentInfo) -> tuple[str, bool | None, str]:
    """Find the class in its module's text, importing nothing: its summary, whether it is there."""
    module, _, name = info.target.partition(":")
    path = _source_of(module)
    if path is None:
        return "", False, f"there is no module {module}"
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError) as error:
        return "", False, f"{type(error).__name__}: {error}"
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return (ast.get_docstring(node) or "").split("\n", 1)[0], None, ""
    return "", None, ""


def _source_of(module: str) -> Path | None:
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)  # imports nothing: the name has no parent
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.origin else None
    for folder in spec.submodule_search_locations or ():
        for path in (Path(folder, *rest).with_suffix(".py"), Path(folder, *rest, "__init__.py")):
            if path.is_file():
                return path
    return None
