"""The folder of the trained model, replaced atomically."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def replace_folder(work_dir: Path) -> Iterator[Path]:
    """Yield a new folder to save into; it becomes ``work_dir/final`` on success.

    ModelScope's ``output`` is removed: for a transformers model it contains untrained weights.
    """
    partial, final, old = (work_dir / name for name in ("final.partial", "final", "final.old"))
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    # Renamed, not emptied: an interruption leaves a complete folder or none.
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        final.rename(old)
    partial.rename(final)
    for stale in (old, work_dir / "output"):
        shutil.rmtree(stale, ignore_errors=True)
