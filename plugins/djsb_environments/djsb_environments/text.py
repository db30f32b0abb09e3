"""The stored environments as tables and text, and reports of their removal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tabulate import tabulate

from djsb_core.api import RequestError, counted, date, parse_duration, short_key, size_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from djsb_environments.kept import Environments
    from djsb_environments.record import KeptEnvironment

HEADERS = ("name", "manager", "python", "size", "created", "last used", "key")


def environments_text(environments: Environments) -> str:
    """List all environments, last used first, with their number and total size."""
    entries = environments.entries()
    if not entries:
        return f"No environments are kept in {environments.root}."
    sizes = [entry.size for entry in entries]
    rows = [
        (
            entry.label,
            entry.manager,
            entry.python,
            size_text(size),
            date(entry.created),
            date(entry.used),
            short_key(entry.key),
        )
        for entry, size in zip(entries, sizes, strict=True)
    ]
    total = f"{_count(len(entries))}, {size_text(sum(sizes))} in {environments.root}"
    align = ["right" if name == "size" else "left" for name in HEADERS]
    table = tabulate(rows, HEADERS, tablefmt="simple", disable_numparse=True, colalign=align)
    return f"{table}\n\n{total}"


def environments_json(environments: Environments) -> list[dict[str, Any]]:
    """List all environments for scripts; sizes in bytes, times in seconds since the epoch."""
    return [
        {
            "name": entry.label,
            "manager": entry.manager,
            "python": entry.python,
            "size": entry.size,
            "created": entry.created,
            "used": entry.used,
            "key": entry.key,
            "folder": str(entry.folder),
            "interpreter": str(entry.interpreter),
            "requirements": list(entry.requirements),
        }
        for entry in environments.entries()
    ]


def remove_text(environments: Environments, names: Iterable[str]) -> str:
    """Remove environments by name or key, and report the space freed.

    :raises RequestError: if a name matches no environment, or several
    """
    chosen = {entry.key: entry for entry in map(environments.choose, names)}
    freed: list[int] = []
    lines = []
    for entry in chosen.values():
        size = entry.size
        if environments.remove(entry.key) is None:
            lines.append(f"kept: {_line(entry)}, which is in use")
        else:
            freed.append(size)
    return "\n".join([*lines, f"Removed {_count(len(freed))}, freed {size_text(sum(freed))}."])


def collect_text(environments: Environments, older_than: float | None, *, dry_run: bool) -> str:
    """Clean up, or only report what would be removed.

    :param older_than: seconds since the last use; ``None``: only leftovers of killed builds
    """
    sizes = {entry.key: entry.size for entry in environments.entries()}
    removed, leftovers = environments.collect(older_than, dry_run=dry_run)
    remove, free = ("Would remove", "free") if dry_run else ("Removed", "freed")
    lines = [f"{_line(entry)}  {size_text(sizes.get(entry.key, 0))}" for entry in removed]
    total = sum(sizes.get(entry.key, 0) for entry in removed) + sum(
        entry.size for entry in leftovers
    )
    unfinished = f" and {len(leftovers):,} unfinished" if leftovers else ""
    last = f"{remove} {_count(len(removed))}{unfinished}, {free} {size_text(total)}."
    return "\n".join([*lines, last])


def parse_age(text: str) -> float:
    """Return the seconds of an age such as ``30d``, ``12h`` or ``0d``.

    :raises RequestError: if the text is not an age
    """
    try:
        return parse_duration(text)
    except ValueError:
        raise RequestError(f"'{text}' is not an age; examples: 30d, 12h, 90m") from None


def _line(entry: KeptEnvironment) -> str:
    return f"{short_key(entry.key)}  {entry.label}"


def _count(environments: int) -> str:
    return counted(environments, "environment")
