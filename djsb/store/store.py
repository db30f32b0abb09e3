"""Write and read the runs of one work_dir."""

from __future__ import annotations

import os
import threading
import time
import uuid
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb.store.checked import (
    ARTIFACT,
    POINT,
    RUN,
    TARGET,
    check_row,
    object_of,
    point_of,
    undamaged,
)
from djsb.store.database import NAME, open_database
from djsb.store.environment import FILE, read_environment, write_experiment
from djsb.store.locations import Locations, new_folder
from djsb.store.records import JobRecord, RunRecord, SweepRecord, TargetRecord, to_json
from djsb.store.values import column, read_samples, restored, storable
from djsb_core.access import OWNER
from djsb_core.errors import RequestError, suggest
from djsb_core.job.reports import Artifact, ArtifactKind, Point, SampleValues, plain
from djsb_core.text import json_text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from djsb.store.checked import Check
    from djsb_core.access import Access

RUNS = "SELECT runs.*, sweeps.name AS sweep_name FROM runs LEFT JOIN sweeps ON sweep = sweeps.id"
NEWEST_FIRST = "ORDER BY started DESC, runs.id DESC"


class Store:
    """The runs of one work_dir. Safe to use from several threads and processes."""

    def __init__(
        self,
        work_dir: Path,
        *,
        create: bool = True,
        access: Access = OWNER,
        with_inputs: bool = False,
    ) -> None:
        """Open the store.

        :param access: of what is created
        :param with_inputs: whether the reader's own files that a run read may be opened
        :raises RequestError: if it cannot be opened
        """
        self.work_dir = work_dir
        self.access = access
        self._connection = open_database(work_dir, create=create, access=access)
        self._inode = (work_dir / NAME).stat().st_ino
        self._lock = threading.RLock()
        self._locations = Locations(work_dir, self._run_folders, with_inputs=with_inputs)

    def close(self) -> None:
        """Close the database file."""
        self._connection.close()

    def is_there(self) -> bool:
        """Return whether the opened file still exists: a user may remove it."""
        try:
            return (self.work_dir / NAME).stat().st_ino == self._inode
        except OSError:
            return False

    # -- writing -------------------------------------------------------------------------------

    def add_run(
        self,
        *,
        names: tuple[str, str],
        experiment: Path,
        settings: object,
        sweep: str | None = None,
    ) -> RunRecord:
        """Record a new run and create its folder.

        :param names: ``project_name`` and ``experiment_name``
        :param experiment: the file that describes it
        :param settings: the experiment as read
        :param sweep: id of the sweep that it belongs to
        """
        started, settings = time.time(), plain(settings)
        name = time.strftime("%Y%m%d-%H%M%S", time.localtime(started))
        known = {row["id"] for row in self._read("SELECT id FROM runs")}
        folder = new_folder(self.work_dir, name, known, self.access)
        columns = "id, project_name, experiment_name, experiment, settings, folder, started, pid"
        self._write(
            f"INSERT INTO runs ({columns}, sweep, status) "  # noqa: S608
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'running')",
            (
                folder.name,
                *names,
                str(experiment.absolute()),
                json_text(settings),
                str(folder),
                started,
                os.getpid(),
                sweep,
            ),
        )
        write_experiment(folder, settings, self.access)
        return self.run(folder.name)

    def change_settings(self, run_id: str, settings: object) -> None:
        """Update the settings of a run that become known only while it runs."""
        settings = plain(settings)
        self._write("UPDATE runs SET settings = ? WHERE id = ?", (json_text(settings), run_id))
        write_experiment(self.run(run_id).folder, settings, self.access)

    def add_sweep(self, *, name: str | None, project_name: str, config: object) -> SweepRecord:
        """Record a sweep, to which runs can belong.

        :param name: by default, its id
        :param config: its configuration, without secrets
        """
        sweep_id = uuid.uuid4().hex[:8]
        self._write(
            "INSERT INTO sweeps (id, name, project_name, config, created) VALUES (?, ?, ?, ?, ?)",
            (sweep_id, name or sweep_id, project_name, to_json(config), time.time()),
        )
        return self.sweep(sweep_id)

    def end_run(self, run_id: str, status: str, seconds: float, reason: str | None = None) -> None:
        """Record how a run ended: ``finished``, ``failed`` or ``interrupted``, and why."""
        self._write(
            "UPDATE runs SET status = ?, seconds = ?, reason = ? WHERE id = ?",
            (status, seconds, reason, run_id),
        )

    def add_job(
        self,
        run_id: str,
        points: Sequence[Point] = (),
        artifacts: Sequence[Artifact] = (),
        /,
        **values: object,
    ) -> int:
        """Record a job that starts, or a reused one with its points and artifacts.

        :param values: columns of ``jobs``
        """
        columns = {"run_id": run_id, "status": "running", "started": time.time(), **values}
        names = ", ".join(columns)
        marks = ", ".join("?" for _ in columns)
        row = tuple(column(value) for value in columns.values())
        insert = f"INSERT INTO jobs ({names}) VALUES ({marks})"  # noqa: S608
        with self._lock, self._connection:
            job_id = self._connection.execute(insert, row).lastrowid or 0
            self._insert_reports(job_id, points, artifacts)
        return job_id

    def update_job(
        self,
        job_id: int,
        points: Sequence[Point] = (),
        artifacts: Sequence[Artifact] = (),
        /,
        **values: object,
    ) -> None:
        """Change columns of a job and add points and artifacts, in one transaction."""
        changes = ", ".join(f"{name} = ?" for name in values)
        row = tuple(column(value) for value in values.values())
        update = f"UPDATE jobs SET {changes} WHERE id = ?"  # noqa: S608
        with self._lock, self._connection:
            self._connection.execute(update, (*row, job_id))
            self._insert_reports(job_id, points, artifacts)

    def add_points(self, job_id: int, points: Sequence[Point]) -> None:
        """Record values of metrics."""
        with self._lock, self._connection:
            self._insert_reports(job_id, points, ())

    def forget_metrics(self, job_id: int) -> None:
        """Remove the values and samples that a failed attempt of a job recorded."""
        self._write("DELETE FROM metrics WHERE job_id = ?", (job_id,))
        self._write("DELETE FROM artifacts WHERE job_id = ?", (job_id,))

    def add_artifact(self, job_id: int, artifact: Artifact) -> None:
        """Record a job's artifact; it replaces one with the same name, kind and step."""
        key = (job_id, artifact.name, artifact.kind.value, artifact.step)
        with self._lock, self._connection:
            self._connection.execute(
                "DELETE FROM artifacts WHERE job_id = ? AND name = ? AND kind = ? AND step IS ?",
                key,
            )
            self._connection.execute(
                "INSERT INTO artifacts VALUES (?, ?, ?, ?, ?)", (*key, str(artifact.path))
            )

    def add_targets(self, run_id: str, targets: Sequence[TargetRecord]) -> None:
        """Record the results of an iteration's targets."""
        rows = [(run_id, t.iteration, t.target, storable(t.value), t.met) for t in targets]
        with self._lock, self._connection:
            self._connection.executemany("INSERT INTO targets VALUES (?, ?, ?, ?, ?)", rows)

    # -- reading -------------------------------------------------------------------------------

    def runs(self) -> list[RunRecord]:
        """List all runs, newest first."""
        rows = self._read(f"{RUNS} {NEWEST_FIRST}")
        return [self._run(row) for row in rows]

    def run(self, run_id: str) -> RunRecord:
        """Return one run by its id, or by ``last``.

        :raises RequestError: if there is no such run
        """
        if run_id == "last":
            rows = self._read(f"{RUNS} {NEWEST_FIRST} LIMIT 1")
        else:
            rows = self._read(f"{RUNS} WHERE runs.id = ?", (run_id,))
        for row in rows:
            return self._run(row)
        known = [str(row["id"]) for row in self._read(f"{RUNS} {NEWEST_FIRST}")]
        raise RequestError(f"no run '{run_id}' in {self.work_dir}; {suggest(run_id, known)}")

    def sweep(self, sweep_id: str) -> SweepRecord:
        """Return one sweep by its id.

        :raises RequestError: if there is no such sweep
        """
        for row in self._read("SELECT * FROM sweeps WHERE id = ?", (sweep_id,)):
            with undamaged(self.work_dir / NAME):
                return SweepRecord.of(row)
        known = [row["id"] for row in self._read("SELECT id FROM sweeps ORDER BY created")]
        raise RequestError(f"no sweep '{sweep_id}' in {self.work_dir}; {suggest(sweep_id, known)}")

    def jobs(self, run_id: str) -> list[JobRecord]:
        """List the jobs of a run, in order."""
        rows = self._read(
            "SELECT * FROM jobs WHERE run_id = ? ORDER BY iteration, position, id", (run_id,)
        )
        return [self._job(row) for row in rows]

    def last_export(self, named: Path) -> Path | None:
        """Return the source of the latest export to a path."""
        rows = self._read(
            "SELECT exports FROM jobs WHERE instr(exports, ?) ORDER BY id DESC LIMIT 1",
            (json_text(str(named)),),
        )
        for row in rows:
            with undamaged(self.work_dir / NAME):
                exports = object_of(row["exports"], "exports")
            for place, name in exports.items():
                if name == str(named):
                    return Path(place)
        return None

    def targets(self, run_id: str) -> list[TargetRecord]:
        """List the target results of a run's iterations, in order."""
        rows = self._read(
            "SELECT iteration, target, value, met FROM targets WHERE run_id = ? ORDER BY rowid",
            (run_id,),
        )
        return [TargetRecord.of(row) for row in self._checked(rows, TARGET)]

    def points(self, job_id: int, name: str | None = None) -> list[Point]:
        """List the values of a job's metrics (or of one of them), in the order of recording."""
        where = "" if name is None else " AND name = ?"
        parameters = (job_id,) if name is None else (job_id, name)
        columns = "name, value, step, seconds"
        rows = self._read(
            f"SELECT {columns} FROM metrics WHERE job_id = ?{where} ORDER BY rowid",  # noqa: S608
            parameters,
        )
        with undamaged(self.work_dir / NAME):
            return [point_of(row, restored) for row in rows]

    def metrics(self, job_id: int) -> dict[str, float | str]:
        """Return the last value of each of a job's metrics."""
        rows = self._read(
            "SELECT name, value FROM metrics WHERE rowid IN "
            "(SELECT max(rowid) FROM metrics WHERE job_id = ? GROUP BY name) ORDER BY rowid",
            (job_id,),
        )
        return {row["name"]: restored(row["value"]) for row in self._checked(rows, POINT)}

    def results(self, run_id: str) -> dict[int, dict[str, float | str]]:
        """Return the results of all jobs of a run, by job: last values that have no step."""
        rows = self._read(
            "SELECT job_id, name, value FROM metrics WHERE step IS NULL AND rowid IN "
            "(SELECT max(metrics.rowid) FROM metrics JOIN jobs ON jobs.id = job_id "
            "WHERE run_id = ? GROUP BY job_id, name) ORDER BY rowid",
            (run_id,),
        )
        results: dict[int, dict[str, float | str]] = {}
        for row in self._checked(rows, POINT):
            results.setdefault(row["job_id"], {})[row["name"]] = restored(row["value"])
        return results

    def samples(self, job_id: int) -> dict[str, SampleValues]:
        """Return the per-sample values of a job, by metric."""
        rows = self._read(
            "SELECT job_id, name, path FROM artifacts WHERE job_id = ? AND kind = ? ORDER BY rowid",
            (job_id, ArtifactKind.SAMPLES.value),
        )
        found = {name: read_samples(path) for _, name, path in self._files(rows)}
        return {name: samples for name, samples in found.items() if samples is not None}

    def sample_files(self, run_id: str) -> dict[int, dict[str, Path]]:
        """Return where the per-sample values of all jobs of a run are, by job and metric."""
        rows = self._read(
            "SELECT job_id, name, path FROM artifacts JOIN jobs ON jobs.id = job_id "
            "WHERE run_id = ? AND kind = ? ORDER BY artifacts.rowid",
            (run_id, ArtifactKind.SAMPLES.value),
        )
        files: dict[int, dict[str, Path]] = {}
        for job_id, name, path in self._files(rows):
            files.setdefault(job_id, {})[name] = path
        return files

    def artifacts(self, job_id: int) -> list[Artifact]:
        """List the files that a job reported, in the order of recording."""
        rows = self._read(
            "SELECT name, kind, step, path FROM artifacts WHERE job_id = ? ORDER BY rowid",
            (job_id,),
        )
        return [
            Artifact(name, ArtifactKind(kind), step, self._locations.current(path))
            for name, kind, step, path in (row.values() for row in self._checked(rows, ARTIFACT))
        ]

    def environment(self, run: RunRecord) -> dict[str, Any]:
        """Return the recorded facts of a run; empty if there are none."""
        return read_environment(run.folder) if self.readable(run.folder / FILE) else {}

    def readable(self, path: Path, *, is_input: bool = False) -> Path | None:
        """Return a path if it may be opened: a file of this work_dir, or an input as allowed."""
        return self._locations.readable(path, is_input=is_input)

    # -- inside --------------------------------------------------------------------------------

    def _files(self, rows: Iterable[sqlite3.Row]) -> Iterator[tuple[int, str, Path]]:
        """Yield the recorded files that may be opened: job, name and path."""
        for row in self._checked(rows, ARTIFACT):
            path = self.readable(self._locations.current(row["path"]))
            if path is not None:
                yield row["job_id"], row["name"], path

    def _checked(
        self, rows: Iterable[sqlite3.Row], checks: Mapping[str, Check]
    ) -> Iterator[dict[str, Any]]:
        with undamaged(self.work_dir / NAME):
            for row in rows:
                yield check_row(row, checks)

    def _run_folders(self) -> dict[str, str]:
        rows = self._checked(self._read("SELECT id, folder FROM runs"), RUN)
        return {row["id"]: row["folder"] for row in rows}

    def _run(self, row: sqlite3.Row) -> RunRecord:
        with undamaged(self.work_dir / NAME):
            record = RunRecord.of(row)
        return replace(record, folder=self._locations.current(record.folder))

    def _job(self, row: sqlite3.Row) -> JobRecord:
        with undamaged(self.work_dir / NAME):
            record = JobRecord.of(row)
        return self._locations.relocated(record)

    def _insert_reports(
        self, job_id: int, points: Sequence[Point], artifacts: Sequence[Artifact]
    ) -> None:
        self._connection.executemany(
            "INSERT INTO metrics VALUES (?, ?, ?, ?, ?)",
            [(job_id, p.name, p.step, storable(p.value), p.seconds) for p in points],
        )
        self._connection.executemany(
            "INSERT INTO artifacts VALUES (?, ?, ?, ?, ?)",
            [(job_id, a.name, a.kind.value, a.step, str(a.path)) for a in artifacts],
        )

    def _write(self, statement: str, values: tuple[Any, ...]) -> int:
        with self._lock, self._connection:
            return self._connection.execute(statement, values).lastrowid or 0

    def _read(self, statement: str, values: tuple[Any, ...] = ()) -> list[sqlite3.Row]:
        with (
            undamaged(self.work_dir / NAME),
            self._lock,
            closing(self._connection.execute(statement, values)) as cursor,
        ):
            return cursor.fetchall()
