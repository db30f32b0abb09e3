"""An entry of the cache that is damaged anywhere is executed again, and then reused."""

import json
import random
import shutil
from pathlib import Path

import pytest

from tests.support.experiments import SCORING

VALUES = [None, True, 7, -1.5, "", "text", "\0", [], [1], [["a"]], {}, {"a": 1}, {"a": [None]}]


@pytest.fixture
def done(lab):
    """Run the job once; return its record in the cache."""
    lab.write("data.jsonl", '{"a": 1, "b": 2}\n{"a": 3, "b": 3}\n')
    lab.run(SCORING)
    (path,) = Path("w/cache").rglob("DONE.json")
    return path


def damages(record):
    """Yield records with one value replaced or removed."""
    for name in record:
        yield {key: value for key, value in record.items() if key != name}
        for value in VALUES:
            yield {**record, name: value}
    for name in ("points", "artifacts"):
        for i in range(len(record[name][0])):
            for value in VALUES:
                row = [*record[name][0][:i], value, *record[name][0][i + 1 :]]
                yield {**record, name: [row, *record[name][1:]]}


def test_the_record_has_points_and_artifacts(done):
    record = json.loads(done.read_text())
    assert record["points"]
    assert record["artifacts"]


def test_a_damaged_record_is_never_an_error(lab, done):
    whole = json.loads(done.read_text())
    (expected,) = lab.jobs(lab.run(SCORING)).values()
    shutil.copytree(done.parent, "whole")
    chance = random.Random(1)  # noqa: S311 (not for secrets)
    for record in chance.sample(list(damages(whole)), 60):
        for attempt in done.parent.parent.iterdir():
            if attempt.is_dir():
                shutil.rmtree(attempt)
        shutil.copytree("whole", done.parent)
        done.write_text(json.dumps(record))
        statuses = [lab.statuses(lab.run(SCORING)) for _ in range(2)]
        same = json.dumps(record, sort_keys=True) == json.dumps(whole, sort_keys=True)
        assert statuses == [["cached"] if same else ["finished"], ["cached"]], record
    assert expected.status == "cached"


@pytest.mark.parametrize("change", ["removed", "emptied", "changed", "a folder"])
def test_a_damaged_file_is_executed_again(lab, done, change):
    for path in [path for path in done.parent.rglob("*") if path.is_file() and path != done]:
        if path.name == "log.txt":
            continue
        content = path.read_bytes()
        if change == "removed":
            path.unlink()
        elif change == "emptied":
            path.write_bytes(b"")
        elif change == "changed":
            path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
        else:
            path.unlink()
            path.mkdir()
        assert lab.statuses(lab.run(SCORING)) == ["finished"]
        assert lab.statuses(lab.run(SCORING)) == ["cached"]
        break
