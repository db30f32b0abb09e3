"""Whether two jobs measured the same samples, so that their values are pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from djsb.cache.cache import parts_of
from djsb.query.facts import flat_settings, settings_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from djsb.store.records import JobRecord

DATA = "dataset"
"""In the names of settings that say of which samples a metric is."""

FILE = {"file", "digest"}
"""Keys of what stands for a file among the parts of a job's fingerprint."""


def have_same_data(before: JobRecord, after: JobRecord) -> bool:
    """Tell whether the settings that name the data of two jobs mean the same samples.

    By the contents of files where the cache knows those of both jobs (a file may have changed
    between two runs, or lie in two places); else by what the settings say.
    """
    contents = _contents_of(before), _contents_of(after)
    if contents[0] is not None and contents[1] is not None:
        return contents[0] == contents[1]
    return _of_data(settings_of(before, {})) == _of_data(settings_of(after, {}))


def _of_data(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if DATA in name}


def _contents_of(job: JobRecord) -> dict[str, Any] | None:
    """Return the settings that name a job's data, with digests instead of files."""
    settings = parts_of(job.files).get("settings") if job.files else None
    return _of_data(flat_settings(_digests(settings))) if isinstance(settings, dict) else None


def _digests(value: Any) -> Any:  # noqa: ANN401 (any setting)
    if isinstance(value, dict):
        if value.keys() == FILE:
            return value["digest"]
        return {key: _digests(item) for key, item in value.items()}
    return [_digests(item) for item in value] if isinstance(value, list) else value
