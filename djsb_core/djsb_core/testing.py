"""Contracts that every plugin's tests can inherit: subclass one, set its name and settings."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from copy import deepcopy
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from djsb_core.discovery import find_component, load_component
from djsb_core.environment_rules import EnvironmentRules
from djsb_core.interfaces.component import AnyComponent, Workspace
from djsb_core.interfaces.hook import JobContext
from djsb_core.interfaces.kinds import Kind
from djsb_core.job.watcher import flatten
from djsb_core.metrics import find_metric
from djsb_core.placement_rules import PlacementRules
from djsb_core.text import counted, quoted
from djsb_core.tracker_rules import TrackerRules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from djsb_core.interfaces.dropped import DroppedRows

HEAVY = ("torch", "transformers", "datasets", "data_juicer", "modelscope", "pandas", "ray", "cv2")


class RecordingWatcher:
    """Keeps what a component reports, for assertions."""

    def __init__(self) -> None:
        """Start empty."""
        self.metrics: list[tuple[str, object, int | None]] = []
        self.samples: dict[str, tuple[list[float], list[float] | None]] = {}
        self.histograms: list[tuple[str, list[float], int | None]] = []
        self.media: list[tuple[str, Path, int | None]] = []
        self.dropped: list[DroppedRows] = []

    def watch(self, value: object, name: str, step: int | None = None) -> None:
        """Keep one metric."""
        self.metrics.append((name, value, step))

    def watch_samples(self, values: Any, name: str, weights: Any = None) -> None:  # noqa: ANN401
        """Keep the per-sample values of one metric."""
        self.samples[name] = (list(values), None if weights is None else list(weights))

    def watch_histogram(self, values: Any, name: str, step: int | None = None) -> None:  # noqa: ANN401
        """Keep the values of one distribution."""
        self.histograms.append((name, list(values), step))

    def watch_media(self, path: Path, name: str, step: int | None = None) -> None:
        """Keep one image or video."""
        self.media.append((name, path, step))

    def watch_dropped(self, dropped: DroppedRows) -> None:
        """Keep the report of dropped rows."""
        self.dropped.append(dropped)


class ComponentContract:
    """What every component guarantees. Override ``kind``, ``name`` and the ``settings`` fixture."""

    kind: Kind
    name: str

    @pytest.fixture
    def settings(self, tmp_path: Path) -> dict[str, Any]:  # noqa: ARG002 (overrides use it)
        """Return the smallest valid config; override it if it is not empty."""
        return {}

    @pytest.fixture
    def watcher(self) -> RecordingWatcher:
        """Return the watcher that the component reports to."""
        return RecordingWatcher()

    @pytest.fixture
    def component(
        self, settings: dict[str, Any], tmp_path: Path, watcher: RecordingWatcher
    ) -> AnyComponent:
        """Build the component as the runner does: by name, from the installed package."""
        folder = tmp_path / "job"
        folder.mkdir()
        component = load_component(self.kind, self.name)
        return component(component.config_type(**settings), Workspace(folder, watcher))

    def test_it_is_documented(self, component: AnyComponent) -> None:
        assert type(component).__doc__, f"{type(component).__name__} needs a docstring"

    def test_every_setting_is_described(self, component: AnyComponent) -> None:
        fields = component.config_type.model_fields
        bare = [name for name, field in fields.items() if not field.description]
        assert not bare, f"give Field(…, description=…) to {quoted(bare)}"

    def test_its_settings_have_a_schema(self, component: AnyComponent) -> None:
        assert component.config_type.model_json_schema()["type"] == "object"

    def test_unknown_setting_is_rejected(
        self, component: AnyComponent, settings: dict[str, Any]
    ) -> None:
        with pytest.raises(ValueError, match="no_such_setting"):
            component.config_type.model_validate({**settings, "no_such_setting": 1})

    def test_check_finds_nothing_missing(self, component: AnyComponent) -> None:
        problems = list(component.check())
        assert not problems, f"check() finds, with the fixture 'settings': {quoted(problems)}"

    def test_nothing_is_written_before_it_runs(self, component: AnyComponent) -> None:
        component.check()
        written = [path.name for path in component.workspace.folder.iterdir()]
        assert not written, f"check() or the constructor wrote {quoted(written)}"

    def test_its_module_imports_no_heavy_library(self) -> None:
        """Components are loaded for validation; their backends are imported when they run."""
        module = find_component(self.kind, self.name).target.partition(":")[0]
        code = f"import sys, {module}; print(*sorted(set(sys.modules) & {set(HEAVY)!r}))"
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        process = subprocess.run(  # noqa: S603 (this interpreter, a module of an installed package)
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == 0, process.stderr
        heavy = process.stdout.split()
        assert not heavy, f"{module} imports {quoted(heavy)}: import it in the method that runs"


class HookContract(ComponentContract):
    """What hooks guarantee in addition; override ``metrics``, ``dj_configs`` and ``used``."""

    kind = Kind.HOOK

    @pytest.fixture
    def used(self) -> AnyComponent | None:
        """Return the component that the hook works with, if it uses one."""
        return None

    @pytest.fixture
    def metrics(self) -> dict[str, dict[str, Any]]:
        """Return the metrics of earlier jobs, flat, by their ``meta_name``."""
        return {}

    @pytest.fixture
    def dj_configs(self) -> dict[str, Any]:
        """Return the job's recipe."""
        return {}

    @pytest.fixture
    def context(
        self,
        component: AnyComponent,
        used: AnyComponent | None,
        metrics: dict[str, dict[str, Any]],
        dj_configs: dict[str, Any],
    ) -> JobContext[Any]:
        """Build the context that the runner passes to a hook."""
        return JobContext(
            meta_name="job",
            pipeline="anonymous",
            stage="execution",
            component=used,
            workspace=component.workspace,
            dj_configs=dj_configs,
            query=metrics.__getitem__,
        )

    def test_every_output_has_a_name(
        self, component: AnyComponent, context: JobContext[Any]
    ) -> None:
        outputs = component.run(context)  # type: ignore[attr-defined]
        assert isinstance(outputs, tuple), f"run() returned {outputs!r} instead of a tuple"
        names = list(component.output_names)
        assert len(outputs) == len(names), (
            f"run() returned {counted(len(outputs), 'output')} {outputs!r}, "
            f"but output_names are {names}"
        )


class EvaluatorContract(ComponentContract):
    """What data and model evaluators guarantee in addition."""

    def test_scores_are_named_finite_numbers(self, component: AnyComponent) -> None:
        scores = component.evaluate()  # type: ignore[attr-defined]
        assert scores, "evaluate() returned no scores"
        for name, value in scores.items():
            assert isinstance(name, str), f"the name of a score is {name!r}, which is not a string"
            assert math.isfinite(value), f"the score {name!r} is {value}, which is not finite"

    def test_every_score_is_declared(self, component: AnyComponent) -> None:
        """Undeclared metrics are listed without a meaning: no unit, direction or comparison."""
        scores = component.evaluate()  # type: ignore[attr-defined]
        undeclared = [name for name in scores if find_metric(component.metrics, name) is None]
        assert not undeclared, (
            f"evaluate() returned {quoted(undeclared)}, undeclared: "
            f"add Metric({str(undeclared[0])!r}, …) to {type(component).__name__}.metrics"
        )

    def test_directions_name_scores(self, component: AnyComponent) -> None:
        scores = component.evaluate()  # type: ignore[attr-defined]
        directed = [metric for metric in component.metrics if metric.higher_is_better is not None]
        absent = [metric.name for metric in directed if not any(map(metric.fits, scores))]
        assert not absent, (
            f"{type(component).__name__}.metrics gives a direction to {quoted(absent)}, "
            f"but evaluate() returned only {quoted(scores)}"
        )

    def test_scores_agree_with_their_samples(
        self, component: AnyComponent, watcher: RecordingWatcher
    ) -> None:
        """A score that is also recorded per sample is the (weighted) mean of the samples."""
        scores = component.evaluate()  # type: ignore[attr-defined]
        for name in set(watcher.samples) & set(scores):
            values, weights = watcher.samples[name]
            mean = sum(values) / (len(values) if weights is None else sum(weights))
            assert scores[name] == pytest.approx(mean, rel=1e-4), (
                f"the score {name!r} is {scores[name]}, but the mean of its samples is {mean}"
            )


class ExecutorContract(ComponentContract):
    """What components that produce files guarantee in addition; override ``method``."""

    method = "execute"

    @pytest.fixture
    def produced(self, component: AnyComponent) -> list[Path]:
        """Run the component and return the paths of its results."""
        paths = getattr(component, self.method)()
        return [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]

    def test_its_results_exist(self, produced: list[Path]) -> None:
        assert produced, f"{self.method}() returned no path"
        missing = [path for path in produced if not path.exists()]
        assert not missing, f"{self.method}() returned {quoted(missing)}, not written"

    def test_its_results_are_where_they_belong(
        self, component: AnyComponent, produced: list[Path]
    ) -> None:
        """In the job's own folder, or at a path that the config names for results."""
        places = {component.workspace.folder, *component.writes()}
        outside = [path for path in produced if not places & {path, *path.parents}]
        assert not outside, (
            f"{self.method}() wrote {quoted(outside)}: write into self.workspace.folder, "
            "or mark the setting that names the path as OutputPath"
        )


class TrainerContract(ExecutorContract):
    """What model trainers guarantee in addition."""

    method = "train"

    def test_its_objective_is_reported_step_by_step(
        self, component: AnyComponent, produced: list[Path], watcher: RecordingWatcher
    ) -> None:
        """The objective is the first metric declared with a direction, such as the loss.

        The ``settings`` fixture must train long enough for at least one report.
        """
        directed = [metric for metric in component.metrics if metric.higher_is_better is not None]
        assert directed, "declare the metric that training improves"
        points = [
            (step, item)
            for name, value, step in watcher.metrics
            for key, item in flatten(value, name)
            if directed[0].fits(key)
        ]
        steps = [step for step, _ in points if step is not None]
        name = directed[0].name
        assert produced, "train() returned no path"
        assert points, f"train() never reported {name!r}: watcher.watch(value, {name!r}, step)"
        assert len(steps) == len(points), f"{name!r} was reported without a step"
        assert all(before < after for before, after in pairwise(steps)), (
            f"the steps of {name!r} do not increase: {steps}"
        )
        for _, value in points:
            assert isinstance(value, float), f"{name!r} is {value!r}, which is not a float"
            assert math.isfinite(value), f"{name!r} is {value}, which is not finite"


class AnalyzerContract(ComponentContract):
    """What data analyzers guarantee in addition."""

    def test_its_statistics_are_summaries(self, component: AnyComponent) -> None:
        analysis = component.analyze()  # type: ignore[attr-defined]
        assert analysis.path.exists(), f"{analysis.path} was not written"
        assert analysis.statistics, "analyze() returned no statistics"
        for name, summary in analysis.statistics.items():
            assert math.isfinite(summary["mean"]), f"the mean of {name!r} is {summary['mean']}"
            assert summary["min"] <= summary["mean"] <= summary["max"], (
                f"the mean of {name!r} is not between its minimum and maximum: {dict(summary)}"
            )


class RefinerContract(ComponentContract):
    """What recipe refiners guarantee in addition; override ``recipe`` and ``statistics``."""

    kind = Kind.RECIPE_REFINER

    @pytest.fixture
    def recipe(self) -> dict[str, Any]:
        """Return a recipe that the refiner changes."""
        pytest.fail("override the fixture 'recipe'")

    @pytest.fixture
    def statistics(self) -> dict[str, dict[str, float]]:
        """Return what a probe of the recipe measured."""
        pytest.fail("override the fixture 'statistics'")

    def test_the_given_recipe_stays(
        self, component: AnyComponent, recipe: dict[str, Any], statistics: Mapping[str, Any]
    ) -> None:
        before = deepcopy(recipe)
        component.refine(recipe, statistics)  # type: ignore[attr-defined]
        assert recipe == before, "refine() changed the recipe in place: change a deep copy"

    def test_its_changes_tell_what_it_did(
        self, component: AnyComponent, recipe: dict[str, Any], statistics: Mapping[str, Any]
    ) -> None:
        """Every changed argument is listed with its old and new value, and no other."""
        refined = component.refine(recipe, statistics)  # type: ignore[attr-defined]
        before, after = _list_arguments(recipe), _list_arguments(refined.recipe)
        listed = [
            (change.operator, change.argument, change.old, change.new) for change in refined.changes
        ]
        places = sorted(set(before) | set(after))
        actual = [
            (operator, argument, before.get(place), after.get(place))
            for place in places
            for _, operator, argument in [place]
            if before.get(place) != after.get(place)
        ]
        assert listed, "refine() listed no Change"
        assert sorted(listed, key=repr) == sorted(actual, key=repr), (
            f"the recipe changed by (operator, argument, old, new) {actual}, listed are {listed}"
        )

    def test_its_bounds_name_what_they_bound(
        self, component: AnyComponent, recipe: dict[str, Any], statistics: Mapping[str, Any]
    ) -> None:
        """Each bound names a statistic that the probe measured, and its side."""
        refined = component.refine(recipe, statistics)  # type: ignore[attr-defined]
        bounds = [change for change in refined.changes if change.statistic is not None]
        unknown = [bound.statistic for bound in bounds if bound.statistic not in statistics]
        assert not unknown, f"{quoted(unknown)} is no statistic of {quoted(statistics)}"
        sideless = [bound.argument for bound in bounds if bound.side is None]
        assert not sideless, f"the Change of {quoted(sideless)} has a statistic, but no side"


class ProbeContract(ComponentContract):
    """What general probes guarantee in addition."""

    def test_its_finding_can_be_kept(self, component: AnyComponent) -> None:
        """A job of a later run may use it as input, so it is stored as JSON."""
        result = component.probe()  # type: ignore[attr-defined]
        assert result is not None, "probe() returned None"
        assert json.dumps(result, default=os.fspath)


class EnvironmentContract(EnvironmentRules, ComponentContract):
    """What environment managers guarantee in addition, with ``settings`` that create one."""

    kind = Kind.ENVIRONMENT


class PlacementContract(PlacementRules, ComponentContract):
    """What placements guarantee in addition: small jobs run, fail, and end where they execute."""

    kind = Kind.PLACEMENT


class TrackerContract(TrackerRules, ComponentContract):
    """What trackers guarantee in addition: they show a whole run."""

    kind = Kind.TRACKER


def _list_arguments(recipe: Mapping[str, Any]) -> dict[tuple[int, str, str], Any]:
    """Return every argument of every operator, by place in the recipe, operator and name."""
    return {
        (place, operator, argument): value
        for place, step in enumerate(recipe["process"])
        for operator, arguments in step.items()
        for argument, value in (arguments or {}).items()
    }
