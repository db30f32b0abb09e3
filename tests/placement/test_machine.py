"""What this machine has: in a container, in a batch job, with GPUs that are not here."""

import os

import pytest

from djsb.doctor.devices import list_gpus
from djsb.placement import machine
from djsb.placement.machine import machine_capacity

MIB = 2**20


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Return a function that writes files of control groups, and /proc/self/cgroup."""
    monkeypatch.setattr(machine, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(machine, "OWN", tmp_path / "own")

    def write(own, **files):
        (tmp_path / "own").write_text(own)
        for name, text in files.items():
            path = tmp_path / "cgroup" / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write


def test_without_limits_it_is_the_machine(groups):
    groups("0::/\n")
    found = machine_capacity()
    assert found.cpus == len(os.sched_getaffinity(0))
    assert found.memory == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert found.gpus == 0


def test_affinity_counts(monkeypatch, groups):
    groups("0::/\n")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert machine_capacity().cpus == 1


def test_a_quota_of_version_2(groups, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    groups(
        "0::/outer/inner\n",
        outer__inner__cpu_dot_max="max 100000\n",
        outer__cpu_dot_max="150000 100000\n",
        outer__inner__memory_dot_max=f"{300 * MIB}\n",
        outer__memory_dot_max="max\n",
    )
    assert machine_capacity().cpus == 1.5
    assert machine_capacity().memory == 300 * MIB


def test_a_quota_of_version_1(groups, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    groups(
        "5:cpu,cpuacct:/job\n4:memory:/job\n3:cpuset:/\n0::/\n",
        **{
            "cpu,cpuacct__job__cpu_dot_cfs_quota_us": "250000",
            "cpu,cpuacct__job__cpu_dot_cfs_period_us": "100000",
            "cpu,cpuacct__cpu_dot_cfs_quota_us": "-1",
            "cpu,cpuacct__cpu_dot_cfs_period_us": "100000",
            "memory__job__memory_dot_limit_in_bytes": f"{200 * MIB}",
            "memory__memory_dot_limit_in_bytes": "9223372036854771712",
        },
    )
    assert machine_capacity().cpus == 2.5
    assert machine_capacity().memory == 200 * MIB


def test_in_a_container_the_path_may_be_that_of_the_host(groups):
    groups("0::/docker/abc\n", memory_dot_max=f"{100 * MIB}")
    assert machine_capacity().memory == 100 * MIB


@pytest.fixture
def nvidia_smi(tmp_path, monkeypatch):
    """Return a function that puts a machine's nvidia-smi first on PATH."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))  # no other

    def install(cards=0, code=0):
        path = folder / "nvidia-smi"
        lines = "".join(f"echo 'Card {i}, 81920, 81000, 550.1'\n" for i in range(cards))
        path.write_text(f"#!/bin/sh\n{lines}exit {code}\n")
        path.chmod(0o755)

    return install


def test_a_machine_without_nvidia_smi_has_no_gpu(nvidia_smi):
    assert list_gpus() == ()


@pytest.mark.parametrize(("cards", "code", "found"), [(3, 0, ("0", "1", "2")), (0, 9, ())])
def test_gpus_are_those_of_nvidia_smi(nvidia_smi, cards, code, found):
    nvidia_smi(cards, code)
    assert list_gpus() == found


@pytest.mark.parametrize(
    ("visible", "found"),
    [
        ("", ()),
        ("-1", ()),
        ("1", ("1",)),
        ("2,0", ("2", "0")),
        ("0,7,1", ("0",)),  # CUDA reads up to the first that is none
        ("0,-1,1", ("0",)),
        ("NoDevFiles", ()),
        ("GPU-12ab, MIG-34cd", ("GPU-12ab", "MIG-34cd")),
    ],
)
def test_a_choice_of_the_user_is_kept(nvidia_smi, monkeypatch, visible, found):
    nvidia_smi(3)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert list_gpus() == found


def test_without_nvidia_smi_the_variable_is_believed(nvidia_smi, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    assert list_gpus() == ("4", "5")
