import ast
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = [
    path
    for folder in (ROOT / "djsb", ROOT / "djsb_core/djsb_core", *ROOT.glob("plugins/*/djsb_*"))
    for path in sorted(folder.rglob("*.py"))
]
SHELLS = {
    ("os", "system"),
    ("os", "popen"),
    ("subprocess", "getoutput"),
    ("subprocess", "getstatusoutput"),
}
SAFE_LOADERS = {"SafeLoader", "CSafeLoader", "_Loader"}


def calls(path):
    """Yield the calls in a module: the node, the object before the dot (if any) and the name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            function = node.func
            owner = getattr(getattr(function, "value", None), "id", None)
            yield node, owner, getattr(function, "id", getattr(function, "attr", ""))


def place(path, node):
    return f"{path.relative_to(ROOT)}:{node.lineno}"


def test_there_are_modules():
    assert len(MODULES) > 50


def test_nothing_is_evaluated_as_code():
    found = [
        place(path, node)
        for path in MODULES
        for node, owner, name in calls(path)
        if owner is None and name in ("eval", "exec", "compile") and isinstance(node.func, ast.Name)
    ]
    assert found == []


def test_no_shell_is_started():
    found = [
        place(path, node)
        for path in MODULES
        for node, owner, name in calls(path)
        if (owner, name) in SHELLS
        or any(
            keyword.arg == "shell" and getattr(keyword.value, "value", True) is not False
            for keyword in node.keywords
        )
    ]
    assert found == []


def test_yaml_is_read_safely():
    found = []
    for path in MODULES:
        for node, owner, name in calls(path):
            if owner != "yaml" or name not in (
                "load",
                "load_all",
                "unsafe_load",
                "full_load",
                "parse",
            ):
                continue
            loaders = [keyword.value for keyword in node.keywords if keyword.arg == "Loader"]
            names = {getattr(one, "id", getattr(one, "attr", "")) for one in loaders}
            if not names or not names <= SAFE_LOADERS:
                found.append(place(path, node))
    assert found == []


def test_no_pickle_is_read():
    found = [
        place(path, node)
        for path in MODULES
        for node, owner, name in calls(path)
        if owner in ("pickle", "dill", "marshal") and name in ("load", "loads")
    ]
    assert found == []


def test_only_the_command_line_ends_the_process():
    found = [
        place(path, node)
        for path in MODULES
        for node, owner, name in calls(path)
        if (owner, name) in ((None, "exit"), (None, "quit"), ("sys", "exit"), ("os", "_exit"))
        and isinstance(node.func, ast.Name | ast.Attribute)
        and "cli" not in path.parts
        # the main program of a process of its own; a process whose files a plugin has closed
        and path.name not in {"worker.py", "foreign.py"}
    ]
    assert found == []


def test_no_bare_except():
    found = [
        place(path, node)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]
    assert found == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_are_short(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    functions = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert [one.name for one in functions if one.end_lineno - one.lineno + 1 > 50] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_say_what_they_are_for(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    if path.name == "__init__.py" and path.parent.name not in ("cli", "djsb", "djsb_core"):
        assert len(tree.body) == 1


# -- imports between modules -----------------------------------------------------------------------


def source_package(source):
    """Name the package that lies in a folder of its own name, or of the repository."""
    return "djsb" if source == ROOT else source.name


SOURCES = [ROOT, ROOT / "djsb_core", *ROOT.glob("plugins/*")]
NAMES = {
    ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__"): path
    for path in MODULES
    for source in SOURCES
    if path.is_relative_to(source / source_package(source))
}
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]


def imported_by(name):
    """Name the modules here that one imports, those inside functions and for types included."""
    found = set()
    for node in ast.walk(ast.parse(NAMES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name} has a relative import"
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inside & NAMES.keys() or {node.module}
    return found & NAMES.keys() - {name}


def test_no_modules_import_each_other_in_a_circle():
    graph = {name: imported_by(name) for name in NAMES}
    assert sum(map(len, graph.values())) > 500
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_every_module_of_the_core_is_out_of_sight_of_plugins():
    """A new room of djsb_core or djsb belongs into the contracts of the plugins, too."""
    core = {name for name in NAMES if name.startswith("djsb_core.") and name.count(".") == 1}
    lab = {name for name in NAMES if name.startswith("djsb.") and name.count(".") == 1}
    public = {"djsb_core.api", "djsb_core.testing", "djsb.records"}
    hidden = [
        set(contract["forbidden_modules"])
        for contract in CONTRACTS["contracts"]
        if contract["name"]
        in ("Plugins see the public face only", "Report plugins see the records, too")
    ]
    assert hidden == [{"djsb", *core - public}, (core | lab) - public]
