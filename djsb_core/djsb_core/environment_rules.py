"""What every environment manager guarantees: the tests that its contract adds."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from djsb_core.text import quoted

if TYPE_CHECKING:
    from pathlib import Path

    from djsb_core.interfaces.component import AnyComponent


class EnvironmentRules:
    """Tests of an environment manager, which is the fixture ``component``."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """Return the folder of the environment, which does not exist yet."""
        return tmp_path / "environment"

    @pytest.fixture
    def files(self, tmp_path: Path) -> tuple[Path, Path]:
        """Return the files with requirements and constraints, both empty."""
        paths = tmp_path / "requirements.txt", tmp_path / "constraints.txt"
        for path in paths:
            path.touch()
        return paths

    def test_what_is_to_be_made_is_not_found(self, component: AnyComponent) -> None:
        existing = component.find()  # type: ignore[attr-defined]
        assert existing is None, f"find() returned {existing} before anything was created"

    def test_it_starts_nothing_itself(
        self, component: AnyComponent, folder: Path, files: tuple[Path, Path]
    ) -> None:
        """It returns commands as lists; they name the folder and the requirements file."""
        commands = component.create(folder, *files)  # type: ignore[attr-defined]
        assert not folder.exists(), "create() wrote the folder itself: return the commands"
        texts = [command for command in commands if isinstance(command, str)]
        assert not texts, f"return each command as a list of words, not {quoted(texts)}"
        words = {word for command in commands for word in command}
        odd = [word for word in words if not isinstance(word, str)]
        assert not odd, f"each word of a command is a string, not {quoted(odd)}"
        unnamed = sorted({str(folder), str(files[0])} - words)
        assert not unnamed, f"no command names {quoted(unnamed)}"

    def test_its_python_is_inside_and_found_first(
        self, component: AnyComponent, folder: Path
    ) -> None:
        python = component.python(folder)  # type: ignore[attr-defined]
        variables = component.variables(folder)  # type: ignore[attr-defined]
        assert python.is_relative_to(folder), f"python() is {python}, outside {folder}"
        assert variables["PATH"].split(os.pathsep)[0] == str(python.parent), (
            f"PATH must begin with {python.parent}, not {variables['PATH']}"
        )
