"""Fixtures of the cache's tests."""

import hashlib
import os
import time

import pytest

from djsb.cache.cache import Cache
from djsb.cache.digests import Digests

OLD = time.time_ns() - 10**11


@pytest.fixture
def shelf(tmp_path):
    found = Shelf(tmp_path / "cache")
    yield found
    found.cache.digests.close()


class Shelf:
    """A cache to put things in."""

    def __init__(self, root):
        self.cache = Cache(root)

    @staticmethod
    def key(name):
        return hashlib.sha256(name.encode()).hexdigest()

    @staticmethod
    def record(**values):
        return {
            "meta_name": "job",
            "pipeline": "anonymous",
            "iteration": 0,
            "hook": "Echo",
            "component": None,
            "run": "run-1",
            "seconds": 0.5,
            "created": time.time(),
            "outputs": {"text": "result"},
            "points": [],
            "artifacts": [],
            **values,
        }

    @staticmethod
    def never():
        raise AssertionError("the lock is held")

    def lock(self, name="job"):
        return self.cache.lock(self.key(name), self.never)

    def begin(self, name="job", **options):
        """Begin an attempt that never ends, as a killed process does."""
        with self.lock(name):
            return self.cache.begin(self.key(name), {"format": 1, "name": name}, **options)

    def keep(self, name="job", *, text="result", used=None, files=(), **values):
        """Execute a job: one attempt with one file."""
        key = self.key(name)
        with self.lock(name):
            folder = self.cache.begin(key, {"format": 1, "name": name})
            (folder / "out.txt").write_text(text)
            given = self.record(meta_name=name, **values)
            entry = self.cache.commit(key, folder, given, [folder / "out.txt", *files])
        if used is not None:
            os.utime(entry.folder / "DONE.json", (used, used))
        return entry

    def find(self, name="job"):
        return self.cache.find(self.key(name))


@pytest.fixture
def digests(tmp_path):
    found = Digests(tmp_path / "memory" / "digests.sqlite")
    yield found
    found.close()


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file of the test, as if it was done long ago."""

    def write_old(name, content, *, at=OLD):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.utime(path, ns=(at, at))
        return path

    return write_old
