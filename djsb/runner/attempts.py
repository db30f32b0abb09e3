"""Execute one job in a folder of the cache or of the run, with retries."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from djsb.cache.differences import differences
from djsb.cache.entry import UNUSABLE
from djsb.cache.seal import SealError
from djsb.runner.exports import link_file
from djsb.runner.fingerprint import paths_in
from djsb.runner.sources import changed_module
from djsb_core.errors import JobCancelledError, describe_cause
from djsb_core.job.reports import FILES, LOG
from djsb_core.masking import MASK, secret_keys

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from djsb.cache.seal import Seal
    from djsb.runner.history import History
    from djsb.runner.job import PreparedJob
    from djsb.runner.recorder import JobRecorder
    from djsb.runner.state import RunState
    from djsb_core.interfaces.placement import Cancellation
    from djsb_core.masking import Masker


@dataclass(frozen=True)
class Executed:
    """The result of an execution."""

    outputs: dict[str, Any]
    folder: Path
    """Where the component worked."""
    seconds: float


@dataclass(frozen=True)
class Execution:
    """One job to execute."""

    state: RunState
    prepared: PreparedJob
    history: History
    recorder: JobRecorder
    folder: Path
    """The job's folder in the run."""
    cancellation: Cancellation

    def cached(self) -> Executed:
        """Execute the job in a folder of the cache; the caller holds the lock of its key."""
        cache, prepared = self.state.cache, self.prepared

        def new_folder(_: int) -> Path:
            attempt = cache.begin(prepared.key, prepared.parts, resume=prepared.keeps_folder)
            link_attempt(self.folder, attempt)
            return attempt

        result = self._attempts(new_folder)
        link_file(self.folder / LOG, result.folder / LOG)
        paths = (export.source for export in prepared.exports(result.folder, self.history))
        artifacts = (artifact.path for artifact in self.recorder.artifacts)
        files = {*paths, *artifacts, *paths_in(result.outputs)}
        record, spans = self._record(result), self.state.masker.spans
        cache.commit(
            prepared.key, result.folder, record, sorted(files), lambda path: bool(spans(path))
        )
        return result

    def _changed(self) -> str | None:
        """Tell what of the job's inputs and code has changed since it was prepared."""
        changed = differences(self.prepared.measured, self.prepared.measure())
        if changed:
            return f"changed while it ran: {'; '.join(changed)}"
        if self.state.workers:  # their processes import the code when they need it
            return None
        job = self.prepared.job
        infos = [info for info in (job.hook_info, job.component_info) if info]
        old = next(filter(None, map(changed_module, infos)), None)
        return f"the code of {old} has changed since this process imported it" if old else None

    def uncached(self) -> Executed:
        """Execute the job in the run's own folder."""

        def new_folder(number: int) -> Path:
            same = self.prepared.keeps_folder
            folder = self.folder / (FILES if number == 1 or same else f"{FILES}-{number}")
            self.state.store.access.make_folder(folder, exist_ok=same)
            return folder

        return self._attempts(new_folder)

    def _attempts(self, new_folder: Callable[[int], Path]) -> Executed:
        spec = self.prepared.job.spec
        for number in range(1, spec.retries + 1):
            try:
                return self._attempt(new_folder(number))
            except JobCancelledError:
                raise
            except Exception as error:  # noqa: BLE001 (whatever a component raises)
                attempt = f"attempt {number} of {spec.retries + 1}"
                self._log(f"{attempt} failed: {describe_cause(error)}")
                self.recorder.forget()
        return self._attempt(new_folder(spec.retries + 1))

    def _attempt(self, folder: Path) -> Executed:
        state, log = self.state, self.folder / LOG
        state.store.update_job(self.recorder.job_id, files=folder)
        job, request = self.prepared.job, self.prepared.request(folder, log, self.history)
        for path in request.outputs.values():
            path.parent.mkdir(parents=True, exist_ok=True)
        process = state.places.of(job)
        claim = job.spec.resources.over(state.pool.broker.limit(job.default_resources))
        with state.pool.lease(claim, self.cancellation, state.interrupt, process) as lease:
            variables = lease.allocation.variables(
                job.spec.resources.cpus,
                hide_gpus=state.plan.assigns_gpus or job.spec.resources.gpus == 0,
            )
            started = time.monotonic()
            self.recorder.traced = True  # the executor logs a failure
            outputs = lease.executor.execute(
                replace(request, variables=variables, secrets=tuple(state.masker.secrets)),
                self.recorder,
                job.spec.timeout,
                process,
                self.cancellation,
            )
            self.recorder.traced = False
            return Executed(outputs, folder, time.monotonic() - started)

    def _log(self, text: str) -> None:
        with (self.folder / LOG).open("a", encoding="utf-8") as file:
            file.write(f"\n{self.state.masker.text(text)}\n")

    def _record(self, result: Executed) -> dict[str, Any]:
        info, folder = self.recorder.info, result.folder
        masker, unusable = self.state.masker, self._changed()
        try:
            outputs = sealed(result.outputs, masker, self.state.cache.seal)
        except SealError:
            outputs = masker.value(result.outputs)
            unusable = unusable or "its outputs hold a secret that djsb does not keep"
        if unusable is not None:
            self.recorder.warn(f"this result will not be reused: {unusable}")
        return {
            **vars(info.id),
            "hook": info.hook,
            "component": info.component,
            "run": info.run_id,
            "created": time.time(),
            "seconds": result.seconds,
            "outputs": outputs,
            "points": [[p.name, p.value, p.step, p.seconds] for p in self.recorder.recorded_points],
            "artifacts": [
                [
                    artifact.name,
                    artifact.kind.value,
                    artifact.step,
                    _relative(artifact.path, folder),
                ]
                for artifact in self.recorder.artifacts
            ],
            **({} if unusable is None else {UNUSABLE: masker.text(unusable)}),
        }


def sealed(value: Any, masker: Masker, seal: Seal) -> Any:  # noqa: ANN401 (any output)
    """Replace secrets in an output by marks that a later run of the job can read back.

    Not in paths: they are linked, and must stay valid.

    :raises SealError: if it holds a secret that no later run will know
    """
    if isinstance(value, dict):
        secret = secret_keys(value)
        return {
            _sealed_text(key, masker, seal) if isinstance(key, str) else key: (
                _sealed_secret(item, masker, seal) if key in secret else sealed(item, masker, seal)
            )
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [sealed(item, masker, seal) for item in value]
    if not isinstance(value, str) or any(paths_in(value)):
        return value
    return _sealed_text(value, masker, seal)


def _sealed_text(text: str, masker: Masker, seal: Seal) -> str:
    marked = masker.marked(text, seal.mark)
    if masker.text(marked) != marked:  # a password in an address
        raise SealError
    return marked


def _sealed_secret(value: Any, masker: Masker, seal: Seal) -> Any:  # noqa: ANN401 (any output)
    if value == MASK:
        return value
    if value not in masker.secrets:
        raise SealError
    return seal.mark(value)


def _relative(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def link_attempt(folder: Path, attempt: Path) -> None:
    """Link the folder where a job works into its folder in the run."""
    link, target = folder / FILES, os.path.relpath(attempt, folder)
    with suppress(OSError):  # some file systems have no links; the store records the folder
        try:
            link.symlink_to(target)
        except FileExistsError:
            link.unlink()
            link.symlink_to(target)
