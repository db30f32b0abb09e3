"""Measures a dataset with a recipe's operators: the ``data_juicer`` data analyzer."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from djsb_core.api import Analysis, ComponentError, DataAnalyzer, Statistics
from djsb_datajuicer import files
from djsb_datajuicer.filter_pass import FilterPass, can_share_a_pass
from djsb_datajuicer.inputs import load_dataset
from djsb_datajuicer.recipe import RecipeConfig
from djsb_datajuicer.recipe_component import LAYOUT, RecipeComponent
from djsb_datajuicer.session import WORK_FOLDER, create_config, data_juicer
from djsb_datajuicer.stats_column import STATS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

DEFAULT_NAME = "analyzed.jsonl"
META = "__dj__meta__"
NOT_NUMBERS = ("unique", "top", "freq")


class DataJuicerAnalyzer(RecipeComponent, DataAnalyzer[RecipeConfig]):
    """Computes the per-sample statistics of a recipe's operators with Data-Juicer.

    Filters measure and drop nothing, operators that write tags run, and others are left out, as
    in Data-Juicer's own analyzer. The job's folder gets the dataset with its statistics, and the
    statistics alone (``*_stats.jsonl``). How each is distributed is reported.
    """

    samples = replace(LAYOUT, statistics=STATS)

    def analyze(self) -> Analysis:
        """Measure the dataset.

        :raises ComponentError: if it cannot be read, or no operator measures anything
        """
        folder = self.workspace.folder
        folder.mkdir(parents=True, exist_ok=True)
        wanted = self.config.export_path
        path = folder / (wanted.name if wanted else DEFAULT_NAME)
        with data_juicer(folder):
            config = create_config(self.config, path, folder)
            dataset = self._measured(config)
            stats, meta = _rows(dataset, STATS), _rows(dataset, META)
            overall = _overall(stats, meta, config, folder)
            self._export(dataset, config, path)
        for name in overall:
            self.workspace.watcher.watch_histogram(_values(stats or [], meta or [], name), name)
        self._publish(path)
        return Analysis(overall, path if path.exists() else _stats_of(path))

    def _measured(self, config: Any) -> Any:  # noqa: ANN401 (config and dataset, untyped)
        """Load the dataset and let each operator add what it measures."""
        from data_juicer.core.data.dataset_builder import DatasetBuilder
        from data_juicer.ops import NON_STATS_FILTERS, TAGGING_OPS, Filter, load_ops

        dataset = load_dataset(DatasetBuilder(config, executor_type="default"), self.config)
        try:
            operators = load_ops(config.process)
            measuring = [
                one
                for one in operators
                if (isinstance(one, Filter) and one._name not in NON_STATS_FILTERS.modules)  # noqa: SLF001
                or one._name in TAGGING_OPS.modules  # noqa: SLF001
            ]
            for step in _steps(measuring):
                dataset = dataset.process(step, open_monitor=config.open_monitor)
        except ComponentError:
            raise
        except Exception as error:
            said = " ".join(str(error).split())
            raise ComponentError(f"Data-Juicer failed: {type(error).__name__}: {said}") from error
        if not measuring:
            raise ComponentError(
                "the recipe has no operator that measures anything; "
                "add a filter such as text_length_filter to its process list"
            )
        if len(dataset) == 0:
            raise ComponentError("no row is left: an operator fails on every row (see the log)")
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
        """Copy what the recipe wants at a path of its own; the job's folder keeps the originals."""
        wanted = self.config.export_path
        if wanted is None or wanted == path:
            return
        if _stats_of(path).exists():
            files.copy(_stats_of(path), _stats_of(wanted))
        if self.config.export_original_dataset and path.exists():
            files.copy(path, wanted)


def _steps(operators: Sequence[Any]) -> list[Any]:
    """Let consecutive filters that can share a pass be one step."""
    steps: list[Any] = []
    for one in operators:
        if can_share_a_pass(one):
            if steps and isinstance(steps[-1], FilterPass):
                steps[-1] = FilterPass([*steps[-1].filters, one], reduce=False)
            else:
                steps.append(FilterPass([one], reduce=False))
        else:
            if hasattr(one, "compute_stats"):
                # As Data-Juicer's analyzer does: without a process method a filter drops nothing.
                one.process = None
            steps.append(one)
    return steps


def _rows(dataset: Any, column: str) -> list[dict[str, Any]] | None:  # noqa: ANN401 (untyped)
    from datasets import Dataset

    if column not in dataset.features:
        return None
    # All at once: row by row takes ten times as long.
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
    """Sum the statistics up with Data-Juicer's own analysis; texts have no numbers and go."""
    from data_juicer.analysis import OverallAnalysis

    analysis = OverallAnalysis({STATS: stats, META: meta}, str(folder / WORK_FOLDER / "analysis"))
    table = analysis.analyze(percentiles=config.percentiles, num_proc=1, skip_export=True)
    summaries = {str(name): _numbers(table[name].to_dict()) for name in table.columns}
    return {name: summary for name, summary in summaries.items() if "mean" in summary}


def _numbers(summary: Mapping[Any, Any]) -> dict[str, float]:
    return {
        str(name): float(value)
        for name, value in summary.items()
        # The spread of one sample is no number, for instance.
        if name not in NOT_NUMBERS and value is not None and not math.isnan(float(value))
    }


def _values(
    stats: Sequence[Mapping[str, Any]], meta: Sequence[Mapping[str, Any]], name: str
) -> list[float]:
    """Return a statistic of all samples; of lists each member."""
    found = (row[name] for rows in (stats, meta) for row in rows if row.get(name) is not None)
    return [one for value in found for one in (value if isinstance(value, list) else [value])]


def _stats_of(path: Path) -> Path:
    """Name the file of statistics as Data-Juicer names it."""
    return path.with_name(f"{path.stem}_stats.jsonl")
