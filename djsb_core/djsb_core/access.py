"""Who may read and write what djsb records: its owner, or the owner's group too."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Access:
    """The permissions of new files and folders, whatever the umask of the process is."""

    file: int
    folder: int

    def make_file(self, path: Path) -> None:
        """Create an empty file, unless there is one."""
        with suppress(FileExistsError):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, self.file)
            try:
                os.fchmod(descriptor, self.file)
            finally:
                os.close(descriptor)

    def make_folder(self, path: Path, *, exist_ok: bool = True) -> None:
        """Create a folder and those that it is in.

        :param exist_ok: whether it may be there already
        :raises FileExistsError: if it may not, or is a file
        """
        try:
            path.mkdir(self.folder)
        except FileNotFoundError:
            if path.parent == path:
                raise
            self.make_folder(path.parent)
            self.make_folder(path, exist_ok=exist_ok)
        except FileExistsError:
            if not (exist_ok and path.is_dir()):
                raise
        else:
            with suppress(OSError):  # a file system without permissions
                path.chmod(self.folder)

    def widen(self, path: Path) -> None:
        """Extend the permissions of an existing file or folder to these; never reduce them.

        What belongs to somebody else stays as it is.
        """
        with suppress(OSError):
            mode = path.stat().st_mode
            wanted = mode | (self.folder if stat.S_ISDIR(mode) else self.file)
            if stat.S_IMODE(wanted) != stat.S_IMODE(mode):
                path.chmod(stat.S_IMODE(wanted))


OWNER, GROUP = Access(0o600, 0o700), Access(0o660, 0o770)
ACCESS = {"owner": OWNER, "group": GROUP}
"""By what ``share`` says in the experiment."""
