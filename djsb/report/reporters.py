"""Reports of a run: the formats that packages register, written atomically."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from djsb_core import discovery
from djsb_core.errors import PluginLoadError, RequestError
from djsb_core.whole_files import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from djsb.store.records import RunRecord
    from djsb.store.store import Store

HTML = "html"
"""The default format of a report."""


class Reporter(ABC):
    """Writes the report of a run in one format; registered by name under ``djsb.reporters``."""

    suffix: ClassVar[str]
    """Suffix of its files, such as ``.html``."""

    @abstractmethod
    def render(
        self, store: Store, run: RunRecord, *, against: RunRecord | None = None, note: str = ""
    ) -> str:
        """Return the report of a run.

        :param against: another run of the same store to compare with
        :param note: the author's words, to stand beside the verdict
        :raises RequestError: if a required package is not installed
        """


def load_reporter(name: str = HTML) -> Reporter:
    """Return the reporter of one format.

    :raises UnknownComponentError: if no installed package has it
    :raises PluginLoadError: if its package does not import, or it is not a reporter
    """
    reporter = discovery.load_reporter(name)
    if not (isinstance(reporter, type) and issubclass(reporter, Reporter)):
        raise PluginLoadError(f"reporter '{name}'", f"{reporter!r} is not a Reporter")
    return reporter()


def write_report(  # noqa: PLR0913 (as the options of the command)
    store: Store,
    run: RunRecord,
    *,
    against: RunRecord | None = None,
    note: str = "",
    path: Path | None = None,
    reporter: str = HTML,
) -> Path:
    """Write the report of a run atomically; return its path.

    :param against: another run of the same store to compare with
    :param note: the author's words, to stand beside the verdict
    :param path: output file; default: ``report.html`` in the run's folder
    :param reporter: name of the format
    :raises RequestError: if there is no such reporter, or the file cannot be written
    """
    writer = load_reporter(reporter)
    if path is None:
        path = run.folder / f"report{writer.suffix}"
        if not path.resolve().is_relative_to(store.work_dir.resolve()):
            raise RequestError(f"the run's folder is not in {store.work_dir}; name a file: -o FILE")
    text = writer.render(store, run, against=against, note=note)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, errors="replace") as file:
            file.write(text)
    except OSError as error:
        raise RequestError(
            f"cannot write {path}: {error.strerror}; name another file: -o FILE"
        ) from error
    return path
