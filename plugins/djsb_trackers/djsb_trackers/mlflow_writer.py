"""Writes a run into mlflow: a server, or the folder, of ``MLFLOW_TRACKING_URI``."""

from __future__ import annotations

import os
import re
import time
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from djsb_trackers.messages import Artifact, Start, Value

VARIABLE = "MLFLOW_TRACKING_URI"
NOT_IN_NAMES = re.compile(r"[^\w\-. :/]", re.ASCII)
LONGEST_NAME, LONGEST_TEXT = 250, 5000
AT_ONCE = 100
"""Maximum number of parameters or tags per request to mlflow; for metrics it is 1000."""

STATUSES = {"finished": "FINISHED", "interrupted": "KILLED"}


def create_writer() -> MlflowWriter:
    """Return the writer of this module."""
    return MlflowWriter()


class MlflowWriter:
    """Numbers as metrics (results at step 0), strings and facts as tags, settings as parameters."""

    _client: Any
    _run_id: str

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def start(self, start: Start) -> None:
        """Start a run.

        :raises SystemExit: if ``MLFLOW_TRACKING_URI`` is not set
        """
        if not os.environ.get(VARIABLE):
            raise SystemExit(f"{VARIABLE} is not set: use the URL of a server, or a folder")
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        from mlflow import MlflowClient

        self._client = MlflowClient()
        experiment = self._client.get_experiment_by_name(start.project)
        experiment_id = (
            experiment.experiment_id
            if experiment
            else self._client.create_experiment(start.project)
        )
        self._run_id = self._client.create_run(experiment_id, run_name=start.name).info.run_id
        self.settings(start.settings)

    def values(self, values: Sequence[Value]) -> None:
        """Write numbers in one request, strings in another."""
        from mlflow.entities import Metric

        metrics = [
            Metric(_name(value.name), value.value, int(value.time * 1000), value.step or 0)
            for value in values
            if not isinstance(value.value, str)
        ]
        if metrics:
            self._client.log_batch(self._run_id, metrics=metrics)
        self.facts({value.name: value.value for value in values if isinstance(value.value, str)})

    def facts(self, facts: Mapping[str, float | str]) -> None:
        """Write tags."""
        from mlflow.entities import RunTag

        for batch in _portions(facts.items()):
            tags = [RunTag(_name(name), str(value)[:LONGEST_TEXT]) for name, value in batch]
            self._client.log_batch(self._run_id, tags=tags)

    def settings(self, settings: Mapping[str, Any]) -> None:
        """Write parameters; mlflow does not allow changes, so a new value becomes a tag."""
        from mlflow.entities import Param

        parameters = dict(_flatten(dict(settings), ""))
        new = {name: value for name, value in parameters.items() if name not in self._known}
        self._known |= new
        for batch in _portions(new.items()):
            params = [Param(_name(name), value[:LONGEST_TEXT]) for name, value in batch]
            self._client.log_batch(self._run_id, params=params)
        self.facts(
            {name: value for name, value in parameters.items() if value != self._known[name]}
        )

    def artifact(self, artifact: Artifact) -> None:
        """Store the file under its metric's name and step."""
        if artifact.kind in ("histogram", "image", "video"):
            folder = _name(artifact.name)
            if artifact.step is not None:
                folder += f"/{artifact.step}"
            self._client.log_artifact(self._run_id, artifact.path, folder)

    def end(self, status: str) -> None:
        """End the run."""
        self._client.set_terminated(
            self._run_id, STATUSES.get(status, "FAILED"), int(time.time() * 1000)
        )


def _name(name: str) -> str:
    return NOT_IN_NAMES.sub("_", name)[:LONGEST_NAME]


def _flatten(value: object, name: str) -> Iterator[tuple[str, str]]:
    """Yield each setting with its dotted name."""
    items: Iterable[tuple[object, object]]
    if isinstance(value, dict) and value:
        items = value.items()
    elif isinstance(value, list) and value:
        items = enumerate(value)
    else:
        yield name, str(value)
        return
    for key, item in items:
        yield from _flatten(item, f"{name}.{key}" if name else str(key))


def _portions(items: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(islice(iterator, AT_ONCE)):
        yield batch
