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

    Settings in a file of their own stay unchanged: the job gets a ``local`` override instead.

    :param text: ``key.0.key=VALUE``
    :returns: the problem with the override, if there is one
    """
    path, sign, value_text = text.partition("=")
    location = (f"--set {text}",)
    if not sign or not path:
        return Problem(FORM, location=location)
    try:
        _set(tree, split_path(path), parse_value(value_text))
    except KeyError as missing:
        return Problem(f"no key or index '{missing.args[0]}'", FORM, location=location)
    except (yaml.YAMLError, ConfigError, UnicodeEncodeError):
        return Problem("the value is not YAML", location=location)
    return None


def set_override(tree: Any, path: str, value: object) -> Problem | None:  # noqa: ANN401 (any tree)
    """Change a value of the experiment, in place; see :func:`apply_override`.

    :param path: ``key.0.key``
    :returns: the problem with the override, if there is one
    """
    try:
        _set(tree, split_path(path), value)
    except KeyError as missing:
        text = f"no key or index '{missing.args[0]}'"
        return Problem(text, "write key.0.key", location=("overrides", path))
    return None


def _set(tree: Any, parts: Sequence[str], value: object) -> None:  # noqa: ANN401
    index = _index_of_section(parts)
    if index is not None:
        job = get_value(tree, parts[:index])
        section = job.get(parts[index]) if isinstance(job, dict) else None
        if isinstance(section, str) and len(parts) > index + 1:
            set_value(tree, (*parts[:index], "local", ".".join(parts[index:])), value)
            return
    set_value(tree, parts, value)


def _index_of_section(parts: Sequence[str]) -> int | None:
    """Return the index of a job's section: ``….execution_job_configs.0.extra_configs.…``."""
    stages = {stage.key for stage in Stage}
    for i in range(2, len(parts)):
        if parts[i] in tuple(Section) and parts[i - 2] in stages:
            return i
    return None
