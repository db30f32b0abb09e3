"""Write the pages of docs/reference from the code; with ``--check``, only compare them."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import click
from pydantic_core import PydanticUndefined

from djsb.cli import COMMANDS, djsb
from djsb_core import hookspecs
from djsb_core.discovery import list_components, load_component
from djsb_core.interfaces.hook import Hook
from djsb_core.interfaces.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

    from djsb_core.announced import ComponentInfo
    from djsb_core.metrics import Metric

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
NOTE = "<!-- Written by tools/make_reference.py from the code; do not edit by hand. -->\n"


def components_page() -> str:
    """Describe every component of the packages in this repository."""
    lines = [NOTE, "# Components\n", _INTRODUCTION]
    for kind in Kind:
        infos = [info for info in list_components(kind.group) if _is_ours(info)]
        if not infos:
            continue
        lines.append(f"## {kind.value}\n")
        for info in infos:
            lines += _component(kind, info.name, info.package)
    return "\n".join(lines)


_INTRODUCTION = """\
What a config can use as `hook:`, as `type:` or under `trackers:`, by kind. `djsb list-components`
lists what your installation has. Settings in **bold** are required; `input` may set them.
"""


def _is_ours(info: ComponentInfo) -> bool:
    """Tell whether a component or command is from a package of this repository."""
    return info.package == "djsb" or info.package.startswith("djsb-")


def _component(kind: Kind, name: str, package: str) -> Iterator[str]:
    component: Any = load_component(kind, name)
    yield f"### `{name}`\n"
    yield f"{inspect.getdoc(component)}\n"
    if issubclass(component, Hook):
        yield from _hook(component)
        return
    yield f"*Package:* `{package}`\n"
    fields = component.config_type.model_fields
    if fields:
        yield "| setting | type | default | meaning |\n|---|---|---|---|"
        yield from (_field(key, info) for key, info in fields.items())
        yield ""
    if component.metrics:
        yield f"*Metrics:* {', '.join(map(_metric, component.metrics))}\n"


def _metric(metric: Metric) -> str:
    """Format a metric's name, with its unit and direction in brackets."""
    better = {True: "higher is better", False: "lower is better", None: ""}
    facts = [metric.unit, better[metric.higher_is_better]]
    details = "; ".join(filter(None, facts))
    return f"`{metric.name}` ({details})" if details else f"`{metric.name}`"


def _hook(hook: type[Hook[Any, Any]]) -> Iterator[str]:
    if hook.uses is not None:
        kind = Kind.of(hook.uses.interface)
        default = f", by default `{hook.uses.default}`" if hook.uses.default else ""
        link = f"[{kind.value}](#{kind.value})"
        yield f"*Uses:* one of {link}{default}, set in `{hook.uses.section}`\n"
    recipe = "takes `dj_configs`" if hook.takes_recipe else "takes no `dj_configs`"
    names = (
        "those of its component"
        if hook.outputs_of_component
        else ", ".join(f"`{name}`" for name in hook.output_names)
    )
    yield f"*Recipe:* {recipe}. *Outputs:* {names}\n"


def _field(key: str, info: FieldInfo) -> str:
    required = info.is_required()
    default = "" if required or info.default is PydanticUndefined else f"`{info.default!r}`"
    if info.default_factory is not None:
        default = "`[]` or `{}`" if info.default_factory in (list, dict) else "created"
    shown = f"**`{info.alias or key}`**" if required else f"`{info.alias or key}`"
    meaning = (info.description or "").replace("|", "\\|").replace("\n", " ")
    return f"| {shown} | {_type(info.annotation)} | {default} | {meaning} |"


def _type(annotation: object) -> str:
    text = re.sub(r"\b(?:[a-z_]\w*\.)+(\w+)", r"\1", _plain_type(annotation))
    return f"`{text}`"


def _plain_type(annotation: Any) -> str:  # noqa: ANN401 (any annotation)
    """Name a type, without what validates it, and a union with its members."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _plain_type(arguments[0])
    if origin in {Union, UnionType}:
        return " or ".join(map(_plain_type, arguments))
    if annotation is NoneType:
        return "None"
    if origin is None or origin is Literal:
        return annotation.__name__ if isinstance(annotation, type) else str(annotation)
    name = getattr(origin, "__name__", str(origin))
    inner = ", ".join("…" if part is ... else _plain_type(part) for part in arguments)
    return f"{name}[{inner}]"


def commands_page() -> str:
    """Show the help text of every command."""
    lines = [NOTE, "# Commands\n", _help(djsb, "djsb")]
    context = click.Context(djsb, info_name="djsb")
    plugins = [info.name for info in list_components("djsb.commands") if _is_ours(info)]
    for name in [*COMMANDS, *plugins]:
        command = djsb.get_command(context, name)
        if isinstance(command, click.Command):
            lines += [f"## djsb {name}\n", _help(command, f"djsb {name}")]
        if isinstance(command, click.Group):
            for part, inner in command.commands.items():
                lines += [f"### djsb {name} {part}\n", _help(inner, f"djsb {name} {part}")]
    return "\n".join(lines)


def _help(command: click.Command, name: str) -> str:
    context = click.Context(command, info_name=name, max_content_width=96, terminal_width=96)
    return f"```text\n{command.get_help(context)}\n```\n"


def hookspecs_page() -> str:
    """Describe every hookspec that a listener can implement."""
    lines = [NOTE, "# Hookspecs\n", (inspect.getdoc(hookspecs) or "") + "\n"]
    for name, spec in vars(hookspecs).items():
        if hasattr(spec, "djsb_spec"):
            arguments = ", ".join(inspect.signature(spec).parameters)
            lines.append(f"## `{name}({arguments})`\n")
            lines.append(_as_list(inspect.getdoc(spec) or "") + "\n")
    return "\n".join(lines)


def _as_list(text: str) -> str:
    return re.sub(r":param (\w+): ", r"- `\1`: ", text)


PAGES = {
    "components.md": components_page,
    "commands.md": commands_page,
    "hookspecs.md": hookspecs_page,
}


def main() -> int:
    """Write the pages; with ``--check``, only report which are out of date."""
    stale = []
    for name, write in PAGES.items():
        path, text = REFERENCE / name, write().rstrip() + "\n"
        if "--check" in sys.argv:
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            path.write_text(text, encoding="utf-8")
    for name in stale:
        sys.stderr.write(f"docs/reference/{name} is out of date; run tools/make_reference.py\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
