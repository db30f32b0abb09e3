from importlib.metadata import version

import pluggy
import pytest
from djsb_huggingface import listeners

from djsb_core import hookspecs


@pytest.fixture
def versions(monkeypatch):
    found = {"torch": "2.13.0+cpu", "transformers": "5.23.0"}
    monkeypatch.setattr(listeners, "installed", found.get)
    return found


def checks():
    manager = pluggy.PluginManager(hookspecs.NAMESPACE)
    manager.add_hookspecs(hookspecs)
    manager.register(listeners)
    [found] = manager.hook.djsb_doctor_checks()
    return {check.subject: check for check in found}


def test_doctor_shows_versions_and_devices():
    found = checks()
    assert found["torch"].finding == version("torch")
    assert found["transformers"].finding == version("transformers")
    assert any(subject.startswith("GPU") for subject in found)


def test_missing_package_has_a_remedy(versions):
    del versions["torch"]
    found = checks()
    assert not found["torch"].ok
    assert found["torch"].remedy == "pip install torch"
    assert not any(subject.startswith("GPU") for subject in found)


@pytest.mark.parametrize(
    ("torch", "torchvision", "ok"),
    [
        ("2.13.0+cpu", None, True),
        ("2.13.0+cpu", "0.28.0", False),
        ("2.13.0+cpu", "0.28.0+cpu", True),
        ("2.13.0", "0.28.0", True),
        ("2.13.0", "0.28.0+cpu", False),
    ],
)
def test_torchvision_of_another_build_is_found(versions, torch, torchvision, ok):
    versions |= {"torch": torch, "torchvision": torchvision}
    check = listeners.check_torchvision()
    assert check.ok is ok
    assert bool(check.remedy) is not ok


def test_gpus_are_listed_with_their_memory(monkeypatch):
    import torch

    class Card:
        name = "Some GPU"
        total_memory = 80 << 30

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: Card)
    assert [check.finding for check in listeners.check_devices()] == ["Some GPU, 80 GiB"] * 2
