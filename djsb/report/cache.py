"""The cache as tables and text: what it holds, why a job was run, what was removed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from djsb.cache.cache import Cache, cache_root
from djsb.cache.differences import differences
from djsb.query.locate import open_store
from djsb.query.status import status_of
from djsb.report.format import date, number, table
from djsb_core.errors import RequestError, suggest
from djsb_core.text import short_key, size_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from djsb.cache.entry import Entry
    from djsb.store.records import JobRecord
    from djsb.store.store import Store

PREFIX = re.compile("[0-9a-f]{4,64}")
SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,15})?) ?(?:([kmgt])(i?))?b?", re.IGNORECASE)
MOST = 20
"""Differences that are shown."""

LINKED = "Folders of older runs link into the cache: what is removed is gone from them too."


def open_cache(where: Path | None) -> tuple[Store, Cache]:
    """Open the store and the cache of a work_dir, or of an experiment file's work_dir.

    :raises RequestError: if there are no runs
    """
    store = open_store(where)
    return store, Cache(cache_root(store.work_dir))


def entries_text(cache: Cache) -> str:
    """List all entries, the last used first, and their number and size."""
    entries = cache.entries()
    if not entries:
        return f"Nothing is kept in {cache.root}."
    rows = [
        (
            short_key(entry.key),
            _name(entry),
            entry.component or entry.hook,
            size_text(entry.size),
            date(entry.created),
            date(entry.used),
        )
        for entry in entries
    ]
    headers = ("key", "job", "component", "size", "created", "last used")
    return f"{table(rows, headers, right=(3,))}\n\n{_total(entries)} in {cache.root}"


def entries_json(cache: Cache) -> list[dict[str, Any]]:
    """List all entries for scripts; sizes in bytes, times in seconds since the epoch."""
    keys = ("key", "pipeline", "meta_name", "hook", "component", "run_id", "seconds")
    more = ("size", "created", "used")
    return [
        {**{key: getattr(entry, key) for key in keys + more}, "folder": str(entry.folder)}
        for entry in cache.entries()
    ]


# -- why -------------------------------------------------------------------------------------------


def why_text(store: Store, cache: Cache, name: str, run_id: str) -> str:
    """Say of each job of that name in a run why it was executed, or was not.

    :raises RequestError: if there is no such run or job
    """
    run = store.run(run_id)
    jobs = store.jobs(run.id)
    found = [job for job in jobs if name in (job.meta_name, f"{job.pipeline}.{job.meta_name}")]
    if not found:
        known = [job.meta_name for job in jobs]
        raise RequestError(f"no job '{name}' in run {run.id}; {suggest(name, known)}")
    entries = cache.entries()
    several = len({job.iteration for job in found}) > 1
    return "\n\n".join(
        "\n".join([_head(job, several=several), *_why(cache, entries, job)]) for job in found
    )


def _head(job: JobRecord, *, several: bool) -> str:
    which = f", iteration {job.iteration}" if several else ""
    return f"{job.pipeline}.{job.meta_name} ({job.component or job.hook}{which}): {job.status}"


def _why(cache: Cache, entries: Sequence[Entry], job: JobRecord) -> Iterator[str]:
    if job.status == "cached":
        yield f"reused from run {job.source_run}"
    elif job.fingerprint is None:
        yield "it has no key: it was skipped, or ended before its inputs were known"
    elif job.files is not None and job.files.is_relative_to(job.folder):
        yield "executed without the cache: `cache: false`, or --no-cache"
    elif not (parts := cache.parts_of(job.fingerprint)):
        yield "executed; its entry has been removed since, so that nothing can be compared"
    else:
        others = [entry for entry in entries if entry.folder != job.files]
        earlier = [entry for entry in others if entry.created < job.started]
        same = [entry for entry in earlier if entry.key == job.fingerprint]
        if same:
            yield from _executed_again(cache, max(same, key=lambda entry: entry.created))
        else:
            yield from _executed(_nearest(cache, earlier, parts, job.meta_name))


def _executed(nearest: tuple[Entry, list[str]] | None) -> Iterator[str]:
    if nearest is None:
        yield "first execution: no earlier one of this hook and component"
        return
    entry, sentences = nearest
    yield f"executed; of what run {entry.run_id} made with {_name(entry)}, this differs:"
    yield from _listed(sentences)


def _executed_again(cache: Cache, entry: Entry) -> Iterator[str]:
    changed = cache.changed(entry)
    if changed:
        yield f"executed again: results of run {entry.run_id} were changed or removed:"
        yield from _listed([str(path) for path in changed])
    else:
        yield f"executed again, though run {entry.run_id} left the same: --force or --rerun"


def _nearest(
    cache: Cache, earlier: Sequence[Entry], parts: Mapping[str, Any], meta_name: str
) -> tuple[Entry, list[str]] | None:
    """Return the entry of the same hook and component that differs least, and the differences."""
    keys: dict[str, list[str]] = {}
    for key in {entry.key for entry in earlier}:
        old = cache.parts_of(key)
        if old and _targets(old) == _targets(parts):
            keys[key] = differences(old, parts)
    of_kind = [entry for entry in earlier if entry.key in keys]
    of_name = [entry for entry in of_kind if entry.meta_name == meta_name] or of_kind
    if not of_name:
        return None
    best = min(of_name, key=lambda entry: (len(keys[entry.key]), -entry.created))
    return best, keys[best.key]


def _targets(parts: Mapping[str, Any]) -> list[Any]:
    return [(parts.get(name) or {}).get("target") for name in ("hook", "component")]


# -- removing --------------------------------------------------------------------------------------


def remove_entries(store: Store, cache: Cache, names: Collection[str] | None) -> str:
    """Remove entries by key or job (None: all, and what killed jobs left); say what was freed.

    What a run that goes on uses is kept.

    :raises RequestError: if a name means nothing, or more than one thing
    """
    entries = cache.entries()
    chosen = entries if names is None else _choose(entries, names)
    used = running_keys(store)
    freed: list[int] = []
    lines: list[str] = []
    for entry in chosen:
        size = 0 if entry.key in used else cache.remove(entry)
        if size:
            freed.append(size)
        else:
            lines.append(f"kept: {short_key(entry.key)} ({_name(entry)}), a run is using it")
    if names is None:
        cache.collect(None, keep=lambda _: True)
    lines.append(f"Removed {_count(len(freed))}, freed {size_text(sum(freed))}.")
    return "\n".join([*lines, LINKED])


def collect_text(store: Store, cache: Cache, max_size: int | None, *, dry_run: bool) -> str:
    """Clean the cache (or only tell what that would remove).

    :param max_size: bytes that all entries may take together; None: no limit
    """
    used = running_keys(store)
    left = cache.leftovers()
    gone = cache.collect(max_size, keep=lambda entry: entry.key in used, dry_run=dry_run)
    remove, free = ("Would remove", "free") if dry_run else ("Removed", "freed")
    lines = [f"{short_key(entry.key)}  {_name(entry)}  {size_text(entry.size)}" for entry in gone]
    killed = f" and {number(len(left))} unfinished" if left else ""
    size = size_text(sum(entry.own_size for entry in gone))
    total = f"{remove} {_count(len(gone))}{killed}, {free} {size}."
    return "\n".join([*lines, total, LINKED])


def running_keys(store: Store) -> set[str]:
    """Return the keys of all jobs of runs that still go on."""
    return {
        job.fingerprint
        for run in store.runs()
        if status_of(run) == "running"
        for job in store.jobs(run.id)
        if job.fingerprint
    }


def _choose(entries: Sequence[Entry], names: Collection[str]) -> list[Entry]:
    chosen: dict[Entry, None] = {}
    for name in names:
        chosen |= dict.fromkeys(_choose_one(entries, name))
    return list(chosen)


def _choose_one(entries: Sequence[Entry], name: str) -> list[Entry]:
    of_job = [one for one in entries if name in (one.meta_name, f"{one.pipeline}.{one.meta_name}")]
    of_key = [one for one in entries if PREFIX.fullmatch(name) and one.key.startswith(name)]
    keys = sorted({short_key(one.key) for one in of_key})
    if of_job and of_key:
        raise RequestError(f"'{name}' is both a job and the start of a key: {', '.join(keys)}")
    if len({one.key for one in of_key}) > 1:
        raise RequestError(f"'{name}' is the start of several keys: {', '.join(keys)}")
    if not (of_job or of_key):
        known = {one.meta_name for one in entries}
        raise RequestError(
            f"no job '{name}', and no key that begins so (4 digits or more); {suggest(name, known)}"
        )
    return of_job or of_key


# -- sizes and lines -------------------------------------------------------------------------------


def parse_size(text: str) -> int:
    """Read a size as people write it, in bytes: ``500MB``, ``1.5 GiB``, ``10G``, ``0``.

    :raises RequestError: if it is not one
    """
    match = SIZE.fullmatch(text.strip())
    if match is None:
        raise RequestError(f"'{text}' is not a size; write such as 500MB, 10GB, 2GiB or 0")
    figure, unit, binary = match.groups()
    base = 1024 if binary else 1000
    return int(float(figure) * base ** " kmgt".index((unit or " ").lower()))


def _listed(sentences: Sequence[str]) -> Iterator[str]:
    yield from (f"  {sentence}" for sentence in sentences[:MOST])
    if len(sentences) > MOST:
        yield f"  and {len(sentences) - MOST} more"


def _total(entries: Sequence[Entry]) -> str:
    return f"{_count(len(entries))}, {size_text(sum(entry.size for entry in entries))}"


def _count(entries: int) -> str:
    return "1 entry" if entries == 1 else f"{entries:,} entries"


def _name(entry: Entry) -> str:
    return f"{entry.pipeline}.{entry.meta_name}"
