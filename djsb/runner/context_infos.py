"""The published record of a run, ``context_infos.json``, for tools written for Data-Juicer's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from djsb_core.text import json_text
from djsb_core.whole_files import write_whole

if TYPE_CHECKING:
    from djsb.store.records import RunRecord
    from djsb.store.store import Store

NAME = "context_infos.json"


def write_context_infos(store: Store, run: RunRecord) -> None:
    """Write the outputs of a run's finished jobs into its folder and into the work_dir."""
    iterations: dict[int, dict[str, list[dict[str, Any]]]] = {}
    for job in store.jobs(run.id):
        if job.status in ("finished", "cached"):
            pipelines = iterations.setdefault(job.iteration, {})
            infos = {"meta_name": job.meta_name, **job.named_outputs}
            pipelines.setdefault(job.pipeline, []).append(infos)
    text = json_text(
        [
            {
                "iter": iteration,
                "pipeline_infos": [
                    {"pipeline_name": name, "job_infos": infos} for name, infos in pipelines.items()
                ],
            }
            for iteration, pipelines in iterations.items()
        ],
        indent=4,
    )
    for folder in (run.folder, store.work_dir):
        write_whole(folder / NAME, f"{text}\n", access=store.access)
