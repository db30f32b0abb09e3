"""Measures a dataset with a recipe's operators: the ``data_juicer`` data analyzer."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from djsb_core.api import Analysis, ComponentError, DataAnalyzer, Statistics
from djsb_datajuicer import files
from djsb_datajuicer.filter_pass import FilterPass, can_share_a_pass
from djsb_datajuicer.funnel import LOSSES
from djsb_datajuicer.inputs import load_dataset
from djsb_datajuicer.recipe import RecipeConfig
from djsb_datajuicer.recipe_component import LAYOUT, RecipeComponent
from djsb_datajuicer.session import WORK_FOLDER, create_config, data_juicer
from djsb_datajuicer.stats_column import STATS
from djsb_datajuicer.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from djsb_datajuicer.failures import Notes
    from djsb_datajuicer.ledger import Ledger

DEFAULT_NAME = "analyzed.jsonl"
META = "__dj__meta__"
NOT_NUMBERS = ("unique", "top", "freq")


class DataJuicerAnalyzer(RecipeComponent, DataAnalyzer[RecipeConfig]):
    """Computes the per-sample statistics of a recipe's operators with Data-Juicer.

    As in Data-Juicer's own analyzer, filters compute statistics but drop nothing, operators that
    write tags run, and others are skipped. The dataset with its statistics, and the statistics
    alone (``*_stats.jsonl``), are written to the job's folder. The distribution of each statistic
    is reported.
    """

    metrics = (*LOSSES, *DataAnalyzer.metrics)
    samples = replace(LAYOUT, statistics=STATS)

    def analyze(self) -> Analysis:
        """Measure the dataset.

        :raises ComponentError: if it cannot be read, or no operator computes statistics
        """
        folder = self.workspace.folder
        folder.mkdir(parents=True, exist_ok=True)
        export_path = self.config.export_path
        path = folder / (export_path.name if export_path else DEFAULT_NAME)
        with data_juicer(folder, self.config.np):
            config = create_config(self.config, path, folder)
            dataset = self._measure(config)
            stats, meta = _rows(dataset, STATS), _rows(dataset, META)
            overall = _overall(stats, meta, config, folder)
            self._export(dataset, config, path)
        for name in overall:
            self.workspace.watcher.watch_histogram(_values(stats or [], meta or [], name), name)
        self._publish(path)
        return Analysis(overall, path if path.exists() else _stats_of(path))

    def _measure(self, config: Any) -> Any:  # noqa: ANN401 (config and dataset, untyped)
        """Load the dataset and let each operator add its statistics."""
        from data_juicer.core.data.dataset_builder import DatasetBuilder
        from data_juicer.ops import load_ops

        builder = DatasetBuilder(config, executor_type="default")
        dataset, origin = load_dataset(builder, self.config)
        try:
            operators = load_ops(config.process)
            measuring = list(filter(_measures, operators))
            with self.accounting(origin) as (ledger, notes):
                for step in _steps(measuring, ledger, notes):
                    dataset = dataset.process(step, open_monitor=config.open_monitor)
            self.workspace.watcher.watch(ledger.losses(), "")
        except ComponentError:
            raise
        except Exception as error:
            message = " ".join(str(error).split())
            raise ComponentError(
                f"Data-Juicer failed: {type(error).__name__}: {message}"
            ) from error
        if not measuring:
            raise ComponentError(
                "the recipe has no operator that computes statistics; "
                "add a filter such as text_length_filter to its process list"
            )
        if len(dataset) == 0:
            raise ComponentError("no row remains: an operator fails on every row (see the log)")
        return dataset

    def _export(self, dataset: Any, config: Any, path: Path) -> None:  # noqa: ANN401 (untyped)
        from data_juicer.core.exporter import Exporter

        whole = self.config.export_original_dataset is not False
        exporter = Exporter(
            str(path),
            config.export_type,
            config.export_shard_size,
            config.export_in_parallel,
            config.np,
            export_ds=whole,
            keep_stats_in_res_ds=whole,
            export_stats=True,
        )
        exporter.export(dataset)

    def _publish(self, path: Path) -> None:
        """Copy the results to the recipe's export path; the job's folder keeps the originals."""
        target = self.config.export_path
        if target is None or target == path:
            return
        if _stats_of(path).exists():
            files.copy(_stats_of(path), _stats_of(target))
        if self.config.export_original_dataset and path.exists():
            files.copy(path, target)


def _measures(operator: Any) -> bool:  # noqa: ANN401 (untyped)
    """Tell whether an operator adds statistics or tags to samples."""
    from data_juicer.ops import NON_STATS_FILTERS, TAGGING_OPS, Filter

    name = operator._name  # noqa: SLF001
    measuring = isinstance(operator, Filter) and name not in NON_STATS_FILTERS.modules
    return measuring or name in TAGGING_OPS.modules


def _steps(operators: Sequence[Any], ledger: Ledger, notes: Notes) -> Iterator[Any]:
    """Yield the operators, merging consecutive filters that can share a pass."""
    for together, group in groupby(operators, can_share_a_pass):
        if together:
            yield FilterPass(list(group), ledger, notes, reduce=False)
            continue
        for operator in group:
            if hasattr(operator, "compute_stats"):
                # As in Data-Juicer's analyzer: without a process method a filter drops nothing.
                operator.process = None
            yield Watched(operator, ledger, notes)


def _rows(dataset: Any, column: str) -> list[dict[str, Any]] | None:  # noqa: ANN401 (untyped)
    from datasets import Dataset

    if column not in dataset.features:
        return None
    # All rows at once: one at a time takes ten times as long.
    rows: list[dict[str, Any]] = Dataset.__getitem__(dataset.select_columns([column]), slice(None))[
        column
    ]
    return rows


def _overall(
    stats: list[dict[str, Any]] | None,
    meta: list[dict[str, Any]] | None,
    config: Any,  # noqa: ANN401 (Data-Juicer's own config)
    folder: Path,
) -> Statistics:
    """Summarize the statistics with Data-Juicer's own analysis; non-numeric ones are left out."""
    from data_juicer.analysis import OverallAnalysis

    analysis = OverallAnalysis({STATS: stats, META: meta}, str(folder / WORK_FOLDER / "analysis"))
    table = analysis.analyze(percentiles=config.percentiles, num_proc=1, skip_export=True)
    summaries = {str(name): _numbers(table[name].to_dict()) for name in table.columns}
    return {name: summary for name, summary in summaries.items() if "mean" in summary}


def _numbers(summary: Mapping[Any, Any]) -> dict[str, float]:
    return {
        str(name): float(value)
        for name, value in summary.items()
        # For instance, the standard deviation of one sample is not a number.
        if name not in NOT_NUMBERS and value is not None and not math.isnan(float(value))
    }


def _values(
    stats: Sequence[Mapping[str, Any]], meta: Sequence[Mapping[str, Any]], name: str
) -> list[float]:
    """Return the values of a statistic over all samples, with lists flattened."""
    values = (row[name] for rows in (stats, meta) for row in rows if row.get(name) is not None)
    return [
        number for value in values for number in (value if isinstance(value, list) else [value])
    ]


def _stats_of(path: Path) -> Path:
    """Return the path of the statistics file, named as by Data-Juicer."""
    return path.with_name(f"{path.stem}_stats.jsonl")
