"""A session: resources shared by many runs, opened once and closed together."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from threading import Condition, RLock, local
from typing import TYPE_CHECKING, Any, Self

from djsb.cache.cache import Cache, cache_root
from djsb.config.trackers import trackers_of_run
from djsb.placement.choice import LOCAL, create_placement
from djsb.placement.interrupt import Interrupt, Signals, press
from djsb.placement.pool import ExecutorPool
from djsb.runner.declared_secrets import PlanMasker
from djsb.runner.facts import machine_facts, run_facts
from djsb.runner.options import RunOptions
from djsb.runner.places import Places
from djsb.runner.recorder import RunRecorder
from djsb.runner.run import PlanRun
from djsb.runner.sources import refuse_changed
from djsb.runner.state import RunState
from djsb.store.environment import write_environment
from djsb.store.store import Store
from djsb_core.access import ACCESS, OWNER
from djsb_core.discovery import (
    add_trackers,
    create_listeners,
    load_isolation,
    new_listeners,
    notify,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

    import pluggy

    from djsb.config.schema import ExperimentSchema
    from djsb.planner.planned import Plan
    from djsb.store.records import RunRecord
    from djsb_core.access import Access
    from djsb_core.hookspecs import JobInfo
    from djsb_core.interfaces.isolation import Environments
    from djsb_core.masking import Masker


@dataclass(frozen=True)
class _Records:
    """The store and the cache of one work_dir."""

    store: Store
    cache: Cache

    def close(self) -> None:
        self.store.close()
        self.cache.digests.close()


class Session:
    """Runs plans, sequentially or concurrently, from any thread.

    Later runs reuse what earlier ones started, opened and imported: worker processes, the stores
    and caches of the work_dirs, listeners and trackers.
    """

    def __init__(
        self,
        workers: int = 1,
        listeners: pluggy.PluginManager | None = None,
        *,
        placement: str = LOCAL,
        take_signals: bool | None = None,
    ) -> None:
        """Start nothing yet.

        :param workers: processes that run jobs; 0: jobs run in this process, sequentially
        :param listeners: notified of all runs; by default, those of all installed packages
        :param placement: where jobs run: ``NAME`` or ``NAME:ADDRESS`` of an installed placement
        :param take_signals: whether SIGINT and SIGTERM shut running jobs down cleanly while a
            run or a ``with`` block of the session is in the main thread; ``None``: only if the
            process has no handlers of its own
        :raises RequestError: if there is no such placement, or it cannot be used
        """
        self.workers = workers
        self.listeners = create_listeners() if listeners is None else listeners
        self.placement = create_placement(placement, workers)
        self._pool = ExecutorPool(self.placement)
        running = self._running = set[Interrupt]()
        # No circle of references: what a closed session had is free as soon as it is forgotten.
        self._signals = Signals(lambda: tuple(running), take=take_signals)
        self._changed = Condition(RLock())
        self._notifying = RLock()
        self._in_listener = local()
        self._records: dict[tuple[Path, Path], _Records] = {}
        self._environments: Environments | None = None
        self._block = ExitStack()
        self._closed = False

    # -- using ---------------------------------------------------------------------------------

    def run(
        self, plan: Plan, options: RunOptions | None = None, listeners: Iterable[object] = ()
    ) -> RunRecord:
        """Run every job of a plan that is not in the cache.

        :param listeners: notified of this run only
        :raises RequestError: if the options do not fit the plan or name an unknown sweep, or if
            the code of a component has changed since it was imported; then no job ran
        :raises JobError: if a job fails; the finished jobs are kept
        :raises KeyboardInterrupt: if the user ends the run; likewise
        :raises ValueError: if the session is closed, or if a listener of it asks for the run
        """
        self._refuse_in_listener("run a plan in")
        options = options or RunOptions()
        options.check(plan, self.workers)
        refuse_changed(
            info for job in plan.jobs for info in (job.hook_info, job.component_info) if info
        )
        schema = plan.experiment.schema
        masker = PlanMasker.of_plan(plan)
        notify_listeners = self._notifier(listeners, trackers_of_run(schema.trackers))

        def report(text: str) -> None:
            notify_listeners("djsb_preparing", text=masker.text(text))

        # Signals are handled before the run is recorded, so no run is left without an end.
        with self._signals.listening(), self._active() as interrupt:
            records = self._open(plan.experiment.work_dir, ACCESS[schema.share])
            if options.sweep is not None:
                records.store.sweep(options.sweep)  # raises if there is none
            places = Places(plan, self._pool, interrupt, self._open_isolation, report)
            if options.preflight:
                places.prepare()
            record = records.store.add_run(
                names=_names(schema, masker),
                experiment=plan.experiment.file,
                settings=masker.value(plan.experiment.document.value),
                sweep=options.sweep,
            )
            folder = plan.experiment.folders[0]
            with suppress(OSError):  # on a full disk; nothing needs it
                facts = run_facts(masker, self._machine, folder)
                write_environment(record.folder, facts, records.store.access)
            recorder = RunRecorder(records.store, record, masker, notify_listeners)
            state = RunState(
                plan, options, self.workers, recorder, records.cache, self._pool, places, interrupt
            )
            PlanRun(state).run()
            return records.store.run(record.id)

    def store(self, work_dir: Path) -> Store:
        """Return the store of a work_dir; it stays open until the session is closed."""
        return self._open(work_dir).store

    def interrupt(self) -> None:
        """End the running jobs of all runs, as Ctrl-C does; a second call kills them.

        For processes with their own signal handlers. Each run raises KeyboardInterrupt.
        """
        press(tuple(self._running))

    def cancel(self, job: JobInfo, reason: str) -> bool:
        """End one job while the others continue, from any thread.

        :param job: as passed to listeners
        :param reason: recorded as the job's error
        :returns: whether it was running
        """
        return self._pool.cancel(job.folder, reason)

    def close(self) -> None:
        """End the processes and close the stores; runs in other threads are interrupted.

        :raises ValueError: if a listener of the session asks for it
        """
        if self._closed:
            return
        self._refuse_in_listener("close")
        self._closed = True
        with self._signals.listening():
            self._end_runs()
            self._signals.closing = True
            self._pool.close()
            for records in self._records.values():
                records.close()
            if self._environments is not None:
                self._environments.close()
        self._block.close()

    def __enter__(self) -> Self:
        """Handle signals during the whole block, if this is the main thread."""
        self._block.enter_context(self._signals.listening())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the session."""
        self.close()

    # -- inside --------------------------------------------------------------------------------

    @cached_property
    def _machine(self) -> dict[str, Any]:
        return machine_facts()

    @contextmanager
    def _active(self) -> Iterator[Interrupt]:
        """Register a run to be ended by an interrupt."""
        interrupt = Interrupt()
        with self._changed:
            if self._closed:
                raise ValueError("the session is closed")
            self._running.add(interrupt)
        try:
            yield interrupt
        finally:
            with self._changed:
                self._running.discard(interrupt)
                self._changed.notify_all()

    def _end_runs(self) -> None:
        with self._changed:
            while self._running:
                press(tuple(self._running))
                self._changed.wait(END_SECONDS)

    def _open(self, work_dir: Path, access: Access | None = None) -> _Records:
        """Return the store and the cache of a work_dir, opened if necessary.

        :param access: of what is created; by default, as it was opened before
        """
        work_dir = work_dir.expanduser().absolute()
        root = cache_root(work_dir).absolute()
        with self._changed:
            records = self._records.get((work_dir, root))
            if records is not None and not records.store.is_there():
                records.close()  # the user has removed it
                records = None
            if records is None:
                access = access or OWNER
                records = _Records(Store(work_dir, access=access), Cache(root, access))
                self._records[work_dir, root] = records
            return records

    def _open_isolation(self) -> tuple[Environments, Path]:
        """Return the isolated environments; those in use stay until the session is closed."""
        with self._changed:
            isolation = load_isolation()
            if self._environments is None:
                self._environments = isolation.environments()
            return self._environments, isolation.root()

    def _notifier(
        self, listeners: Iterable[object], trackers: Iterable[str]
    ) -> Callable[..., None]:
        listeners_of_run = add_trackers(new_listeners(listeners), trackers)
        # Concurrent pipelines take turns, and so do runs where they have listeners in common.
        pairs = ((RLock(), listeners_of_run), (self._notifying, self.listeners))

        def notify_listeners(moment: str, **arguments: object) -> None:
            for lock, manager in pairs:
                if not getattr(manager.hook, moment).get_hookimpls():
                    continue
                with lock, self._listening():
                    notify(manager, moment, **arguments)

        return notify_listeners

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Know in which threads listeners are being called."""
        depth = getattr(self._in_listener, "depth", 0)
        self._in_listener.depth = depth + 1
        try:
            yield
        finally:
            self._in_listener.depth = depth

    def _refuse_in_listener(self, what: str) -> None:
        """Refuse what would wait forever for the run whose listener asks for it."""
        if getattr(self._in_listener, "depth", 0):
            raise ValueError(
                f"a listener cannot {what} the session that calls it: "
                "interrupt() and cancel() are possible, and so is another session"
            )


END_SECONDS = 10.0
"""How long an interrupted run may take to end before its jobs are killed."""


def _names(schema: ExperimentSchema, masker: Masker) -> tuple[str, str]:
    return masker.text(schema.project_name), masker.text(schema.experiment_name)
