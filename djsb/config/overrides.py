"""Overrides of the command line: ``--set execution_job_configs.0.extra_configs.lr=3e-4``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from djsb.config.document import parse_value
from djsb.config.dotted import get_value, set_value, split_path
from djsb.config.schema import Stage
from djsb_core.errors import ConfigError
from djsb_core.interfaces.hook import Section
from djsb_core.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence


FORM = "write --set key.0.key=VALUE"


def apply_override(tree: Any, text: str) -> Problem | None:  # noqa: ANN401 (any tree)
    """Change a value of the experiment, in place.

    Settings that stand in a file of their own are left alone: the job gets a ``local`` override.

    :param text: ``key.0.key=VALUE``
    :returns: what is wrong with the override, if anything is
    """
    path, sign, value_text = text.partition("=")
    location = (f"--set {text}",)
    if not sign or not path:
        return Problem(FORM, location=location)
    try:
        _set(tree, split_path(path), parse_value(value_text))
    except KeyError as missing:
        return Problem(f"no '{missing.args[0]}' there", FORM, location=location)
    except (yaml.YAMLError, ConfigError):
        return Problem("the value is not YAML", location=location)
    return None


def set_override(tree: Any, path: str, value: object) -> Problem | None:  # noqa: ANN401 (any tree)
    """Change a value of the experiment, in place; see :func:`apply_override`.

    :param path: ``key.0.key``
    :returns: what is wrong with the override, if anything is
    """
    try:
        _set(tree, split_path(path), value)
    except KeyError as missing:
        text = f"no '{missing.args[0]}' there"
        return Problem(text, "write key.0.key", location=("overrides", path))
    return None


def _set(tree: Any, parts: Sequence[str], value: object) -> None:  # noqa: ANN401
    cut = _section_of_a_job(parts)
    if cut is not None:
        job = get_value(tree, parts[:cut])
        section = job.get(parts[cut]) if isinstance(job, dict) else None
        if isinstance(section, str) and len(parts) > cut + 1:
            set_value(tree, (*parts[:cut], "local", ".".join(parts[cut:])), value)
            return
    set_value(tree, parts, value)


def _section_of_a_job(parts: Sequence[str]) -> int | None:
    """Find the part after a stage and an index: ``….execution_job_configs.0.extra_configs.…``."""
    stages = {stage.key for stage in Stage}
    for i in range(2, len(parts)):
        if parts[i] in tuple(Section) and parts[i - 2] in stages:
            return i
    return None
