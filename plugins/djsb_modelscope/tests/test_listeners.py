import subprocess
import sys

import pluggy
import pytest
from djsb_modelscope import listeners

from djsb_core import hookspecs


@pytest.fixture
def installed(monkeypatch):
    versions = {
        "modelscope": "1.40.2",
        "transformers": "5.23.0",
        "datasets": "4.8.4",
        "torch": "2.13.0+cpu",
    }
    monkeypatch.setattr(listeners, "_version", versions.get)
    return versions


def checks():
    manager = pluggy.PluginManager("djsb")
    manager.add_hookspecs(hookspecs)
    manager.register(listeners)
    manager.check_pending()
    (found,) = manager.hook.djsb_doctor_checks()
    return {check.subject: check for check in found}


def test_versions_that_fit_are_fine(installed):
    assert all(check.ok for check in checks().values())


@pytest.mark.parametrize(
    ("package", "version", "remedy"),
    [
        ("datasets", "4.8.5", "pip install 'datasets>=4.7,<4.8.5'"),
        ("modelscope", None, "pip install 'modelscope>=1.40,<1.41'"),
        ("transformers", "6.0.0", "pip install 'transformers>=4.57,<6'"),
    ],
)
def test_versions_that_do_not_are_named(installed, package, version, remedy):
    installed[package] = version
    check = checks()[package]
    assert not check.ok
    assert check.remedy == remedy


def test_torchvision_of_another_build_is_found(installed):
    installed["torchvision"] = "0.28.0"
    assert "uninstall torchvision" in checks()["torchvision"].remedy
    installed["torchvision"] = "0.28.0+cpu"
    assert checks()["torchvision"].ok


def test_components_import_nothing_heavy():
    code = (
        "import sys, djsb_modelscope.executor, djsb_modelscope.scratch, djsb_modelscope.listeners;"
        "list(djsb_modelscope.listeners.djsb_doctor_checks());"
        "heavy = {'torch', 'transformers', 'modelscope', 'datasets', 'tokenizers'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
