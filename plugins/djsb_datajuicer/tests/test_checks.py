"""What ``djsb doctor`` shows of this plugin."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from djsb_datajuicer import checks as module

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_this_installation_is_fine() -> None:
    checks = list(module.list_checks())
    assert {check.subject for check in checks} == {*module.REASONS, "installs at run time"}
    assert [check for check in checks if not check.ok] == []


def test_the_installer_is_the_one_that_a_session_replaces() -> None:
    from data_juicer.utils.lazy_loader import LazyLoader

    assert callable(getattr(LazyLoader, module.INSTALLER))


def test_another_way_of_installing_is_worth_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / module.LOADER_FILE
    file.parent.mkdir()
    file.write_text("class LazyLoader:\n    def _install(self): ...\n")
    monkeypatch.setattr(module, "package_folder", lambda: tmp_path)
    (check,) = module.check_installs()
    assert (check.ok, check.required) == (False, False)
    assert check.remedy
    monkeypatch.setattr(module, "package_folder", lambda: tmp_path / "nothing")
    assert module.check_installs() == []


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from djsb_datajuicer import checks; list(checks.list_checks());"
        "assert not {'torch', 'datasets', 'data_juicer', 'ray'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
