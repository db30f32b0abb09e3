"""Write the floors in docs/explanation/architecture.md; with ``--check``, only compare them.

The floors are the layers of the import contracts in pyproject.toml, which CI enforces; the purpose
of a room is the first line of its package's docstring.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "explanation" / "architecture.md"
FOLDERS = {"djsb": ROOT / "djsb", "djsb_core": ROOT / "djsb_core" / "djsb_core"}
BEGIN = "<!-- floors of {}: written by tools/make_architecture.py -->\n"
END = "<!-- end of the floors of {} -->\n"


def read_floors(package: str) -> list[list[str]]:
    """Return the modules of each floor, from the top."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for contract in settings["tool"]["importlinter"]["contracts"]:
        if contract["type"] == "layers" and contract["containers"] == [package]:
            return [[name.strip() for name in layer.split("|")] for layer in contract["layers"]]
    raise LookupError(f"pyproject.toml has no layers contract for {package}")


def purpose(package: str, module: str) -> str:
    """Return the purpose of a room: the first line of its docstring."""
    path = FOLDERS[package] / module
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return docstring.splitlines()[0]


def floors_table(package: str) -> str:
    """Format the floors of one package as a table."""
    lines = ["| floor | room | what it is for |", "|--:|---|---|"]
    floors = read_floors(package)
    for number, modules in zip(range(len(floors), 0, -1), floors, strict=True):
        lines += [
            f"| {number} | `{package}.{module}` | {purpose(package, module)} |"
            for module in modules
        ]
    return "\n".join(lines) + "\n"


def with_floors(page: str) -> str:
    """Return the page with its tables updated from the contracts."""
    for package in FOLDERS:
        begin, end = BEGIN.format(package), END.format(package)
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(end)
        page = f"{before}{begin}\n{floors_table(package)}\n{end}{after}"
    return page


def main() -> int:
    """Write the page; with ``--check``, only report whether it is out of date."""
    page = PAGE.read_text(encoding="utf-8")
    current = with_floors(page)
    if "--check" not in sys.argv:
        PAGE.write_text(current, encoding="utf-8")
    elif current != page:
        sys.stderr.write(f"{PAGE.name} is out of date; run tools/make_architecture.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
