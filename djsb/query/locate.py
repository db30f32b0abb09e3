"""Find the store that a command refers to."""

from __future__ import annotations

import os
from pathlib import Path

from djsb.store.database import NAME
from djsb.store.store import Store
from djsb_core.errors import RequestError
from djsb_core.interfaces.paths import expand_path, expansion_fault, path_fault

DEFAULT = "sandbox.yaml"


def open_store(where: Path | None, *, with_inputs: bool = False) -> Store:
    """Open the store of a work_dir, or of the work_dir that an experiment file names.

    :param where: a folder or a file; ``None``: ``sandbox.yaml`` in the current folder
    :param with_inputs: whether the reader's own files that a run read may be opened
    :raises RequestError: if there is no store
    """
    return Store(_find(where), create=False, with_inputs=with_inputs)


def _find(where: Path | None) -> Path:
    if where is None:
        return _find_here()
    fault = expansion_fault(str(where))
    if fault is not None:
        raise RequestError(f"{where}: {fault}")
    where = expand_path(where)
    if not where.exists():
        raise RequestError(f"no such experiment file or work_dir: '{where}'")
    return where if where.is_dir() else _work_dir_of(where)


def _find_here() -> Path:
    here = Path.cwd()
    if (here / NAME).is_file():
        return here
    if (here / DEFAULT).is_file():
        return _work_dir_of(here / DEFAULT)
    raise RequestError(f"no {DEFAULT} here; name an experiment file or a work_dir")


def _work_dir_of(experiment: Path) -> Path:
    from djsb.config.document import read_document
    from djsb.config.schema import ExperimentSchema

    value = read_document(experiment).value
    default = ExperimentSchema.model_fields["work_dir"].default
    work_dir = value.get("work_dir", default) if isinstance(value, dict) else None
    if not isinstance(work_dir, str):
        raise RequestError(f"{experiment}: has no work_dir")
    fault = path_fault(work_dir)
    if fault is not None:
        raise RequestError(f"{experiment}: work_dir: {fault}")
    place = expand_path(work_dir)
    beside = Path(os.path.realpath(experiment)).parent / place  # where it was run there
    return beside if (beside / NAME).is_file() and not (place / NAME).is_file() else place
