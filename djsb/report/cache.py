"""The cache as tables and text: its entries, why a job was run, what was removed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from djsb.cache.cache import Cache, cache_root
from djsb.cache.differences import differences
from djsb.query.locate import open_store
from djsb.query.status import status_of
from djsb.report.format import date, number, table
from djsb_core.errors import RequestError, suggest
from djsb_core.text import counted, short_key, size_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from djsb.cache.entry import Entry
    from djsb.store.records import JobRecord
    from djsb.store.store import Store

PREFIX = re.compile("[0-9a-f]{4,64}")
WIDE = 40
"""Characters shown of a text that is not a size."""
SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,15})?) ?(?:([kmgt])(i?))?b?", re.IGNORECASE)
MOST = 20
"""Number of differences shown."""

LINKED = "Run folders link into the cache: a removed entry is gone from older runs too."


def open_cache(where: Path | None) -> tuple[Store, Cache]:
    """Open the store and the cache of a work_dir, or of an experiment file's work_dir.

    :raises RequestError: if there are no runs
    """
    store = open_store(where)
    return store, Cache(cache_root(store.work_dir))


def entries_text(cache: Cache) -> str:
    """List all entries, the most recently used first, with their number and total size."""
    entries = cache.entries()
    if not entries:
        return f"The cache in {cache.root} is empty."
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
    """Explain for each job of that name in a run why it was or was not executed.

    :raises RequestError: if there is no such run or job
    """
    run = store.run(run_id)
    jobs = store.jobs(run.id)
    matches = [job for job in jobs if name in (job.meta_name, f"{job.pipeline}.{job.meta_name}")]
    if not matches:
        known = [job.meta_name for job in jobs]
        raise RequestError(f"no job '{name}' in run {run.id}; {suggest(name, known)}")
    entries = cache.entries()
    several = len({job.iteration for job in matches}) > 1
    return "\n\n".join(
        "\n".join([_head(job, several=several), *_why(cache, entries, job)]) for job in matches
    )


def _head(job: JobRecord, *, several: bool) -> str:
    which = f", iteration {job.iteration}" if several else ""
    return f"{job.pipeline}.{job.meta_name} ({job.component or job.hook}{which}): {job.status}"


def _why(cache: Cache, entries: Sequence[Entry], job: JobRecord) -> Iterator[str]:
    if job.status == "cached":
        yield f"reused from run {job.source_run}"
    elif job.fingerprint is None:
        yield "no key: it was skipped, or ended before its inputs were known"
    elif job.files is not None and job.files.is_relative_to(job.folder):
        yield "executed without the cache: `cache: false`, or --no-cache"
    elif not (parts := cache.parts_of(job.fingerprint)):
        yield "executed; its entry has been removed since, so nothing can be compared"
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
        yield "first execution of this hook and component"
        return
    entry, lines = nearest
    yield f"executed; differs from {_name(entry)} of run {entry.run_id}:"
    yield from _listed(lines)


def _executed_again(cache: Cache, entry: Entry) -> Iterator[str]:
    changed = cache.changed(entry)
    if changed:
        yield f"executed again: results of run {entry.run_id} were changed or removed:"
        yield from _listed([str(path) for path in changed])
    elif entry.unusable is not None:
        yield f"executed again: the result of run {entry.run_id} is not reused: {entry.unusable}"
    else:
        yield f"executed again although run {entry.run_id} has the result: --force or --rerun"


def _nearest(
    cache: Cache, earlier: Sequence[Entry], parts: Mapping[str, Any], meta_name: str
) -> tuple[Entry, list[str]] | None:
    """Return the most similar entry of the same hook and component, and the differences."""
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


# -- verifying -------------------------------------------------------------------------------------


def verify_text(cache: Cache) -> tuple[str, bool]:
    """Read all files again that digests are remembered of, and check the results.

    :return: what was found, and whether everything is as it was recorded
    """
    checked = list(cache.digests.verify())
    unseen = [path for path, is_same in checked if not is_same]
    newest = sorted(cache.entries(), key=lambda entry: entry.folder.name)
    entries = {entry.key: entry for entry in newest}.values()
    changed = {entry: paths for entry in entries if (paths := cache.changed(entry))}
    total = f"{counted(len(checked), 'file')} read again, {_count(len(entries))} checked"
    if not (unseen or changed):
        return f"{total}: all as they were.", True
    lines = [f"{total}."]
    if unseen:
        lines += ["Changed although size and times are the same:", *_listed(unseen)]
    for entry, paths in changed.items():
        lines.append(f"{short_key(entry.key)} ({_name(entry)}) will be executed again; changed:")
        lines += _listed([str(path) for path in paths])
    return "\n".join(lines), False


# -- removing --------------------------------------------------------------------------------------


def remove_entries(store: Store, cache: Cache, names: Collection[str] | None) -> str:
    """Remove entries by key or job (None: all, and leftovers of killed jobs); report the result.

    Entries in use by a running run are kept.

    :raises RequestError: if a name is unknown or ambiguous
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
    """Clean up the cache (or only report what that would remove).

    :param max_size: limit for the total size of all entries in bytes; None: no limit
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
    """Return the keys of all jobs of runs that are still running."""
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
    of_job = [
        entry
        for entry in entries
        if name in (entry.meta_name, f"{entry.pipeline}.{entry.meta_name}")
    ]
    of_key = [entry for entry in entries if PREFIX.fullmatch(name) and entry.key.startswith(name)]
    keys = sorted({short_key(entry.key) for entry in of_key})
    if of_job and of_key:
        raise RequestError(f"'{name}' is both a job and the start of a key: {', '.join(keys)}")
    if len({entry.key for entry in of_key}) > 1:
        raise RequestError(f"'{name}' is the start of several keys: {', '.join(keys)}")
    if not (of_job or of_key):
        known = {entry.meta_name for entry in entries}
        raise RequestError(
            f"no job '{name}', and no such key (4 digits or more); {suggest(name, known)}"
        )
    return of_job or of_key


# -- sizes and lines -------------------------------------------------------------------------------


def parse_size(text: str) -> int:
    """Parse a size such as ``500MB``, ``1.5 GiB``, ``10G`` or ``0`` into bytes.

    :raises RequestError: if it is not a size
    """
    match = SIZE.fullmatch(text.strip())
    if match is None:
        raise RequestError(
            f"'{text[:WIDE]}' is not a size; write one such as 500MB, 10GB, 2GiB or 0"
        )
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
    return counted(entries, "entry", "entries")


def _name(entry: Entry) -> str:
    return f"{entry.pipeline}.{entry.meta_name}"
