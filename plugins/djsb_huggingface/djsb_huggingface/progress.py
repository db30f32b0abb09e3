"""What a job has computed so far, kept batch by batch: an interruption costs one batch."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from array import array
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

STATE, SCORES = ".answers.pt", ".scores"
DOUBLE = array("d").itemsize
UNREADABLE = (OSError, EOFError, RuntimeError, KeyError, TypeError, pickle.UnpicklingError)


class Answers:
    """Answered samples of several files, and the state of the random generators after them.

    A resumed job writes the same bytes as one that was not interrupted.
    """

    def __init__(
        self, folder: Path, targets: Sequence[Path], settings: Mapping[str, Any], seed: int
    ) -> None:
        """Read what an interrupted execution left, and set the random generators.

        :param folder: the job's own
        :param targets: the files to write, each with another name
        :param settings: of the job; what was computed with others is not used
        :param seed: of the random generators at the beginning
        """
        import torch

        self._file = folder / STATE
        self._settings = dict(settings)
        state = self._read(targets)
        self._counts: dict[str, int] = state["counts"] if state else {}
        torch.manual_seed(seed)
        if state:
            torch.set_rng_state(state["cpu"])
            if state["cuda"]:
                torch.cuda.set_rng_state_all(state["cuda"])

    def count(self, target: Path) -> int:
        """Return how many samples of a file are answered."""
        return self._counts.get(target.name, 0)

    @contextmanager
    def writing(self, target: Path) -> Iterator[Callable[[Sequence[str]], None]]:
        """Append batches of lines to a file, which gets its name when the block ends."""
        part = _part(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not self.count(target):
            part.unlink(missing_ok=True)

        def write(lines: Sequence[str]) -> None:
            with part.open("a", encoding="utf-8", newline="") as file:
                file.writelines(f"{line}\n" for line in lines)
            self._counts[target.name] = self.count(target) + len(lines)
            self._save()

        yield write
        part.touch()  # there may be no sample
        part.replace(target)

    def finish(self) -> None:
        """Remove what only an interrupted execution needs."""
        self._file.unlink(missing_ok=True)

    def _read(self, targets: Sequence[Path]) -> dict[str, Any] | None:
        """Return the saved state, unless files that it counts are missing."""
        import torch

        try:
            state: dict[str, Any] = torch.load(self._file, weights_only=True)
            if state["settings"] != self._settings:
                return None
            is_whole = all(_cut(target, state["counts"].get(target.name, 0)) for target in targets)
        except UNREADABLE:
            return None
        return state if is_whole else None

    def _save(self) -> None:
        import torch

        state = {
            "settings": self._settings,
            "counts": self._counts,
            "cpu": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if _uses_cuda() else [],
        }
        temporary = self._file.with_suffix(".new")
        torch.save(state, temporary)
        temporary.replace(self._file)


class KeptScores:
    """The numbers of one batch after the other, in a file."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """Read what an interrupted execution left.

        :param folder: the job's own
        :param settings: of the job; what was computed with others is not used
        """
        self._file = folder / SCORES
        self._head = hashlib.sha256(json.dumps(settings).encode()).digest()
        data = self._file.read_bytes() if self._file.is_file() else b""
        head, data = data[: len(self._head)], data[len(self._head) :]
        size = len(data) // DOUBLE * DOUBLE if head == self._head else 0
        self._kept = iter(array("d", data[:size]))
        self._used = 0

    def of_batch(self, count: int, compute: Callable[[], list[float]]) -> list[float]:
        """Return the numbers of the next batch: those that were kept, or new ones.

        :param count: of numbers in the batch
        """
        numbers = list(islice(self._kept, count))
        if len(numbers) < count:  # the batch at which the execution was interrupted
            numbers = compute()
            with suppress(OSError):  # read-only, for a component that is used outside a job
                self._keep(numbers)
        self._used += count * DOUBLE
        return numbers

    def finish(self) -> None:
        """Remove the file."""
        with suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _keep(self, numbers: Sequence[float]) -> None:
        with self._file.open("r+b" if self._used else "wb") as file:
            file.write(self._head)
            file.seek(self._used, os.SEEK_CUR)
            file.truncate()
            file.write(array("d", numbers).tobytes())


def computed_from(settings: Mapping[str, Any], *paths: Path) -> dict[str, Any]:
    """Add to a job's settings the files that it reads: their sizes and times."""
    files = sorted(
        file
        for path in paths
        for file in (path.rglob("*") if path.is_dir() else [path])
        if file.is_file()
    )
    states = [(str(file), file.stat()) for file in files]
    return {**settings, "files": [[name, s.st_size, s.st_mtime_ns] for name, s in states]}


def _part(target: Path) -> Path:
    """Return the name of a file that is being written."""
    return target.with_name(f"{target.name}.part")


def _cut(target: Path, count: int) -> bool:
    """Cut what was written of a file to a number of lines; tell whether it has as many.

    A file that was finished becomes one that is being written again.
    """
    part = _part(target)
    if count == 0:
        return True
    if not part.exists():
        target.replace(part)
    with part.open("rb") as file:
        lines = [len(line) for line in islice(file, count) if line.endswith(b"\n")]
    os.truncate(part, sum(lines))
    return len(lines) == count


def _uses_cuda() -> bool:
    import torch

    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]
