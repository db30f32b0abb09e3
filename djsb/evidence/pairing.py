"""Whether two jobs measured the same samples, so that their values are pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from djsb.cache.cache import parts_of
from djsb.query.facts import flat_settings, settings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from djsb.store.records import JobRecord

    Contents = dict[str, Any] | None

DATA = "dataset"
"""Part of the names of settings that define the samples of a metric."""

FILE = {"file", "digest"}
"""Keys of the mapping that stands for a file in a job's fingerprint."""


def have_same_data(
    before: JobRecord,
    after: JobRecord,
    contents_of: Callable[[JobRecord], Contents] | None = None,
) -> bool:
    """Tell whether the settings of two jobs name the same samples.

    Compares the contents of files if the cache knows those of both jobs (a file may have changed
    between two runs, or have been copied); else the settings themselves.

    :param contents_of: instead of :func:`data_contents`, if the caller remembers its results
    """
    contents_of = contents_of or data_contents
    contents = contents_of(before), contents_of(after)
    if contents[0] is not None and contents[1] is not None:
        return contents[0] == contents[1]
    return _of_data(settings_of(before, {})) == _of_data(settings_of(after, {}))


def _of_data(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if DATA in name}


def data_contents(job: JobRecord) -> Contents:
    """Return the settings that name a job's data, with digests instead of files.

    ``None`` if the cache does not know them.
    """
    settings = parts_of(job.files).get("settings") if job.files else None
    return _of_data(flat_settings(_digests(settings))) if isinstance(settings, dict) else None


def _digests(value: Any) -> Any:  # noqa: ANN401 (any setting)
    if isinstance(value, dict):
        if value.keys() == FILE:
            return value["digest"]
        return {key: _digests(item) for key, item in value.items()}
    return [_digests(item) for item in value] if isinstance(value, list) else value
