"""Every installed component: listed from metadata and source text, imported only on demand."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from djsb.report.format import table
from djsb.report.source import read_definition
from djsb_core.discovery import list_components
from djsb_core.errors import DjsbError
from djsb_core.interfaces.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from djsb_core.announced import ComponentInfo


@dataclass(frozen=True)
class Listed:
    """One component as ``djsb list-components`` shows it."""

    kind: str
    name: str
    package: str
    version: str
    summary: str
    loads: bool | None
    """Whether it can be used; without ``--check``, ``False`` only if its code is missing."""
    remark: str = ""


def list_all(kind: str | None = None, *, check: bool = False) -> list[Listed]:
    """List the installed components, of one kind or of all.

    :param check: import each one
    :raises RequestError: if there is no such kind
    """
    kinds = list(Kind) if kind is None else [Kind.parse(kind)]
    return [
        _list_one(entry.value, info, check=check)
        for entry in kinds
        for info in list_components(entry.group)
    ]


def components_table(components: Sequence[Listed], *, checked: bool) -> str:
    """Format the components as a table."""
    rows = [
        (
            component.kind,
            component.name,
            f"{component.package} {component.version}",
            _loads(component),
            component.summary,
        )
        for component in components
    ]
    text = table(rows, ("kind", "name", "package", "loads", "summary"))
    return text if checked else f"{text}\n\n?: not tried; --check imports each component"


def components_json(components: Sequence[Listed]) -> str:
    """Format the components as JSON."""
    return json.dumps([asdict(component) for component in components], indent=2, ensure_ascii=False)


def _loads(component: Listed) -> str:
    if component.loads is False:
        return f"no: {component.remark}"
    if component.loads is None:
        return "?"
    return "yes"


def _list_one(kind: str, info: ComponentInfo, *, check: bool) -> Listed:
    summary, loads, remark = read_definition(info.target)
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
