"""Create a new plugin package or a first experiment."""

from __future__ import annotations

import re
import shutil
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from djsb_core import api
from djsb_core.discovery import list_components
from djsb_core.errors import RequestError
from djsb_core.interfaces.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TEMPLATES = Path(__file__).with_name("templates")

#: The quickstart in a wheel, and in a checkout.
QUICKSTARTS = (TEMPLATES / "quickstart", Path(__file__).parents[1] / "examples" / "quickstart")

#: Files of a checkout's quickstart that are not part of the experiment.
NOT_COPIED = shutil.ignore_patterns("outputs", "__pycache__", "make_*.py")


def write_plugin(name: str, kind: Kind, parent: Path) -> Path:
    """Write the package ``djsb_<name>`` under ``parent`` and return its folder.

    :raises RequestError: if the name cannot be used, or the folder exists
    """
    words = _words(name, kind)
    folder = parent / words["package"]
    _refuse_taken(words, kind, folder)
    words |= _parts(kind, words)
    with _publish(folder) as draft:
        for relative, template in _list_templates(kind, words):
            path = draft / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_fill(template, words), encoding="utf-8")
    return folder


def init_experiment(folder: Path) -> Path:
    """Copy the quickstart experiment into ``folder``, which may exist, and return the folder.

    :raises RequestError: if a file of the quickstart already exists
    """
    quickstart = next((path for path in QUICKSTARTS if path.is_dir()), None)
    if quickstart is None:
        raise RequestError("this installation has no quickstart experiment; reinstall djsb")
    existing = [path.name for path in quickstart.iterdir() if (folder / path.name).exists()]
    if existing:
        names = ", ".join(sorted(existing))
        raise RequestError(f"{folder} already has {names}; name a new folder")
    with _publish(folder) as draft:
        shutil.copytree(quickstart, draft, ignore=NOT_COPIED, dirs_exist_ok=True)
    return folder


def _words(name: str, kind: Kind) -> dict[str, str]:
    """Derive every name in the package from the user's plugin name."""
    stem = _check_name(name)
    module = kind.label.split()[-1]
    title = "".join(word.capitalize() for word in stem.split("_"))
    class_stem = title.removesuffix(module.capitalize())
    class_name = f"{class_stem}{module.capitalize()}"
    return {
        "title": stem.replace("_", " "),
        "package": f"djsb_{stem}",
        "distribution": f"djsb-{stem.replace('_', '-')}",
        "module": module,
        "group": kind.group,
        "kind_label": kind.label,
        "class_name": class_name,
        "config_name": f"{class_stem}Config",
        # Experiments name a hook by its class and any other component by a word.
        "component": class_name if kind is Kind.HOOK else stem,
    }


def _check_name(name: str) -> str:
    """Return the name as an identifier: ``word-count`` and ``djsb-word-count`` as ``word_count``.

    :raises RequestError: if it is invalid
    """
    stem = name.removeprefix("djsb-").removeprefix("djsb_")
    if re.fullmatch(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", stem):
        return stem.replace("-", "_")
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", stem)
    suggestion = "_".join(re.findall(r"[a-z0-9]+", spaced.lower())).lstrip("0123456789_")
    hint = f"; try '{suggestion}'" if suggestion else ""
    raise RequestError(
        f"'{name}' cannot name a plugin: use lower-case letters, digits and single '-' or '_' "
        f"between them, starting with a letter{hint}"
    )


def _refuse_taken(words: Mapping[str, str], kind: Kind, folder: Path) -> None:
    """Reject a name that is taken by a package, a component, a class or a folder.

    :raises RequestError: naming what has it
    """
    for name in (words["class_name"], words["config_name"]):
        if hasattr(api, name):
            raise RequestError(f"djsb_core.api already has a class {name}; choose a longer name")
    if _is_installed(words["distribution"]):
        raise RequestError(f"{words['distribution']} is already installed; choose another name")
    for info in list_components(kind.group):
        if info.name == words["component"]:
            raise RequestError(
                f"{info.package} already provides a {kind.label} '{info.name}'; choose another name"
            )
    if folder.exists():
        raise RequestError(f"{folder} already exists; choose another name or folder")


def _is_installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


def _list_templates(kind: Kind, words: Mapping[str, str]) -> Iterator[tuple[Path, Path]]:
    """Yield the path of each file in the new package, and its template."""
    package, module = words["package"], words["module"]
    shared, special = TEMPLATES / "plugin", TEMPLATES / "kinds" / kind.value
    yield Path("pyproject.toml"), shared / "pyproject.toml.tmpl"
    yield Path("README.md"), shared / "README.md.tmpl"
    yield Path(package, "__init__.py"), shared / "__init__.py.tmpl"
    yield Path(package, "py.typed"), shared / "py.typed.tmpl"
    yield Path(package, f"{module}.py"), special / "component.py.tmpl"
    yield Path("tests", f"test_{module}.py"), special / "test.py.tmpl"


def _parts(kind: Kind, words: Mapping[str, str]) -> dict[str, str]:
    """Fill the parts included by templates: shared functions, and the README's job."""
    parts = {path.name.split(".")[0]: path for path in (TEMPLATES / "parts").glob("*.tmpl")}
    parts["job"] = TEMPLATES / "kinds" / kind.value / "job.yaml.tmpl"
    return {name: _fill(path, words).rstrip("\n") for name, path in parts.items()}


def _fill(template: Path, words: Mapping[str, str]) -> str:
    return Template(template.read_text(encoding="utf-8")).substitute(words)


@contextmanager
def _publish(folder: Path) -> Iterator[Path]:
    """Yield a draft next to ``folder``, and move its content into place when it is complete.

    :raises RequestError: if nothing can be written there
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
            draft = Path(scratch, folder.name)
            draft.mkdir()
            yield draft
            if folder.exists():
                for entry in draft.iterdir():
                    entry.rename(folder / entry.name)
            else:
                draft.rename(folder)
    except OSError as cause:
        raise RequestError(f"cannot write {folder}: {cause}") from cause
