"""Plan an experiment: load, bind and check every job before the first one runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from djsb.planner.binding import Binder
from djsb.planner.check import Checker
from djsb.planner.load import Loader
from djsb.planner.needs import find_needs
from djsb.planner.paths import PlannedPaths
from djsb.planner.planned import Plan
from djsb_core.errors import ConfigError
from djsb_core.problems import Problem, Severity, in_order

if TYPE_CHECKING:
    from djsb.config.experiment import Experiment


def plan(experiment: Experiment) -> Plan:
    """Plan an experiment.

    :raises ConfigError: with all problems of the file and of every job
    """
    planned, errors = survey(experiment)
    if errors:
        raise ConfigError([*errors, *planned.warnings])
    return planned


def validate(experiment: Experiment) -> list[Problem]:
    """Return all errors of an experiment, then its warnings."""
    planned, errors = survey(experiment)
    return [*errors, *planned.warnings]


def survey(experiment: Experiment) -> tuple[Plan, list[Problem]]:
    """Plan an experiment; also return its errors.

    If there are any, the plan has only the jobs that could be loaded and is for inspection only.
    """
    paths = PlannedPaths(experiment.folders)
    loader = Loader(experiment, paths)
    loaded = loader.load()
    binder = Binder(experiment, loaded)
    bound = binder.bind()
    targets = binder.bind_targets()
    checker = Checker(experiment, paths)
    jobs = tuple(checker.check_all(bound, loader.without_hook))
    problems = [
        *experiment.problems,
        *loader.problems,
        *binder.problems,
        *checker.problems,
        *loader.check_seeds(),
        *loader.check_trackers(),
    ]
    errors = in_order(problem for problem in problems if problem.severity is Severity.ERROR)
    warnings = in_order(problem for problem in problems if problem.severity is Severity.WARNING)
    needs = find_needs(experiment.pipelines, () if errors else jobs)
    planned = Plan(experiment, jobs, targets, needs, tuple(warnings), frozenset(paths.expected))
    return planned, errors
