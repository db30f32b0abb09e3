"""Skips Data-Juicer's passes over all rows that change nothing, and writes rows faster.

It also observes which rows are read and lost.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from djsb_datajuicer.guard import Guard
from djsb_datajuicer.jsonl_writer import write_jsonl
from djsb_datajuicer.loading import leaving_out, reading_files, reading_leniently

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


LOADER = "data_juicer.format.formatter"
NON_EMPTY = "unify_format.<locals>.non_empty_text"


def take_shortcuts(processes: int) -> Iterator[Callable[[], None]]:
    """Install the shortcuts, and yield functions that remove them.

    :param processes: how many may work at a time
    """
    from data_juicer.core.data import NestedDataset
    from data_juicer.core.exporter import Exporter
    from data_juicer.format import formatter, json_formatter, text_formatter

    yield _replace(Exporter, "_ensure_meta_stats_dicts_for_export", _parse_statistics)
    write = partial(write_jsonl, processes=processes)
    yield _replace(Exporter, "_write_jsonl_utf8", lambda _: staticmethod(write))
    yield _replace(NestedDataset, "filter", _filter)
    yield _replace(NestedDataset, "map", _computed)
    for module in (formatter, text_formatter):
        yield _replace(module, "load_dataset", reading_files)
    yield _replace(json_formatter, "dataset_from_lenient_jsonl_files", reading_leniently)


def _replace(owner: Any, name: str, create: Callable[[Any], Any]) -> Callable[[], None]:  # noqa: ANN401
    original = owner.__dict__[name]
    setattr(owner, name, create(getattr(owner, name)))
    return lambda: setattr(owner, name, original)


def _parse_statistics(original: Callable[[Any], Any]) -> Any:  # noqa: ANN401 (a static method)
    """Skip the exporter's pass that parses statistics stored as text, if there are none.

    It takes a second for 20,000 rows.
    """

    def ensure(dataset: Any) -> Any:  # noqa: ANN401 (a Data-Juicer dataset)
        kinds = {getattr(dataset.features[column], "dtype", "") for column in dataset.column_names}
        return original(dataset) if "string" in kinds else dataset

    return staticmethod(ensure)


def _filter(original: Callable[..., Any]) -> Callable[..., Any]:
    """Skip the loader's pass that drops rows without text, if every row has one.

    It takes a second for 20,000 rows, most of it to start worker processes.
    """

    def filtered(dataset: Any, *arguments: Any, **settings: Any) -> Any:  # noqa: ANN401 (untyped)
        if len(arguments) == 1 and _drops_rows_without_text(arguments[0]):
            keys = settings["fn_kwargs"]["target_keys"]
            if all(_has_no_null(dataset, key) for key in keys):
                return leaving_out(dataset, None)
            return leaving_out(dataset, lambda rows: original(rows, *arguments, **settings))
        return original(dataset, *arguments, **_fresh(arguments, settings))

    return filtered


def _computed(original: Callable[..., Any]) -> Callable[..., Any]:
    """Keep ``datasets`` from reusing results of operators without their notes about rows."""

    def computed(dataset: Any, *arguments: Any, **settings: Any) -> Any:  # noqa: ANN401 (untyped)
        return original(dataset, *arguments, **_fresh(arguments, settings))

    return computed


def _fresh(arguments: tuple[Any, ...], settings: dict[str, Any]) -> dict[str, Any]:
    function = arguments[0] if arguments else settings.get("function")
    return {**settings, "load_from_cache_file": False} if isinstance(function, Guard) else settings


def _drops_rows_without_text(function: Any) -> bool:  # noqa: ANN401 (any callable)
    name = getattr(function, "__qualname__", "")
    module = getattr(function, "__module__", "")
    return (module, name) == (LOADER, NON_EMPTY)


def _has_no_null(dataset: Any, column: str) -> bool:  # noqa: ANN401 (a dataset, untyped)
    from datasets import Value

    # In a column of JSON text, `null` is text.
    plain = isinstance(dataset.features[column], Value)
    return plain and dataset.data.column(column).null_count == 0
