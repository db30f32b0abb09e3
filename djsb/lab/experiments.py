"""Check, plan and run experiments from Python, as the commands do."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from djsb.lab.arguments import names_of, read_source, wrong_type
from djsb.lab.events import ON_PROGRESS, EventListener
from djsb.lab.recorded import Run
from djsb.placement.choice import LOCAL
from djsb.planner.plan import plan as plan_experiment
from djsb.planner.plan import validate as validate_experiment
from djsb.planner.planned import Plan
from djsb.planner.preflight import require
from djsb.runner.options import RunOptions
from djsb.runner.session import Session
from djsb_core.errors import ConfigError, JobError, JobsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from djsb.lab.arguments import Source
    from djsb.lab.events import Event
    from djsb_core.problems import Problem

log = logging.getLogger(__name__)


def validate(experiment: Source, overrides: Mapping[str, Any] | None = None) -> list[Problem]:
    """Return every problem of an experiment, errors first, then warnings; nothing is run.

    :param experiment: a file, a mapping, an :class:`Experiment`, or a :class:`Plan`
    :param overrides: values by the paths that ``--set`` takes
    """
    try:
        source = read_source(experiment, overrides)
        return list(source.warnings) if isinstance(source, Plan) else validate_experiment(source)
    except ConfigError as error:  # the file cannot be read at all
        return list(error.problems)


def plan(experiment: Source, overrides: Mapping[str, Any] | None = None) -> Plan:
    """Load and check every job of an experiment; nothing is run.

    :param experiment: a file, a mapping, an :class:`Experiment`, or a :class:`Plan`
    :param overrides: values by the paths that ``--set`` takes
    :raises ConfigError: with every problem
    """
    source = read_source(experiment, overrides)
    return source if isinstance(source, Plan) else plan_experiment(source)


def run(  # noqa: PLR0913 (one argument per option of the command)
    experiment: Source,
    overrides: Mapping[str, Any] | None = None,
    *,
    workers: int | None = None,
    placement: str | None = None,
    on_progress: Callable[[Event], None] | None = None,
    session: Session | None = None,
    check: bool = True,
    force: bool = False,
    rerun: Iterable[str] = (),
    cache: bool = True,
    keep_going: bool = False,
    preflight: bool = True,
    sweep: str | None = None,
) -> Run:
    """Run an experiment as ``djsb run`` does: with the same checks, cache and errors.

    The other keywords are the options of the command.

    :param experiment: a file, a mapping, an :class:`Experiment`, or a :class:`Plan`
    :param overrides: values by the paths that ``--set`` takes:
        ``{"execution_job_configs.0.extra_configs.train.max_epochs": 1}``
    :param workers: how many jobs run at a time, by default one; 0: jobs run in this process
    :param on_progress: called with each moment of the run, one at a time. If it raises, it is not
        called again, with a warning.
    :param session: one with processes and listeners to reuse; by default one for this run only
    :param check: whether a failed job raises its error; else the run that failed is returned
    :raises TypeError: if an argument is of a wrong type
    :raises RequestError: if something is wrong before the first job; then nothing ran
    :raises JobError: if a job fails; its ``run`` is the run. JobsError, if several pipelines fail
    :raises KeyboardInterrupt: if the user ends the run; finished jobs are kept
    """
    if session is not None and (workers, placement) != (None, None):
        raise ValueError("a session has its own workers and placement; pass them to the session")
    if on_progress is not None and not callable(on_progress):
        raise wrong_type(ON_PROGRESS, on_progress, "a function of one event")
    names = names_of("rerun", rerun)
    planned = plan(experiment, overrides)
    options = RunOptions(force, names, cache, keep_going, preflight, sweep)
    own = nullcontext(session) if session is not None else _session(workers, placement)
    with own as used:
        return _run(planned, options, used, on_progress, check=check)


def _run(
    planned: Plan,
    options: RunOptions,
    session: Session,
    on_progress: Callable[[Event], None] | None,
    *,
    check: bool,
) -> Run:
    listener = EventListener(on_progress)
    _warn(planned.warnings, listener, on_progress)
    if options.preflight:
        _warn(require(planned, session.placement, "preflight=False"), listener, on_progress)
    work_dir = planned.experiment.work_dir
    try:
        return Run(work_dir, session.run(planned, options, [listener]).id)
    except (JobError, JobsError) as error:
        if listener.run_id is None:
            raise
        failed = error.run = Run(work_dir, listener.run_id)
        if check:
            raise
        return failed


def _session(workers: int | None, placement: str | None) -> Session:
    return Session(1 if workers is None else workers, placement=placement or LOCAL)


def _warn(
    texts: Iterable[object], listener: EventListener, on_progress: Callable[[Event], None] | None
) -> None:
    for text in map(str, texts):
        if on_progress is None:
            log.warning(text)
        else:
            listener.warn(text)
