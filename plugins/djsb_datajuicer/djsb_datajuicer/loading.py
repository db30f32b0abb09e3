"""What Data-Juicer's loader reads, and which rows it leaves out: those without a text.

The loader says neither. It calls one function to read files, and one to leave out rows: the
functions here stand between (see :mod:`djsb_datajuicer.shortcuts`).
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb_datajuicer.ledger import Origin
from djsb_datajuicer.lines import SUFFIXES, count_lines
from djsb_datajuicer.rider import take_rider, with_rider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray


@dataclass
class Source:
    """One dataset that was loaded; a recipe may mix several."""

    files: list[str]
    rows: int
    kept: NDArray[Any]
    """Positions of the rows with a text."""


@dataclass
class Loading:
    """What was read so far."""

    sampled: bool
    """Whether rows are drawn from the datasets, so that rows must be numbered at once."""
    files: list[str] = field(default_factory=list)
    """Files that belong to the dataset that is being read."""
    sources: list[Source] = field(default_factory=list)

    def origin(self, dataset: Any) -> tuple[Any, Origin]:  # noqa: ANN401 (untyped)
        """Return the loaded dataset as it should be, and where its rows come from."""
        import numpy as np

        dataset, numbers = take_rider(dataset)
        starts = np.cumsum([0, *(source.rows for source in self.sources)])
        kept = [source.kept + start for source, start in zip(self.sources, starts, strict=False)]
        texts = np.concatenate(kept) if kept else np.arange(len(dataset))
        numbers = texts if numbers is None else numbers
        if len(numbers) != len(dataset):
            return dataset, Origin(np.full(len(dataset), -1))
        textless = np.setdiff1d(np.arange(starts[-1]), texts).tolist()
        files = [file for source in self.sources for file in _counted(source)]
        known = sum(rows for _, rows in files) == starts[-1]
        return dataset, Origin(numbers, files if known else (), textless, self._unread())

    def _unread(self) -> int:
        """Count the lines of JSON Lines files that gave no row."""
        sources = [source for source in self.sources if _is_jsonl(source.files)]
        lines = sum(count_lines(Path(file)) for source in sources for file in source.files)
        return max(0, lines - sum(source.rows for source in sources))


_current: list[Loading] = []


@contextmanager
def recorded_load(*, sampled: bool) -> Iterator[Loading]:
    """Record what Data-Juicer loads."""
    loading = Loading(sampled)
    _current.append(loading)
    try:
        yield loading
    finally:
        _current.remove(loading)


def reading_files(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap ``load_dataset``, to which the loader passes its files by format."""

    def read(*arguments: Any, **settings: Any) -> Any:  # noqa: ANN401 (untyped)
        groups = settings.get("data_files")
        if _current and isinstance(groups, dict):
            _current[-1].files = [str(file) for group in groups.values() for file in group]
        return original(*arguments, **settings)

    return read


def reading_leniently(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the reader that skips broken lines."""

    def read(pairs: Sequence[tuple[str, str]], **settings: Any) -> Any:  # noqa: ANN401 (untyped)
        if _current:
            _current[-1].files = [str(file) for file, _ in pairs]
        return original(pairs, **settings)

    return read


def leaving_out(dataset: Any, leave_out: Callable[[Any], Any] | None) -> Any:  # noqa: ANN401
    """Leave out rows, and record which.

    :param leave_out: returns the dataset without them; ``None`` if there are none
    """
    import numpy as np

    if leave_out is None:
        result, kept = dataset, np.arange(len(dataset))
    else:
        result, rider = take_rider(leave_out(with_rider(dataset)))
        kept = np.arange(len(dataset)) if rider is None else rider
    if not _current:
        return result
    loading = _current[-1]
    start = sum(source.rows for source in loading.sources)
    loading.sources.append(Source(loading.files, len(dataset), kept))
    loading.files = []
    return with_rider(result, kept + start) if loading.sampled else result


def _counted(source: Source) -> list[tuple[str, int]]:
    """Return the files of a source with their numbers of rows; none if these are unknown."""
    files = [str(Path(file).absolute()) for file in source.files]
    if len(files) == 1:
        return [(files[0], source.rows)]
    counts = [_rows_of(Path(file)) for file in files]
    if None in counts:
        return []
    return [(file, count) for file, count in zip(files, counts, strict=True) if count is not None]


def _rows_of(path: Path) -> int | None:
    if _is_jsonl([path.name]):
        return count_lines(path)
    if path.suffix == ".parquet":
        from pyarrow.parquet import read_metadata

        rows: int = read_metadata(path).num_rows
        return rows
    return None


def _is_jsonl(names: Sequence[str]) -> bool:
    return bool(names) and all(name.endswith(SUFFIXES) for name in names)
