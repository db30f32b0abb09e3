"""Write constraints.txt from the installed packages: see `make constraints`.

    python tools/write_constraints.py [--check]

Leaves out what depends on the machine (local versions such as ``+cpu``, GPU libraries), pip, and
the packages of this repository.
"""

from __future__ import annotations

import argparse
import re
import sys
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADER = """\
# What CI and `make demo` install: Python 3.11, Linux. Written by `make constraints`.
#
# To update: relax a line here (or delete it), run `make constraints`, then `make test`.
# torch has its plain version, so that a CPU build (2.13.0+cpu) is used if there is one.
"""
LEFT_OUT = re.compile(r"pip|djsb(-.*)?|nvidia-.*|cuda-.*|triton")


def main() -> None:
    """Write the pins; with ``--check``, only compare them with the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail if they differ; write nothing")
    text = HEADER + "".join(f"{pin}\n" for pin in list_pins())
    path = ROOT / "constraints.txt"
    if not parser.parse_args().check:
        path.write_text(text, encoding="utf-8")
    elif text != path.read_text(encoding="utf-8"):
        lines = set(text.splitlines()) ^ set(path.read_text(encoding="utf-8").splitlines())
        sys.exit(f"constraints.txt is out of date, run `make constraints`: {lines}")


def list_pins() -> list[str]:
    """Return one line per installed package, sorted by name."""
    installed = {
        re.sub(r"[-_.]+", "-", package.name).lower(): package.version.partition("+")[0]
        for package in distributions()
    }
    return [
        f"{name}=={installed[name]}" for name in sorted(installed) if not LEFT_OUT.fullmatch(name)
    ]


if __name__ == "__main__":
    main()
