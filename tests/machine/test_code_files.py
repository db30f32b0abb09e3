"""The files of a component's code, of every way in which a package can be installed."""

import importlib
import os
import sys
from pathlib import Path

import pytest

from djsb_core.machine.code_files import code_files, files_beside


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Return a function that writes files below a folder on the import path."""
    before = set(sys.modules)

    def write(folder, texts):
        root = tmp_path / folder
        if str(root) not in sys.path:
            monkeypatch.syspath_prepend(root)
        for name, text in texts.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        importlib.invalidate_caches()
        return root

    yield write
    for name in set(sys.modules) - before:
        module = sys.modules[name]
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
        if any(str(place).startswith(str(tmp_path)) for place in places):
            del sys.modules[name]


def names(module, package=None):
    importlib.import_module(module)
    return {file.name for file in code_files(module, package)}


PACKAGE = {
    "plug/__init__.py": "",
    "plug/deep/__init__.py": "",
    "plug/deep/part.py": "x = 1",
    "plug/deep/more/other.py": "",
    "plug/prompt.txt": "Be kind.",
    "plug/data/words.json": "[]",
    "plug/.hidden": "",
    "plug/deep/part.pyc": "",
    "beside.py": "",
    "unrelated.py": "",
}
WHOLE = {
    "plug/__init__.py",
    "plug/deep/__init__.py",
    "plug/deep/part.py",
    "plug/deep/more/other.py",
    "plug/prompt.txt",
    "plug/data/words.json",
}


@pytest.mark.parametrize("folder", ["src", "site-packages"])
def test_a_package_is_all_of_its_files(place, folder):
    place(folder, PACKAGE)
    assert names("plug.deep.part") == WHOLE


def test_what_lies_beside_counts_where_it_is_imported(place):
    place("src", {**PACKAGE, "plug/deep/part.py": "import beside, os\nx = 1"})
    assert names("plug.deep.part") >= WHOLE | {"beside.py"}
    assert "unrelated.py" not in names("plug.deep.part")


def test_a_single_module_in_a_folder(place):
    root = place(
        "src",
        {
            "one.py": "from two import x\nPROMPT = open(__file__[:-6] + 'prompt.txt').read()",
            "two.py": "x = __import__('importlib').import_module('three')",
            "three.py": "",
            "prompt.txt": "hello",
            "other.txt": "",
            "pkg/__init__.py": "",
        },
    )
    expected = {"one.py", "two.py", "three.py", "prompt.txt"}
    assert names("one") == expected
    assert {file.name for file in files_beside(str(root / "one.py"))} == expected


def test_an_installed_package_is_what_its_list_says(place):
    root = place("site-packages", {**PACKAGE, "one.py": "", "two.py": ""})
    metadata = root / "my_plug-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-plug\nVersion: 1.0\n")
    listed = ["one.py,sha256=x,0", '"two.py",,', "plug/__init__.py,,", "../../bin/x,,"]
    listed.append("my_plug-1.0.dist-info/METADATA,,")
    (metadata / "RECORD").write_text("\n".join(listed))
    assert names("one", "my-plug") == {"one.py", "two.py", *WHOLE}


def test_a_namespace_is_shared(place):
    place("site-packages", {"ns/mine/__init__.py": "", "ns/mine/a.py": "", "ns/theirs/b.py": ""})
    assert names("ns.mine.a") == {"ns/mine/__init__.py", "ns/mine/a.py"}


def test_links_are_followed_and_end(place):
    root = place("src", {"plug/__init__.py": "", "shared/words.txt": "a"})
    (root / "plug" / "loop").symlink_to(root / "plug")
    (root / "plug" / "shared").symlink_to(root / "shared")
    (root / "plug" / "gone").symlink_to(root / "nowhere")
    assert {"plug/__init__.py", "plug/shared/words.txt"} <= names("plug")


def test_any_change_of_a_file_is_another_state(place):
    root = place("src", PACKAGE)
    importlib.import_module("plug.deep.part")
    before = code_files("plug.deep.part")
    prompt = root / "plug" / "prompt.txt"
    state = prompt.stat()
    prompt.write_text("Be rude.")
    os.utime(prompt, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert code_files("plug.deep.part") != before


def test_a_module_without_a_file_has_none():
    assert code_files("sys") == ()
    assert code_files("no_such_module") == ()
    assert code_files("json")[0].path.startswith(str(Path(os.__file__).parent))
