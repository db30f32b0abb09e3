"""Values inside nested mappings and lists, by dotted path: ``train.optimizer.lr``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

INDEX = re.compile(r"-?[0-9]{1,9}")


def split_path(path: str) -> tuple[str, ...]:
    """Split ``a.b.0`` into its parts."""
    return tuple(path.split("."))


def get_value(tree: Any, parts: Sequence[str]) -> Any:  # noqa: ANN401 (any value)
    """Return the value at a path.

    :raises KeyError: with the first part that does not exist
    """
    for part in parts:
        if isinstance(tree, dict) and part in tree:
            tree = tree[part]
        elif isinstance(tree, list | tuple) and _is_index(part, len(tree)):
            tree = tree[int(part)]
        else:
            raise KeyError(part)
    return tree


def set_value(tree: Any, parts: Sequence[str], value: object) -> None:  # noqa: ANN401
    """Set the value at a path inside ``tree``; missing mappings on the way are created.

    :raises KeyError: with the first part that cannot be entered
    """
    for i, part in enumerate(parts[:-1]):
        tree = _enter(tree, part, parts[i + 1])
    last = parts[-1]
    if isinstance(tree, dict):
        tree[last] = value
    elif isinstance(tree, list) and _is_index(last, len(tree)):
        tree[int(last)] = value
    else:
        raise KeyError(last)


def remove_value(tree: Any, parts: Sequence[str]) -> None:  # noqa: ANN401
    """Remove the value at a path, if it is there; lists keep their length (``None``)."""
    try:
        holder = get_value(tree, parts[:-1])
    except KeyError:
        return
    if isinstance(holder, dict):
        holder.pop(parts[-1], None)
    elif isinstance(holder, list) and _is_index(parts[-1], len(holder)):
        holder[int(parts[-1])] = None


def _enter(tree: Any, part: str, following: str) -> Any:  # noqa: ANN401
    if isinstance(tree, dict):
        if tree.get(part) is None:
            tree[part] = {}
        return tree[part]
    if isinstance(tree, list) and _is_index(part, len(tree)):
        return tree[int(part)]
    raise KeyError(part if not isinstance(tree, dict) else following)


def _is_index(part: str, length: int) -> bool:
    return INDEX.fullmatch(part) is not None and -length <= int(part) < length
