"""Use Data-Juicer in this process without lasting side effects.

Data-Juicer expects its own process. It changes process-wide settings, and installs missing
packages while it runs. :func:`data_juicer` restores the settings, and permanently disables such
installations in this process: a missing package is an error that names it.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
from contextlib import ExitStack, contextmanager, redirect_stderr
from typing import TYPE_CHECKING, Any

from djsb_core.api import ComponentError
from djsb_datajuicer.native_config import read_config
from djsb_datajuicer.shortcuts import take_shortcuts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from djsb_datajuicer.recipe import RecipeConfig

REFUSED = "missing_packages.txt"
WORK_FOLDER = "data_juicer"
CACHES = "caches"
"""Folder of what libraries cache while the job runs."""
SPECIAL_TOKENS = ("image", "audio", "video", "eoc")


class _Refusals:
    """The file with packages that Data-Juicer tried to install, shared with worker processes."""

    file: Path | None = None


@contextmanager
def data_juicer(folder: Path, processes: int | None = None) -> Iterator[None]:
    """Use Data-Juicer, and restore the process-wide settings that it changes.

    :param folder: the job's folder
    :param processes: how many write its results at most; by default, one per CPU
    :raises ComponentError: if Data-Juicer needs a package that is not installed
    """
    _Refusals.file = folder / REFUSED
    _Refusals.file.unlink(missing_ok=True)
    _switch_off_installs()
    with ExitStack() as after:
        for put_back in _put_back(processes or _cpus()):
            after.callback(put_back)
        after.callback(shutil.rmtree, folder / CACHES, ignore_errors=True)
        _keep_caches_in(folder / CACHES)
        _quieten()
        try:
            yield
        except Exception as error:
            check_refusals(error)
            raise
        check_refusals()


def check_refusals(cause: BaseException | None = None) -> None:
    """Report the packages that Data-Juicer tried to install since the session started.

    :raises ComponentError: if there are any
    """
    file = _Refusals.file
    if file is not None and file.exists():
        packages = " ".join(dict.fromkeys(file.read_text(encoding="utf-8").split("\n")[:-1]))
        raise ComponentError(
            f"Data-Juicer needs packages that are not installed; run: pip install {packages}"
        ) from cause


def create_config(recipe: RecipeConfig, export_path: Path, folder: Path) -> Any:  # noqa: ANN401
    """Build Data-Juicer's own config (a ``jsonargparse.Namespace``) from a recipe.

    :param recipe: the recipe
    :param export_path: where Data-Juicer writes, instead of the recipe's own path
    :param folder: the job's folder, which also receives Data-Juicer's logs
    :raises ComponentError: if Data-Juicer rejects the recipe
    """
    settings = {"work_dir": str(folder / WORK_FOLDER), **recipe.settings()}
    settings["export_path"] = str(export_path)
    settings["custom_operator_paths"] = _not_loaded(recipe.custom_operator_paths)
    stderr = io.StringIO()
    try:
        # Data-Juicer's parser prints its errors and exits.
        with redirect_stderr(stderr):
            return read_config(_without_empty(settings))
    except SystemExit as error:
        reason = " ".join(stderr.getvalue().split()).rpartition("error: ")[2]
        raise ComponentError(f"Data-Juicer rejects the recipe: {reason}") from error
    except (ValueError, TypeError, RuntimeError, NotImplementedError) as error:
        raise ComponentError(f"Data-Juicer rejects the recipe: {error}") from error


def _without_empty(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value not in (None, [])}


def _not_loaded(paths: list[Path]) -> list[str]:
    """Leave out custom operators already loaded in this process: loading twice is an error."""
    loaded = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    packages = {getattr(module, "__loaded_from__", None) for module in list(sys.modules.values())}
    return [str(path) for path in paths if str(path) not in loaded | packages]


def _switch_off_installs() -> None:
    """Replace the one method of Data-Juicer that installs packages; it has no setting for that."""
    from data_juicer.utils.lazy_loader import LazyLoader

    LazyLoader._install_package = staticmethod(_refuse)  # noqa: SLF001


def _refuse(package: str, _pip_args: object = None) -> None:
    if _Refusals.file is not None:
        with _Refusals.file.open("a", encoding="utf-8") as file:
            file.write(package + "\n")
    raise ImportError(f"{package} is not installed; run: pip install {package}")


def _cpus() -> int:
    """Return the number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _keep_caches_in(folder: Path) -> None:
    """Let Hugging Face datasets write its caches here: they can be larger than the data.

    A recipe's own ``ds_cache_dir`` takes precedence.
    """
    from data_juicer.config.config import update_ds_cache_dir_and_related_vars

    update_ds_cache_dir_and_related_vars(str(folder))


def _quieten() -> None:
    from datasets import disable_progress_bars

    disable_progress_bars()


def _put_back(processes: int) -> Iterator[Callable[[], None]]:
    """Yield functions that restore each setting to its current value."""
    import datasets
    from data_juicer.utils import cache_utils
    from data_juicer.utils.constant import RAY_JOB_ENV_VAR
    from data_juicer.utils.mm_utils import SpecialTokens

    yield _environment(RAY_JOB_ENV_VAR)
    yield _caching(datasets)
    yield _attribute(tempfile, "tempdir")
    yield _attribute(cache_utils, "CACHE_COMPRESS")
    for name in SPECIAL_TOKENS:
        yield _attribute(SpecialTokens, name)
    for name in dir(datasets.config):
        if name.endswith(("_PATH", "DATASETS_CACHE")):
            yield _attribute(datasets.config, name)
    yield from take_shortcuts(processes)


def _attribute(owner: object, name: str) -> Callable[[], None]:
    value = getattr(owner, name)
    return lambda: setattr(owner, name, value)


def _environment(name: str) -> Callable[[], None]:
    value = os.environ.get(name)

    def put_back() -> None:
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value

    return put_back


def _caching(datasets: Any) -> Callable[[], None]:  # noqa: ANN401 (a module without types)
    enabled = datasets.is_caching_enabled()
    bars = datasets.are_progress_bars_disabled()

    def put_back() -> None:
        (datasets.enable_caching if enabled else datasets.disable_caching)()
        (datasets.disable_progress_bars if bars else datasets.enable_progress_bars)()

    return put_back
