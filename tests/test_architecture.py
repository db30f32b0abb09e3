import ast
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
        and path.name != "worker.py"  # the main program of a process of its own
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
