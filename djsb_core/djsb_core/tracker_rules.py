"""What every tracker guarantees: the tests that its contract adds to those of a component."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from djsb_core.discovery import new_listeners
from djsb_core.hookspecs import JobInfo
from djsb_core.identity import JobId

if TYPE_CHECKING:
    from pathlib import Path

    from djsb_core.interfaces.component import AnyComponent


class ShownRun(NamedTuple):
    """A run whose events a tracker received, from start to end."""

    id: str
    folder: Path


class TrackerRules:
    """Tests of a tracker, which is the fixture ``component``."""

    @pytest.fixture
    def run(self, component: AnyComponent, tmp_path: Path) -> ShownRun:
        """Send the tracker the events of a run with one job that reports one value."""
        run = ShownRun("20261128-120000-ab12", tmp_path / "run")
        run.folder.mkdir()
        listeners = new_listeners([component])
        listeners.check_pending()
        job_id = JobId("anonymous", "execution", 0, "train")
        job = JobInfo(run.id, job_id, "Hook", None, run.folder)
        settings = {"project_name": "project", "experiment_name": "experiment"}
        hook = listeners.hook
        hook.djsb_run_started(run_id=run.id, settings=settings, folder=run.folder, group=None)
        hook.djsb_job_started(job=job)
        hook.djsb_metric_logged(job=job, name="train.value", value=0.5, step=1, seconds=0.5)
        hook.djsb_job_finished(job=job, outputs={}, seconds=1.0, cached=False)
        hook.djsb_run_finished(run_id=run.id, seconds=1.0)
        return run

    def test_it_hears_a_run(self, component: AnyComponent, run: ShownRun) -> None:
        """It implements existing hookspecs, and shows a whole run without an error."""
        assert run.folder.is_dir()
        moments = [name for name in dir(component) if name.startswith("djsb_")]
        assert "djsb_run_started" in moments
