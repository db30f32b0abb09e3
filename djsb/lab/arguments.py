"""Arguments of the Python API: refused with their name, what was given and what would be right."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from djsb.config.document import MAX_BITS, MAX_DEPTH, Document, SourceFile
from djsb.config.experiment import Experiment
from djsb.config.reader import read_experiment
from djsb.planner.planned import Plan
from djsb_core.errors import ConfigError, RequestError
from djsb_core.interfaces.paths import expand_path, path_fault
from djsb_core.job.reports import plain
from djsb_core.problems import Problem

Source: TypeAlias = str | os.PathLike[str] | Mapping[str, Any] | Experiment | Plan

MAPPING = Path("<mapping>")
"""Replaces the file path of an experiment given as a mapping."""


def wrong_type(name: str, value: object, right: str) -> TypeError:
    """Describe an argument of a wrong type."""
    shown = "a value" if isinstance(value, int) and _is_long(value) else repr(value)
    return TypeError(f"{name}: needs {right}, not {shown[:80]}")


def read_source(experiment: Source, overrides: Mapping[str, Any] | None) -> Experiment | Plan:
    """Read an experiment; a plan is returned as it is.

    :raises TypeError: if it is something else
    :raises RequestError: if a plan is to be overridden, or the path can be that of no file
    :raises ConfigError: if the file or an override cannot be read at all
    """
    values = _read_overrides(overrides)
    if isinstance(experiment, Plan):
        if values:
            text = "overrides: a plan is run as it was checked; give them to djsb.plan instead"
            raise RequestError(text)
        return experiment
    if isinstance(experiment, Experiment):
        return read_experiment(experiment.document, values) if values else experiment
    if isinstance(experiment, str | os.PathLike):
        fault = path_fault(os.fspath(experiment))
        if fault is not None:
            raise RequestError(f"experiment: {fault}")
        return read_experiment(expand_path(os.fspath(experiment)), values)
    if not isinstance(experiment, Mapping):
        right = "the path of a file, a mapping, an Experiment or a Plan"
        raise wrong_type("experiment", experiment, right)
    fault = _fault_of(experiment)
    if fault is not None:
        raise ConfigError([Problem(fault, file=MAPPING)])
    return read_experiment(Document(SourceFile(MAPPING), plain(dict(experiment))), values)


def names_of(name: str, value: Iterable[str]) -> frozenset[str]:
    """Return a collection of names.

    :raises TypeError: if it is a single text, or something else
    """
    right = "a collection of job names, such as ['eval']"
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise wrong_type(name, value, right)
    names = frozenset(value)
    for item in names:
        if not isinstance(item, str):
            raise wrong_type(name, item, right)
    return names


def _read_overrides(overrides: Mapping[str, Any] | None) -> dict[str, Any]:
    if overrides is None:
        return {}
    if not isinstance(overrides, Mapping):
        right = "a mapping of paths to values, such as {'work_dir': 'out'}"
        raise wrong_type("overrides", overrides, right)
    faults = {str(path): _fault_of(value) for path, value in overrides.items()}
    problems = [
        Problem(fault, "give a number, a text, a list or a mapping", location=("overrides", path))
        for path, fault in faults.items()
        if fault is not None
    ]
    if problems:
        raise ConfigError(problems)
    return {str(path): plain(value) for path, value in overrides.items()}


def _fault_of(value: object, depth: int = 0) -> str | None:
    """Describe why a value is no plain data, if it is not."""
    if depth > MAX_DEPTH:
        return "a value contains itself or is nested too deeply"
    if isinstance(value, int) and _is_long(value):
        return "a number has too many digits"
    if isinstance(value, Mapping):
        items: Iterable[object] = value.values()
    elif isinstance(value, list | tuple | set | frozenset):
        items = value
    elif (
        value is None
        or isinstance(value, str | int | float | os.PathLike)
        or (hasattr(value, "tolist") and not isinstance(value, type))
    ):
        return None
    else:
        return f"a value of the type {type(value).__name__} is no plain data"
    faults = (_fault_of(item, depth + 1) for item in items)
    return next((fault for fault in faults if fault is not None), None)


def _is_long(value: int) -> bool:
    return value.bit_length() > MAX_BITS
