"""Data-Juicer's own config, parsed from a recipe once for jobs that differ only in paths.

Parsing takes Data-Juicer a second: it builds an argument parser with every argument of the
recipe's operators, and parses the recipe three times. A second job with the same recipe gets a
copy, in which only what depends on the paths is recomputed, by Data-Juicer's own function.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

PATHS = ("dataset_path", "export_path", "work_dir")
DERIVED = ("job_id", "ds_cache_dir", "event_log_dir", "checkpoint_dir", "partition_dir")
"""Settings that Data-Juicer derives from the paths and the process unless the recipe sets them."""
NEVER_SHARED = {*DERIVED, "resume", "custom_operator_paths"}
KEPT = 16  # recipes

_read: dict[str, Any] = {}


def read_config(settings: Mapping[str, Any]) -> Any:  # noqa: ANN401 (Data-Juicer's own config)
    """Return the config that Data-Juicer reads from a recipe's settings.

    Exceptions of Data-Juicer for an invalid recipe are not caught.
    """
    from data_juicer.config import get_init_configs

    if not _can_share(settings):
        return get_init_configs(dict(settings))
    key = _key(settings)
    if key in _read:
        return _with_paths(copy.deepcopy(_read[key]), settings)
    config = get_init_configs(dict(settings))
    if len(_read) >= KEPT:
        _read.pop(next(iter(_read)))
    _read[key] = copy.deepcopy(config)
    return config


def _can_share(settings: Mapping[str, Any]) -> bool:
    """Return whether a config has no job-specific state other than its paths."""
    steps = settings.get("process") or []
    arguments = [options or {} for step in steps for options in step.values()]
    return (
        settings.get("executor_type", "default") == "default"
        and not NEVER_SHARED & settings.keys()
        and not any("work_dir" in options for options in arguments)
    )


def _key(settings: Mapping[str, Any]) -> str:
    shared = {name: value for name, value in settings.items() if name not in PATHS}
    return json.dumps([shared, [name for name in PATHS if name in settings]], sort_keys=True)


def _with_paths(config: Any, settings: Mapping[str, Any]) -> Any:  # noqa: ANN401
    from data_juicer.config.config import init_setup_from_cfg

    for name in PATHS:
        if name in settings:
            setattr(config, name, settings[name])
    for name in DERIVED:
        setattr(config, name, None)
    for step in config.process:
        for arguments in step.values():
            arguments["work_dir"] = None
    return init_setup_from_cfg(config, load_configs_only=True)
