"""Runs a Data-Juicer recipe: the ``data_juicer`` data executor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from djsb_core.api import ComponentError, DataExecutor
from djsb_datajuicer.files import publish
from djsb_datajuicer.funnel import METRICS, Funnel, watch_rows
from djsb_datajuicer.inputs import check_not_empty, count_rows, explain, load_dataset
from djsb_datajuicer.ledger import Origin
from djsb_datajuicer.recipe import RecipeConfig
from djsb_datajuicer.recipe_component import LAYOUT, RecipeComponent
from djsb_datajuicer.session import create_config, data_juicer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

STAGED = "export"
DEFAULT_NAME = "processed.jsonl"


class DataJuicerExecutor(RecipeComponent, DataExecutor[RecipeConfig]):
    """Processes a dataset with Data-Juicer; the config is the recipe.

    Reports ``rows_in``, ``rows_kept``, ``kept_ratio`` and the rows that remain after each
    operator: ``after.<operator>``. Of a batch that an operator fails on, only the failing rows are
    left out; they are listed and counted: ``rows_failed``.
    """

    metrics = METRICS
    samples = LAYOUT

    def execute(self) -> Path | Sequence[Path]:
        """Process the dataset; the result is moved into place when it is complete.

        :return: the result, or its parts if the recipe requests shards
        :raises ComponentError: if the dataset cannot be read, no row remains, or an operator
            fails
        """
        folder = self.workspace.folder
        staged = folder / STAGED
        staged.mkdir(parents=True, exist_ok=True)
        target = self.config.export_path or folder / DEFAULT_NAME
        check_not_empty(self.config)
        with data_juicer(folder, self.config.np):
            config = create_config(self.config, staged / target.name, folder)
            local = self.config.executor_type == "default"
            metrics = self._run_here(config) if local else self._run_on_ray(config)
        self.workspace.watcher.watch(metrics, "")
        paths = publish(staged, target.parent)
        stats = f"{target.stem}_stats"
        parts = sorted(path for path in paths if path.stem != stats)
        return target if target in parts else parts

    def _run_here(self, config: Any) -> Mapping[str, float]:  # noqa: ANN401 (Data-Juicer's own config)
        from data_juicer.core.executor.default_executor import DefaultExecutor

        funnel = Funnel()
        executor = _guarded(lambda: DefaultExecutor(config))
        dataset, origin = self._load(executor)
        with self.accounting(origin) as (ledger, notes):
            dataset = watch_rows(dataset, ledger, funnel, notes)
            _guarded(lambda: executor.run(dataset=dataset, skip_return=True))
        return {**funnel.metrics(), **ledger.losses()}

    def _load(self, executor: Any) -> tuple[Any, Origin]:  # noqa: ANN401 (Data-Juicer's own)
        """Read the dataset, or what a checkpoint of Data-Juicer holds of it."""
        import numpy as np

        manager = executor.ckpt_manager
        if manager is None or not manager.ckpt_available:
            return load_dataset(executor.dataset_builder, self.config)
        dataset = _guarded(manager.load_ckpt)
        return dataset, Origin(np.full(len(dataset), -1))

    def _run_on_ray(self, config: Any) -> Mapping[str, float]:  # noqa: ANN401 (Data-Juicer's own config)
        import ray
        from data_juicer.core.executor import ExecutorFactory

        funnel = Funnel()
        starts_ray = not ray.is_initialized()
        try:
            executor = ExecutorFactory.create_executor(config.executor_type)(config)
            result = executor.run()
            rows = result.count()
        except ComponentError:
            raise
        except Exception as error:
            raise ComponentError(explain(self.config, error)) from error
        finally:
            if starts_ray and ray.is_initialized():
                ray.shutdown()
        funnel.rows_in = count_rows(self.config) or rows
        funnel.add("recipe", rows)
        return funnel.metrics()


def _guarded(step: Any) -> Any:  # noqa: ANN401 (a step of Data-Juicer, untyped)
    """Run a step of Data-Juicer, and convert its exceptions to a one-line error."""
    try:
        return step()
    except ComponentError:
        raise
    except Exception as error:
        message = " ".join(str(error).split())
        raise ComponentError(f"Data-Juicer failed: {type(error).__name__}: {message}") from error
