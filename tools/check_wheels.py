"""Build every wheel, install each alone in a clean environment, and list its components there.

    python tools/check_wheels.py . plugins/djsb_datajuicer

The first project is the core, which the others need. Wheels and environments are made in a
temporary folder.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import venv
import zipfile
from configparser import ConfigParser
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING

from djsb.scaffold import init_experiment

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Check the projects named on the command line; stop at the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("projects", nargs="+", type=Path, help="folders, the core's first")
    projects = [project.resolve() for project in parser.parse_args().projects]
    with TemporaryDirectory(prefix="djsb-wheels-") as folder:
        wheels = [build_wheel(project, Path(folder, str(i))) for i, project in enumerate(projects)]
        core = wheels[0]
        for wheel in wheels:
            started = time.monotonic()
            check_contents(wheel, list_core_data() if wheel is core else ())
            with TemporaryDirectory(dir=folder) as environment:
                count = check_installation(wheel, core, Path(environment))
            seconds = time.monotonic() - started
            print(f"{wheel.name}: {count} components installed and loaded, {seconds:.0f} s")


def build_wheel(project: Path, folder: Path) -> Path:
    """Build a project's wheel, with the backend that is installed here."""
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, project)
    (wheel,) = folder.glob("*.whl")
    return wheel


def list_core_data() -> list[str]:
    """List what the core's wheel must carry besides modules: templates and the quickstart."""
    package = ROOT / "djsb_core"
    templates = [
        str(path.relative_to(ROOT))
        for pattern in ("templates/**/*.tmpl", "report/html/templates/**/*.*")
        for path in package.glob(pattern)
    ]
    with TemporaryDirectory() as folder:
        lab = init_experiment(Path(folder, "lab"))
        files = [path.relative_to(lab) for path in lab.rglob("*") if path.is_file()]
    return [*templates, *(f"djsb_core/templates/quickstart/{path}" for path in files)]


def check_contents(wheel: Path, data: Sequence[str]) -> None:
    """Check that the wheel has its package, typed and with its data, and nothing else."""
    package = wheel.name.split("-")[0]
    if package == "djsb_core" and not data:
        sys.exit(f"{wheel.name}: the core's project must come first")
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (f"{package}/py.typed", *data):
        if needed not in names:
            sys.exit(f"{wheel.name}: lacks {needed}")
    for name in names:
        if not name.startswith((f"{package}/", f"{package}-")) or "/outputs/" in name:
            sys.exit(f"{wheel.name}: should not have {name}")


def check_installation(wheel: Path, core: Path, folder: Path) -> int:
    """Install the wheel and what it requires; return how many components it offers there."""
    venv.create(folder, with_pip=True)
    python, djsb = folder / "bin" / "python", folder / "bin" / "djsb"
    install = ("install", "--quiet", "-c", ROOT / "constraints.txt")
    run(python, "-m", "pip", *install, *dict.fromkeys((core, wheel)))
    run(python, "-m", "pip", "--quiet", "check")
    # Without --check, as a user lists them: no plugin is imported, so this must always work.
    offered = list_components(djsb, wheel)
    if offered.keys() != (announced := read_entry_points(wheel)):
        sys.exit(f"{wheel.name}: announces {sorted(announced)}, lists {sorted(offered)}")
    broken = {key: one for key, one in list_components(djsb, wheel, "--check").items() if not one}
    if broken:
        sys.exit(f"{wheel.name}: does not load {sorted(broken)}")
    return len(offered)


def list_components(djsb: Path, wheel: Path, *options: str) -> dict[tuple[str, str], bool | None]:
    """Return the components of the wheel in that environment, and whether each loads."""
    found = json.loads(run(djsb, "list-components", "--json", *options))
    distribution = wheel.name.split("-")[0].replace("_", "-")
    return {
        (one["kind"], one["name"]): one["loads"] for one in found if one["package"] == distribution
    }


def read_entry_points(wheel: Path) -> set[tuple[str, str]]:
    """Read kind and name of every component that the wheel's metadata announces."""
    parser = ConfigParser(delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names keep their case
    with zipfile.ZipFile(wheel) as files:
        (path,) = (name for name in files.namelist() if name.endswith("/entry_points.txt"))
        parser.read_string(files.read(path).decode())
    not_components = {"djsb.commands", "djsb.listeners"}
    return {
        (group.removeprefix("djsb."), name)
        for group in parser.sections()
        if group.startswith("djsb.") and group not in not_components
        for name in parser[group]
    }


def run(*command: str | Path) -> str:
    """Run a command away from the checkout and return what it prints; stop if it fails."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, env=clean, cwd=gettempdir(), stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}failed ({done.returncode})")
    return done.stdout


if __name__ == "__main__":
    main()
