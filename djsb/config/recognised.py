"""Recognise files that belong to an experiment but are not one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from djsb.config.schema import ExperimentSchema, JobSchema, StagesSchema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXPERIMENT = frozenset(ExperimentSchema.model_fields)
RECIPE = frozenset({"dataset_path", "export_path", "dataset"})
SWEEP = frozenset({"method", "parameters"})
SHOWN = 5
"""Number of keys shown of a file that is not recognised."""


def recognise(tree: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """Say where a file belongs that has nothing of an experiment: its key, what it is, the remedy.

    ``None`` if it may be an experiment.
    """
    keys = [str(key) for key in tree]
    if any(key in StagesSchema.model_fields or key == "pipelines" for key in keys):
        return None
    if "process" in keys:
        return _recipe("process")
    if "hook" in keys and set(keys) <= set(JobSchema.model_fields):
        remedy = "list its path under execution_job_configs, or another stage, of an experiment"
        return "hook", "this file is one job, not an experiment", remedy
    if set(keys) >= SWEEP:
        text = "this file is a search over settings, not an experiment"
        return "method", text, "its place is the key hpo_config of an experiment"
    return _settings(tree, keys)


def _settings(tree: Mapping[str, Any], keys: Sequence[str]) -> tuple[str, str, str] | None:
    from difflib import get_close_matches

    remedy = _named_by("extra_configs")
    if "type" in keys:
        kind = f"of a component (type: {tree['type']})"
        return "type", f"this file has the settings {kind}, not an experiment", remedy
    for key in keys:
        if key in RECIPE:
            return _recipe(key)
    if not keys or any(key in EXPERIMENT or get_close_matches(key, EXPERIMENT) for key in keys):
        return None
    shown = ", ".join([*keys[:SHOWN], *["…"] * (len(keys) > SHOWN)])
    text = f"not an experiment, none of whose keys it has, but {shown}"
    return keys[0], text, f"if these are settings of a component, {remedy}"


def _recipe(key: str) -> tuple[str, str, str]:
    return key, "this file is a recipe, not an experiment", _named_by("dj_configs")


def _named_by(section: str) -> str:
    return f"name it in a job of an experiment: '{section}: PATH'"
