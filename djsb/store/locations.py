"""Where the files of a work_dir are: it may have been moved, or come from somebody else."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from djsb.store.records import with_places
from djsb_core.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from djsb.store.records import JobRecord
    from djsb_core.access import Access


class Locations:
    """The recorded paths of one work_dir."""

    def __init__(
        self,
        work_dir: Path,
        run_folders: Callable[[], Mapping[str, str]],
        *,
        with_inputs: bool = False,
    ) -> None:
        """Look below a work_dir.

        :param run_folders: returns the recorded folder of each run, by its id
        :param with_inputs: whether the reader's own files that a run read may be opened
        """
        self._with_inputs = with_inputs
        self._work_dir = work_dir
        self._run_folders = run_folders

    @cached_property
    def moved(self) -> dict[str, str]:
        """Former locations of a moved or copied work_dir, mapped to its current one."""
        here = str(self._work_dir.absolute())
        roots = {
            str(Path(folder).parents[1]): run_id for run_id, folder in self._run_folders().items()
        }
        return {
            root: here
            for root, run_id in roots.items()
            if root != here and (self._work_dir / "runs" / run_id).is_dir()
        }

    def current(self, path: str | Path) -> Path:
        """Return a recorded path, adjusted to the work_dir's current location."""
        return Path(with_places(str(path), self.moved))

    def relocated(self, job: JobRecord) -> JobRecord:
        """Return a record with its paths adjusted to the work_dir's current location."""
        if not self.moved:
            return job
        return replace(
            job,
            folder=self.current(job.folder),
            files=self.current(job.files) if job.files else None,
            exports={
                str(self.current(source)): str(self.current(place))
                for source, place in job.exports.items()
            },
            outputs=with_places(job.outputs, self.moved),
        )

    def readable(self, path: Path, *, is_input: bool = False) -> Path | None:
        """Return a recorded path if it may be opened: an existing file of this work_dir.

        A record, or a symbolic link, may name any file of the reader's machine.

        :param is_input: it is named as the input of a job, which may be outside
        """
        try:
            real = Path(os.path.realpath(path))
            is_open = any(real.is_relative_to(root) for root in self._roots)
            if is_input and self._with_inputs and not is_open:
                is_open = real.stat().st_uid == os.geteuid()
            return path if is_open and real.is_file() else None
        except (OSError, ValueError):  # no path at all
            return None

    @cached_property
    def _roots(self) -> tuple[Path, ...]:
        """The real folders of the work_dir and, if the user has moved it, of its cache."""
        moved = os.environ.get("DJSB_CACHE_DIR")
        folders = [self._work_dir, *([Path(moved).expanduser()] if moved else [])]
        return tuple(Path(os.path.realpath(folder)) for folder in folders)


def new_folder(work_dir: Path, name: str, known: Collection[str], access: Access) -> Path:
    """Create the folder of a run, under a name that no other run has.

    :param known: names of recorded runs; the folder of one may be gone
    :raises RequestError: if it cannot be created
    """
    parent = work_dir / "runs"
    try:
        access.make_folder(parent)
        for i in range(1, 1000):
            folder = (parent / (name if i == 1 else f"{name}-{i}")).absolute()
            if folder.name in known:
                continue
            with suppress(FileExistsError):
                access.make_folder(folder, exist_ok=False)
                return folder
    except OSError as error:
        raise RequestError(f"cannot create a folder in {parent}: {error.strerror}") from error
    raise RequestError(f"cannot create a folder in {parent}: too many runs at once")
