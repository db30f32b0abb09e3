"""The page and the picture of the architecture are those of the code."""

import subprocess
import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[1] / "tools"


def load_tool(name):
    spec = spec_from_file_location(name, TOOLS / f"{name}.py")
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("tool", ["make_architecture", "draw_flow"])
def test_it_is_up_to_date(tool):
    ran = subprocess.run(
        [sys.executable, TOOLS / f"{tool}.py", "--check"], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr


def test_each_step_of_the_picture_is_a_room_of_the_code():
    rooms = {box.room for box in load_tool("draw_flow").BOXES.values() if box.room}
    assert len(rooms) > 5
    assert [room for room in rooms if find_spec(room) is None] == []


@pytest.mark.parametrize("package", ["djsb", "djsb_core"])
def test_every_module_stands_on_a_floor(package):
    tool = load_tool("make_architecture")
    floors = [module for floor in tool.read_floors(package) for module in floor]
    modules = {
        path.stem
        for path in tool.FOLDERS[package].iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    } - {"__init__"}
    assert sorted(floors) == sorted(modules)
