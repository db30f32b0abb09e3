"""An experiment as one document, with the files that it names for jobs and sections inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from djsb.config.document import read_document
from djsb.config.schema import Stage
from djsb_core.errors import RequestError
from djsb_core.interfaces.hook import Section

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from djsb_core.interfaces.paths import PathContext

STAGES = tuple(stage.key for stage in Stage)


def inlined(settings: Mapping[str, Any], context: PathContext) -> dict[str, Any]:
    """Return an experiment in which files of pipelines, jobs and sections are replaced by content.

    :param context: where these files are looked up
    :raises RequestError: if one of them is gone
    :raises ConfigError: if one of them cannot be read
    """

    def read(value: object) -> object:
        return _content(value, context) if isinstance(value, str) else value

    whole: dict[str, Any] = _stages(dict(settings), read)
    pipelines = settings.get("pipelines")
    if isinstance(pipelines, dict):
        whole["pipelines"] = {name: _stages(read(p), read) for name, p in pipelines.items()}
    elif isinstance(pipelines, list):
        whole["pipelines"] = [_pipeline(item, read) for item in pipelines]
    return whole


def replaced(value: Any, texts: Mapping[str, str]) -> Any:  # noqa: ANN401 (any settings)
    """Replace texts that settings give as values."""
    if isinstance(value, dict):
        return {key: replaced(item, texts) for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, texts) for item in value]
    return texts.get(value, value) if isinstance(value, str) else value


def _pipeline(item: Any, read: Callable[[object], object]) -> Any:  # noqa: ANN401
    if isinstance(item, dict) and len(item) == 1:
        ((name, value),) = item.items()
        return {name: _stages(read(value), read)}
    return _stages(item, read)


def _stages(value: Any, read: Callable[[object], object]) -> Any:  # noqa: ANN401
    if not isinstance(value, dict):
        return value
    jobs = {key: value[key] for key in STAGES if isinstance(value.get(key), list)}
    return {**value, **{key: [_job(read(job), read) for job in jobs[key]] for key in jobs}}


def _job(job: Any, read: Callable[[object], object]) -> Any:  # noqa: ANN401
    if not isinstance(job, dict):
        return job
    return {key: read(value) if key in tuple(Section) else value for key, value in job.items()}


def _content(text: str, context: PathContext) -> object:
    from pathlib import Path

    path: Path | None = context.find(Path(text))
    if path is None:
        raise RequestError(f"a file of the experiment is gone: {text} (looked in {context.tried})")
    return read_document(path).value
