"""The folder of the trained model, put in place whole."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def replace_folder(work_dir: Path) -> Iterator[Path]:
    """Give a new folder to save into; make it ``work_dir/final`` when all went well.

    ModelScope's ``output`` goes away: for a model of transformers it holds untrained weights.
    """
    partial, final = work_dir / "final.partial", work_dir / "final"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    yield partial
    shutil.rmtree(final, ignore_errors=True)
    partial.rename(final)
    shutil.rmtree(work_dir / "output", ignore_errors=True)
