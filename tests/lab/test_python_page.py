"""The code of the page about Python runs, and gives what the page says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from djsb import EventKind

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "use-djsb-from-python.md"
CHECKS = """
assert run.status == "finished"
assert run.query("eval.max_accuracy") == 0.75
assert better.query("eval.max_accuracy") == 1.0
assert len(comparison) > 0
assert run.comparison.empty
assert "predicted" in open("report.html").read()
assert scores == [0.75, 1.0, 0.5]
assert djsb.validate("sandbox.yaml") == []
assert set(djsb.run("sandbox.yaml").jobs["status"]) == {"cached"}
"""


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_page_lists_every_event():
    kinds = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)
    assert kinds == [kind.value for kind in EventKind]


def test_the_page_runs(tmp_path):
    (experiment,) = blocks("yaml")
    (tmp_path / "sandbox.yaml").write_text(experiment)
    labels = ["good", "bad", "good", "bad"]
    columns = {
        "small_model": ["good", "bad", "good", "good"],
        "large_model": labels,
        "ensemble": ["bad", "bad", "good", "good"],
    }
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    for name, found in (("truth", [{"label": label} for label in labels]), ("predicted", rows)):
        lines = "".join(f"{json.dumps(row)}\n" for row in found)
        (tmp_path / f"{name}.jsonl").write_text(lines)
    code = "\n".join([*blocks("python"), CHECKS])
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    shown = ran.stdout.splitlines()
    said = re.findall(r"^# (overrides\..*)$", PAGE.read_text(), re.MULTILINE)
    assert shown[0] in said
    assert shown[1].startswith("job 'eval' failed: ")
    assert "no_such_column" in shown[1]
    assert "['failed']" in shown
    assert shown[-1] == "eval cached"
