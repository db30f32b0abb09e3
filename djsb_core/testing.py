"""Contracts that every plugin's tests can inherit: subclass one, give its name and a config."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from djsb_core.discovery import load_component
from djsb_core.interfaces.component import AnyComponent, Workspace
from djsb_core.interfaces.kinds import Kind


class RecordingWatcher:
    """Keeps what a component reports, for assertions."""

    def __init__(self) -> None:
        """Start empty."""
        self.metrics: list[tuple[str, object, int | None]] = []
        self.samples: dict[str, tuple[list[float], list[float] | None]] = {}

    def watch(self, value: object, name: str, step: int | None = None) -> None:
        """Keep one metric."""
        self.metrics.append((name, value, step))

    def watch_samples(self, values: Any, name: str, weights: Any = None) -> None:  # noqa: ANN401
        """Keep the per-sample values of one metric."""
        self.samples[name] = (list(values), None if weights is None else list(weights))


class ComponentContract:
    """What every component keeps. Override ``kind``, ``name`` and the ``settings`` fixture."""

    kind: Kind
    name: str

    @pytest.fixture
    def settings(self, tmp_path: Path) -> dict[str, Any]:
        """Return a smallest config that works; override it where one is needed."""
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
        assert type(component).__doc__

    def test_unknown_setting_is_rejected(
        self, component: AnyComponent, settings: dict[str, Any]
    ) -> None:
        with pytest.raises(ValueError, match="no_such_setting"):
            component.config_type.model_validate({**settings, "no_such_setting": 1})

    def test_check_finds_nothing_missing(self, component: AnyComponent) -> None:
        assert list(component.check()) == []


class EvaluatorContract(ComponentContract):
    """What data and model evaluators keep besides."""

    def test_scores_are_named_finite_numbers(self, component: AnyComponent) -> None:
        scores = component.evaluate()  # type: ignore[attr-defined]
        assert scores
        assert all(isinstance(name, str) and math.isfinite(scores[name]) for name in scores)

    def test_directions_name_scores(self, component: AnyComponent) -> None:
        scores = component.evaluate()  # type: ignore[attr-defined]
        assert set(component.higher_is_better) <= set(scores)


class ExecutorContract(ComponentContract):
    """What components that produce files keep besides; override ``method``."""

    method = "execute"

    def test_its_results_exist(self, component: AnyComponent) -> None:
        produced = getattr(component, self.method)()
        paths = [produced] if isinstance(produced, str | Path) else list(produced)
        assert paths
        assert all(Path(path).exists() for path in paths)
