"""Files, commands and devices, as ``djsb doctor`` sees them."""

import hashlib
import json
import os
import shutil

import pytest

from djsb.doctor import devices
from djsb.doctor.devices import check_gpus, check_torch, torch_build
from djsb_core.hookspecs import CheckKind
from djsb_core.machine.checks import (
    check_command,
    check_file,
    check_weights,
)

# -- files -----------------------------------------------------------------------------------------


def test_a_file_and_its_digest(tmp_path):
    digest = hashlib.sha256(b"1234").hexdigest()
    (tmp_path / digest).write_bytes(b"1234")
    link = tmp_path / "model.bin"
    link.symlink_to(digest)  # as in the cache of a hub
    check = check_file("weights", link)
    assert (check.ok, check.size, check.sha256) == (True, 4, digest)
    assert check.finding == f"{link}, 4 B"
    plain = check_file(str(tmp_path / digest), tmp_path / digest)
    assert (plain.sha256, plain.finding) == (None, "4 B")


def test_an_absent_file_has_a_remedy(tmp_path):
    check = check_file("weights", tmp_path / "x", "it is fetched", "or put it there")
    assert (check.ok, check.required, check.size) == (False, True, None)
    assert check.sentence == "weights: it is fetched; or put it there"


def test_weights_in_parts(tmp_path):
    patterns = ("*.safetensors", "*.bin")
    (lost,) = check_weights(tmp_path, "model.safetensors", patterns, absent="no weights")
    assert lost.sentence == f"{tmp_path}/model.safetensors: no weights"
    for i in (1, 3):
        (tmp_path / f"model-{i}.safetensors").write_bytes(b"12")
    (tmp_path / "pytorch_model.bin").touch()
    parts = {f"layer{i}": f"model-{i}.safetensors" for i in (1, 2, 3)}
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": parts}))
    whole, part = check_weights(tmp_path, "model.safetensors", patterns, absent="no weights")
    assert (whole.ok, whole.size, whole.finding) == (True, 4, "2 files, 4 B")
    assert (part.ok, part.path) == (False, tmp_path / "model-2.safetensors")
    (tmp_path / "model.safetensors").write_bytes(b"12")  # what is whole needs no parts
    assert all(one.ok for one in check_weights(tmp_path, "x", patterns, absent="-"))
    (tmp_path / "model.safetensors").unlink()
    index.write_text("[]")
    assert all(one.ok for one in check_weights(tmp_path, "x", patterns, absent="-"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "git lfs pull"),
    ],
)
def test_weights_that_were_not_fetched_whole(tmp_path, content, said):
    (tmp_path / "a.safetensors").write_bytes(content)
    (tmp_path / "b.safetensors").write_bytes(b"12")
    (check,) = check_weights(tmp_path, "x", ["*.safetensors"], absent="-")
    assert (check.ok, check.required, check.path) == (False, True, tmp_path / "a.safetensors")
    assert said in check.sentence


# -- commands and devices --------------------------------------------------------------------------


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Return a function that puts a shell script first in the search path, or empties it."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def write(name, text):
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return write


def test_commands(program):
    program("labjava", "true")
    assert check_command("labjava", "pyspark").path.name == "labjava"
    check = check_command("lab-no-such", "pyspark")
    assert (check.ok, check.kind) == (False, CheckKind.COMMAND)
    assert check.finding == "command not found; pyspark needs it"


def test_cards_with_their_memory(program):
    # As nvidia-smi writes it; a card that is split into parts tells no free memory.
    program(
        "nvidia-smi",
        "echo 'NVIDIA H200, 143771, 143050, 570.86.15'\necho 'Other, 1024, [N/A], 570.86.15'",
    )
    first, second = check_gpus()
    assert first.finding == "NVIDIA H200, 139.7 GiB of 140.4 GiB free; driver 570.86.15"
    assert (second.subject, second.finding) == (
        "GPU 1", "Other, ? of 1.0 GiB free; driver 570.86.15"
    )  # fmt: skip
    assert first.ok


@pytest.mark.parametrize(
    "script",
    [
        "echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18",
        "exit 0",
        "sleep 5",
    ],
)
def test_a_driver_that_fails_is_worth_a_note(program, monkeypatch, script):
    monkeypatch.setattr(devices, "SECONDS", 1)
    program("nvidia-smi", script)
    (check,) = check_gpus()
    assert (check.ok, check.required) == (False, False)
    assert check.finding.startswith("nvidia-smi fails: ")
    assert check.remedy


def test_no_card_is_no_fault(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    (check,) = check_gpus()
    assert check.ok
    assert "CPU" in check.finding or "Apple" in check.finding


@pytest.mark.parametrize(
    ("torch", "torchvision", "ok"),
    [
        ("2.13.0+cpu", "0.28.0", False),
        ("2.13.0+cpu", "0.28.0+cpu", True),
        ("2.13.0", "0.28.0", True),
        ("2.13.0", "0.28.0+cpu", False),
    ],
)
def test_torchvision_of_another_build_is_found(monkeypatch, torch, torchvision, ok):
    versions = {"torch": torch, "torchvision": torchvision}
    monkeypatch.setattr(devices, "installed_version", versions.get)
    (check,) = check_torch(beside_gpu=False, transformers=True)
    assert check.ok is ok
    assert check.required
    assert bool(check.remedy) is not ok
    del versions["torchvision"]
    assert check_torch(beside_gpu=False, transformers=True) == []


def test_what_torch_was_built_for_is_what_torch_says():
    torch = pytest.importorskip("torch")
    said = f"CUDA {torch.version.cuda}" if torch.version.cuda else "cpu"
    assert torch_build() == (f"ROCm {torch.version.hip}" if torch.version.hip else said)


def test_torch_for_the_cpu_beside_a_card_is_worth_a_note(monkeypatch):
    monkeypatch.setattr(devices, "installed_version", {"torch": "2.13.0+cpu"}.get)
    monkeypatch.setattr(devices, "torch_build", lambda: "cpu")
    (check,) = check_torch(beside_gpu=True, transformers=False)
    assert (check.ok, check.required) == (False, False)
    monkeypatch.setattr(devices, "torch_build", lambda: "CUDA 13.0")
    assert check_torch(beside_gpu=True, transformers=False)[0].ok
