"""``djsb cache verify``: what changed on the disk without a trace."""

import os
from pathlib import Path

import pytest

from djsb.cache import digests

EXPERIMENT = """
work_dir: w
execution_job_configs:
- {hook: Echo, meta_name: first, extra_configs: {file: in.txt, out: mid.txt}}
"""


@pytest.fixture
def verified(lab, monkeypatch):
    """Return a function that runs ``cache verify``, on files that count as old."""
    monkeypatch.setattr(digests, "FRESH", 0)
    monkeypatch.setattr(digests, "_changed_at", lambda state: state.st_mtime_ns)
    monkeypatch.setattr(digests, "_signature", lambda s: f"{s.st_size}:{s.st_mtime_ns}:{s.st_ino}")
    lab.write("in.txt", "one")
    lab.write("sandbox.yaml", EXPERIMENT)
    for _ in range(2):
        lab.run(EXPERIMENT)

    def verify():
        from click.testing import CliRunner

        from djsb.cli.cache import cache

        result = CliRunner().invoke(cache, ["verify"], catch_exceptions=False)
        return result.exit_code, result.stdout

    return verify


def flip(path):
    """Change one bit of a file; nothing else tells."""
    state, content = path.stat(), path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def test_all_is_as_it_was(verified):
    code, text = verified()
    assert code == 0
    assert "1 entry checked: all as they were." in text


def test_a_bit_of_a_result_has_flipped(lab, verified):
    (result,) = [path for path in Path("w/cache").rglob("*.txt") if path.name == "mid.txt"]
    flip(result)
    assert lab.statuses(lab.run(EXPERIMENT)) == ["cached"]  # unseen
    code, text = verified()
    assert code == 1
    assert "Changed although size and times are the same:" in text
    assert "will be executed again; changed:" in text
    assert str(result.name) in text
    assert lab.statuses(lab.run(EXPERIMENT)) == ["finished"]
    assert verified()[0] == 0


def test_a_bit_of_an_input_has_flipped(lab, verified):
    flip(Path("in.txt"))
    assert lab.statuses(lab.run(EXPERIMENT)) == ["cached"]  # unseen
    code, text = verified()
    assert code == 1
    assert "in.txt" in text
    assert "will be executed again" not in text
    assert lab.statuses(lab.run(EXPERIMENT)) == ["finished"]
    assert verified()[0] == 0
