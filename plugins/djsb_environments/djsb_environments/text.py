"""The environments that are kept, as tables and text: what there is, what was removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tabulate import tabulate

from djsb_core.api import RequestError, date, parse_duration, short_key, size_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from djsb_environments.kept import Environments
    from djsb_environments.record import KeptEnvironment

HEADERS = ("name", "manager", "python", "size", "created", "last used", "key")


def environments_text(environments: Environments) -> str:
    """List all environments, the last used first, and their number and size."""
    kept = environments.entries()
    if not kept:
        return f"No environments are kept in {environments.root}."
    sizes = [one.size for one in kept]
    rows = [
        (
            one.label,
            one.manager,
            one.python,
            size_text(size),
            date(one.created),
            date(one.used),
            short_key(one.key),
        )
        for one, size in zip(kept, sizes, strict=True)
    ]
    total = f"{_count(len(kept))}, {size_text(sum(sizes))} in {environments.root}"
    align = ["right" if name == "size" else "left" for name in HEADERS]
    table = tabulate(rows, HEADERS, tablefmt="simple", disable_numparse=True, colalign=align)
    return f"{table}\n\n{total}"


def environments_json(environments: Environments) -> list[dict[str, Any]]:
    """List all environments for scripts; sizes in bytes, times in seconds since the epoch."""
    return [
        {
            "name": one.label,
            "manager": one.manager,
            "python": one.python,
            "size": one.size,
            "created": one.created,
            "used": one.used,
            "key": one.key,
            "folder": str(one.folder),
            "interpreter": str(one.interpreter),
            "requirements": list(one.requirements),
        }
        for one in environments.entries()
    ]


def remove_text(environments: Environments, names: Iterable[str]) -> str:
    """Remove environments by name or key, and say what was freed.

    :raises RequestError: if a name means nothing, or more than one environment
    """
    chosen = {one.key: one for one in map(environments.choose, names)}
    freed: list[int] = []
    lines = []
    for one in chosen.values():
        size = one.size
        if environments.remove(one.key) is None:
            lines.append(f"kept: {_line(one)}, which is in use")
        else:
            freed.append(size)
    return "\n".join([*lines, f"Removed {_count(len(freed))}, freed {size_text(sum(freed))}."])


def collect_text(environments: Environments, older_than: float | None, *, dry_run: bool) -> str:
    """Clean up, or only tell what that would remove.

    :param older_than: seconds since the last use; ``None``: only what killed builds have left
    """
    sizes = {one.key: one.size for one in environments.entries()}
    gone, left = environments.collect(older_than, dry_run=dry_run)
    remove, free = ("Would remove", "free") if dry_run else ("Removed", "freed")
    lines = [f"{_line(one)}  {size_text(sizes.get(one.key, 0))}" for one in gone]
    total = sum(sizes.get(one.key, 0) for one in gone) + sum(one.size for one in left)
    unfinished = f" and {len(left):,} unfinished" if left else ""
    last = f"{remove} {_count(len(gone))}{unfinished}, {free} {size_text(total)}."
    return "\n".join([*lines, last])


def parse_age(text: str) -> float:
    """Read an age as people write it, in seconds: ``30d``, ``12h``, ``0d``.

    :raises RequestError: if it is none
    """
    try:
        return parse_duration(text)
    except ValueError:
        raise RequestError(f"'{text}' is no age; write such as 30d, 12h or 90m") from None


def _line(one: KeptEnvironment) -> str:
    return f"{short_key(one.key)}  {one.label}"


def _count(environments: int) -> str:
    return "1 environment" if environments == 1 else f"{environments:,} environments"
