"""Build every wheel, install each alone with its dependencies, and load all its entry points.

    python tools/check_wheels.py . djsb_core plugins/djsb_report

The first project is the lab, whose ``list-components`` is run with each plugin. Wheels and
environments are created in a temporary folder, two at a time.
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
from concurrent.futures import ThreadPoolExecutor
from configparser import ConfigParser
from email.parser import Parser
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from djsb.scaffold import init_experiment
from djsb_core.interfaces.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[1]
LAB, CORE, REPORT = "djsb", "djsb-core", "djsb-report"
AT_ONCE = 2
CORE_REQUIRES = {"packaging", "pluggy", "pydantic", "stevedore"}

LOAD = """
import sys
from importlib.metadata import distribution
from djsb_core.discovery import load_component
from djsb_core.interfaces.kinds import Kind

kinds = {kind.group: kind for kind in Kind}
for entry in distribution(sys.argv[1]).entry_points:
    if entry.group in kinds:
        load_component(kinds[entry.group], entry.name)
    else:
        entry.load()
    print(entry.group, entry.name)
"""


def main() -> None:
    """Check the projects named on the command line; stop at the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("projects", nargs="+", type=Path, help="folders, the lab's first")
    projects = [project.resolve() for project in parser.parse_args().projects]
    with TemporaryDirectory(prefix="djsb-wheels-") as name, ThreadPoolExecutor(AT_ONCE) as pool:
        folder = Path(name)
        wheels = dict(pool.map(lambda project: build_wheel(project, folder / "wheels"), projects))
        if LAB not in wheels:
            sys.exit("the lab's project must be among the projects")
        for distribution, wheel in wheels.items():
            check_contents(wheel, list_data(distribution))
        lab = folder / LAB
        # The lab requires the report, and the report the lab: one environment checks both.
        together = [package for package in (LAB, REPORT) if package in wheels]
        alone = [package for package in wheels if package not in together]
        print(check_lab(lab, {package: wheels[package] for package in together}))
        for line in pool.map(
            lambda package: check_alone(package, wheels[package], folder, lab), alone
        ):
            print(line, flush=True)


def build_wheel(project: Path, folder: Path) -> tuple[str, Path]:
    """Build a project's wheel with the installed backend; return its distribution name and path."""
    with TemporaryDirectory() as scratch:
        run(
            sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", scratch, project
        )
        (wheel,) = Path(scratch).glob("*.whl")
        folder.mkdir(exist_ok=True)
        wheel = wheel.rename(folder / wheel.name)
    return wheel.name.split("-")[0].replace("_", "-"), wheel


def list_data(distribution: str) -> list[str]:
    """List the data files that a wheel must contain: templates, and for the lab the quickstart."""
    if distribution == REPORT:
        package = ROOT / "plugins" / "djsb_report"
        return [str(path.relative_to(package)) for path in package.glob("*/templates/**/*.*")]
    if distribution != LAB:
        return []
    templates = [str(path.relative_to(ROOT)) for path in ROOT.glob("djsb/templates/**/*.tmpl")]
    with TemporaryDirectory() as folder:
        lab = init_experiment(Path(folder, "lab"))
        files = [path.relative_to(lab) for path in lab.rglob("*") if path.is_file()]
    return [*templates, *(f"djsb/templates/quickstart/{path}" for path in files)]


def check_contents(wheel: Path, data: Sequence[str]) -> None:
    """Check that the wheel contains its package, typed and with its data, and nothing else."""
    package = wheel.name.split("-")[0]
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (f"{package}/py.typed", *data):
        if needed not in names:
            sys.exit(f"{wheel.name}: {needed} is missing")
    for name in names:
        if not name.startswith((f"{package}/", f"{package}-")) or "/outputs/" in name:
            sys.exit(f"{wheel.name}: unexpected file {name}")


def check_lab(folder: Path, wheels: dict[str, Path]) -> str:
    """Install the lab as its users do, and load every component that it includes."""
    started = time.monotonic()
    python = install(wheels[LAB], folder)
    components = json.loads(run_djsb(python, folder, "list-components", "--check", "--json"))
    broken = [name["name"] for name in components if not name["loads"]]
    if broken:
        sys.exit(f"{LAB}: cannot load {broken}")
    loaded = [line for name in wheels for line in run(python, "-c", LOAD, name).splitlines()]
    run(folder / "bin" / "djsb", "--version")
    seconds = time.monotonic() - started
    names = " and ".join(wheel.name for wheel in wheels.values())
    return f"{names}: {len(components)} components, {len(loaded)} entry points, {seconds:.0f} s"


def check_alone(distribution: str, wheel: Path, folder: Path, lab: Path) -> str:
    """Install a wheel with its dependencies and nothing else; load all its entry points."""
    started = time.monotonic()
    with TemporaryDirectory(dir=folder) as environment:
        python = install(wheel, Path(environment))
        loaded = {
            tuple(line.split()) for line in run(python, "-c", LOAD, distribution).splitlines()
        }
        announced = read_entry_points(wheel)
        if loaded != announced:
            sys.exit(f"{wheel.name}: declares {sorted(announced)}, loads {sorted(loaded)}")
        if distribution == CORE:
            check_core(wheel, Path(environment))
        listed = {
            (f"djsb.{component['kind']}", component["name"])
            for component in json.loads(run_djsb(python, lab, "list-components", "--json"))
            if component["package"] == distribution
        }
    components = {
        component for component in announced if component[0] in {kind.group for kind in Kind}
    }
    if listed != components:
        sys.exit(f"{wheel.name}: declares {sorted(components)}, lists {sorted(listed)}")
    seconds = time.monotonic() - started
    return (
        f"{wheel.name}: {len(components)} components, {len(loaded)} entry points, {seconds:.0f} s"
    )


def check_core(wheel: Path, environment: Path) -> None:
    """Check that the core is thin: few dependencies, and no command line."""
    with zipfile.ZipFile(wheel) as files:
        (path,) = (name for name in files.namelist() if name.endswith("/METADATA"))
        metadata = Parser().parsestr(files.read(path).decode())
    lines = metadata.get_all("Requires-Dist", [])
    required = {Requirement(line).name for line in lines if "extra ==" not in line}
    if required != CORE_REQUIRES:
        sys.exit(f"{wheel.name}: requires {sorted(required)}")
    if (environment / "bin" / "djsb").exists():
        sys.exit(f"{wheel.name}: has a command line")


def install(wheel: Path, folder: Path) -> Path:
    """Install a wheel and its dependencies into a new environment; return its interpreter.

    The packages of this repository are taken from the folder of the wheel.
    """
    venv.create(folder)
    python = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python)
    options = ("--quiet", "--no-compile", "-c", ROOT / "constraints.txt")
    run(*pip, "install", *options, "--find-links", wheel.parent, wheel)
    run(*pip, "--quiet", "check")
    return python


def run_djsb(python: Path, lab: Path, *arguments: str) -> str:
    """Run ``djsb`` with an interpreter, the lab's packages added to its own."""
    (packages,) = lab.glob("lib/python*/site-packages")
    code = "import sys, site; site.addsitedir(sys.argv.pop(1)); from djsb.cli import main; main()"
    return run(python, "-c", code, packages, *arguments)


def read_entry_points(wheel: Path) -> set[tuple[str, ...]]:
    """Read group and name of every entry point in the wheel's metadata."""
    parser = ConfigParser(delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names keep their case
    with zipfile.ZipFile(wheel) as files:
        (path,) = (name for name in files.namelist() if name.endswith("/entry_points.txt"))
        parser.read_string(files.read(path).decode())
    return {(group, name) for group in parser.sections() for name in parser[group]}


def run(*command: str | Path) -> str:
    """Run a command outside the checkout and return its output; exit if it fails."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(
        command, env=clean, cwd=gettempdir(), stdout=subprocess.PIPE, text=True, check=False
    )
    if result.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{result.stdout}failed ({result.returncode})")
    return result.stdout


if __name__ == "__main__":
    main()
