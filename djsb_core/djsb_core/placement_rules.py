"""What every placement guarantees: the tests that its contract adds to those of a component."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from djsb_core.errors import DjsbError, JobCancelledError
from djsb_core.identity import JobId
from djsb_core.interfaces.placement import Cancellation, NullSink, ProcessSpec
from djsb_core.job.request import JobRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from djsb_core.interfaces.component import AnyComponent
    from djsb_core.interfaces.placement import Executor
    from djsb_core.job.reports import Point

HALF = 0.5
"""The accuracy of one right prediction in two."""


class PlacementRules:
    """Tests of a placement, which is the fixture ``component``."""

    @pytest.fixture
    def executor(self, component: AnyComponent) -> Iterator[Executor]:
        """Return the first of its executors, and close all of them afterwards."""
        executors = component.create_executors()  # type: ignore[attr-defined]
        yield executors[0]
        for executor in executors:
            executor.close()

    @pytest.fixture
    def request_of(self, tmp_path: Path) -> Callable[[str], JobRequest]:
        """Return a function that requests the accuracy of a few predictions."""
        truth = tmp_path / "truth.jsonl"
        truth.write_text('{"label": "a"}\n{"label": "b"}\n')

        def create(predictions: str) -> JobRequest:
            predicted = tmp_path / "predicted.jsonl"
            predicted.write_text(predictions)
            return _accuracy_request(tmp_path, predicted, truth)

        return create

    def test_it_knows_its_resources(self, component: AnyComponent) -> None:
        capacity = component.capacity()  # type: ignore[attr-defined]
        gpus = list(component.gpus())  # type: ignore[attr-defined]
        assert capacity.cpus > 0
        assert capacity.memory > 0
        assert len(set(gpus)) == len(gpus)

    def test_a_job_returns_its_outputs(
        self, executor: Executor, request_of: Callable[[str], JobRequest]
    ) -> None:
        sink, request = RecordingSink(), request_of('{"label": "a"}\n{"label": "a"}\n')
        assert executor.execute(request, sink)["accuracy"] == HALF
        assert {(p.name, p.value) for p in sink.reported} >= {("max_accuracy", HALF)}
        assert request.log.is_file()

    def test_a_job_that_fails_raises(
        self, executor: Executor, request_of: Callable[[str], JobRequest]
    ) -> None:
        """With a message for the user; the executor can still run another job."""
        with pytest.raises(DjsbError, match=r"predicted\.jsonl"):
            executor.execute(request_of('{"other": "a"}\n{"label": "a"}\n'), RecordingSink())
        outputs = executor.execute(request_of('{"label": "a"}\n' * 2), RecordingSink())
        assert outputs["accuracy"] == HALF

    def test_an_inspection_runs_nothing(
        self, executor: Executor, request_of: Callable[[str], JobRequest]
    ) -> None:
        request = request_of('{"other": "a"}\n')
        assert list(executor.inspect(request, ProcessSpec(), whole=True)) == []

    def test_a_cancelled_job_does_not_begin(
        self, executor: Executor, request_of: Callable[[str], JobRequest]
    ) -> None:
        cancellation, sink = Cancellation(), RecordingSink()
        cancellation.cancel("no longer wanted")
        request = request_of('{"label": "a"}\n' * 2)
        with pytest.raises(JobCancelledError, match="no longer wanted"):
            executor.execute(request, sink, None, ProcessSpec(), cancellation)
        assert sink.reported == []

    def test_no_job_begins_after_an_interrupt(
        self, executor: Executor, request_of: Callable[[str], JobRequest]
    ) -> None:
        executor.interrupt()
        with pytest.raises(KeyboardInterrupt):
            executor.execute(request_of('{"label": "a"}\n' * 2), RecordingSink())


class RecordingSink(NullSink):
    """Keeps what a job reports, for assertions."""

    def __init__(self) -> None:
        """Start empty."""
        self.reported: list[Point] = []

    def points(self, points: list[Point]) -> None:
        """Keep the values."""
        self.reported += points


def _accuracy_request(folder: Path, predicted: Path, truth: Path) -> JobRequest:
    return JobRequest(
        hook="EvaluateDataHook",
        component="accuracy",
        dj_configs=None,
        extra_configs={
            "type": "accuracy",
            "predicted_dataset_path": str(predicted),
            "ground_truth_dataset_path": str(truth),
            "predicted_label_key": "label",
            "ground_truth_label_key": "label",
        },
        id=JobId("anonymous", "evaluation", 0, "job"),
        folder=folder,
        log=folder / "log.txt",
        lookup=(folder,),
        outputs={},
        placed={},
        metrics={},
        output_names=("results", "accuracy"),
    )
