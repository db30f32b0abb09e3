"""Describe the differences between two jobs' keys, in sentences for a user."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any

from djsb.cache.digests import ABSENT
from djsb_core.masking import is_secret_name

LONG = 60
"""Maximum number of characters of a displayed value."""

FEW = 3
"""Maximum number of listed metrics per job."""

ALIGNED = 200
"""Maximum length of lists that are aligned to detect insertions."""


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Describe each difference in a sentence; empty if both keys have the same parts.

    :param old: parts of an earlier key
    :param new: parts of the key that is explained
    """
    sentences: list[str] = []
    if old.get("format") != new.get("format"):  # other parts differ in form only
        old, new = ({"format": parts.get("format")} for parts in (old, new))
    for name in dict.fromkeys([*old, *new]):
        before, after = old.get(name), new.get(name)
        if not _same(before, after):
            sentences += _part(name, before, after)
    # Hook and component may share a package (duplicates). File names need not be valid text.
    return [
        sentence.encode(errors="backslashreplace").decode() for sentence in dict.fromkeys(sentences)
    ]


def _part(name: str, old: Any, new: Any) -> Iterator[str]:  # noqa: ANN401 (any JSON value)
    if name in ("hook", "component"):
        yield _info(name, old or {}, new or {})
    elif name == "metrics":
        yield from _metrics(old or {}, new or {})
    elif name == "files":
        yield from _files(old or {}, new or {})
    elif name == "packages":
        yield from _packages(old or {}, new or {})
    elif name == "media":
        numbers = [f"{(part or {}).get('files', 0):,}" for part in (old, new)]
        count = numbers[0] if numbers[0] == numbers[1] else " → ".join(numbers)
        yield f"the files that the rows name changed ({count})"
    elif name == "variables":
        yield from _variables(old or {}, new or {})
    elif name == "settings":
        yield from _mappings("", old or {}, new or {})
    elif name == "secrets":
        yield "a secret changed"
    elif name == "format":
        yield f"the format of cache keys changed ({old} → {new})"
    else:
        yield from _values(name, old, new)


def _info(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    if old.get("target") != new.get("target"):
        return f"{name}: {old.get('target', 'none')} → {new.get('target', 'none')}"
    if old.get("package") != new.get("package"):
        return f"{name}: from package {old.get('package')} → {new.get('package')}"
    if old.get("version") != new.get("version"):
        return f"{new.get('package')} {old.get('version')} → {new.get('version')}"
    return f"the code of {new.get('package')} changed"


def _packages(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for package in dict.fromkeys([*old, *new]):
        before, after = old.get(package), new.get(package)
        if before is None:
            yield f"{package} {after}: newly required"
        elif after is None:
            yield f"{package}: no longer required"
        elif before != after:
            yield f"{package} {before} → {after}"


def _variables(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Name variables only: their values may be secret."""
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            change = "changed" if name in old and name in new else "is set"
            yield f"the environment variable {name} {change if name in new else 'is not set'}"


def _metrics(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for job in dict.fromkeys([*old, *new]):
        changes = list(_mappings("", old.get(job, {}), new.get(job, {})))
        if changes:
            more = f" and {len(changes) - FEW} more" if len(changes) > FEW else ""
            yield f"metrics of job '{job}' changed: {', '.join(changes[:FEW])}{more}"


def _files(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    before, after = _by_name(old), _by_name(new)
    for name in dict.fromkeys([*before, *after]):
        if name not in before:
            yield f"{name}: new input file"
        elif name not in after:
            yield f"{name}: no longer an input file"
        elif before[name] != after[name]:
            yield _content(name, before[name], after[name])


def _by_name(files: Mapping[str, Any]) -> dict[str, str]:
    """Return the digests of files by name; those of equal names are joined."""
    digests_by_name: dict[str, list[str]] = {}
    for key, value in files.items():
        name, digest = _path(value) or (key, str(value))
        digests_by_name.setdefault(name, []).append(digest or "")
    return {name: " ".join(sorted(digests)) for name, digests in digests_by_name.items()}


def _mappings(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys([*old, *new]):
        inner = f"{key}.{name}" if key else str(name)
        if name not in old:
            yield _added(inner, new[name])
        elif name not in new:
            yield f"{inner}: removed"
        else:
            yield from _values(inner, old[name], new[name])


def _values(key: str, old: object, new: object) -> Iterator[str]:
    if _same(old, new):
        return
    paths = _path(old), _path(new)
    if isinstance(old, Mapping) and isinstance(new, Mapping) and paths == (None, None):
        yield from _mappings(key, old, new)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _items(key, old, new)
    elif _is_secret(key):
        yield f"{key}: changed"
    elif paths[0] and paths[1] and paths[0][1] and paths[1][1]:
        yield f"{key}: {_file(paths[0][0], paths[0][1], paths[1][0], paths[1][1])}"
    else:
        yield f"{key}: {_change(old, new)}"


def _items(key: str, old: list[Any], new: list[Any]) -> Iterator[str]:
    """Compare lists: an inserted operator gives one sentence, not one per shifted item."""
    steps: list[tuple[str, int, int, int, int]] = [("replace", 0, len(old), 0, len(new))]
    if max(len(old), len(new)) <= ALIGNED:
        texts = [_canonical(item) for item in old], [_canonical(item) for item in new]
        steps = [*SequenceMatcher(None, *texts, autojunk=False).get_opcodes()]
    for kind, start, end, new_start, new_end in steps:
        if kind == "equal":
            continue
        both = min(end - start, new_end - new_start)
        for i in range(both):
            yield from _values(f"{key}.{new_start + i}", old[start + i], new[new_start + i])
        for i in range(start + both, end):
            yield f"{key}.{i}: removed ({_shown(old[i])})"
        for i in range(new_start + both, new_end):
            yield _added(f"{key}.{i}", new[i])


def _path(value: object) -> tuple[str, str | None] | None:
    """Return the name and digest of a path's part; a job's own result has no digest."""
    if isinstance(value, Mapping):
        if value.keys() == {"file", "digest"}:
            return str(value["file"]), str(value["digest"])
        if value.keys() == {"result"}:
            return str(value["result"]), None
    return None


def _file(name: str, digest: str, new_name: str, new_digest: str) -> str:
    if name == new_name:
        return _content(name, digest, new_digest)
    same = "same content" if digest == new_digest else "different content"
    return f"{name} → {new_name} ({same})"


def _content(name: str, old: str, new: str) -> str:
    if new == ABSENT:
        return f"{name} no longer exists"
    return f"{name} did not exist before" if old == ABSENT else f"the content of {name} changed"


def _added(key: str, value: object) -> str:
    return f"{key}: added" if _is_secret(key) else f"{key}: added ({_shown(value)})"


def _change(old: object, new: object) -> str:
    if isinstance(old, str) and isinstance(new, str) and max(len(old), len(new)) > LONG:
        return f"different text ({len(old):,} → {len(new):,} characters)"
    shown = _shown(old), _shown(new)
    if shown[0] == shown[1]:  # the text "1" and the number 1
        shown = _canonical(old), _canonical(new)
    return f"{shown[0]} → {shown[1]}"


def _shown(value: object) -> str:
    path = _path(value)
    masked = _masked(value)
    text = path[0] if path else masked if isinstance(masked, str) else _canonical(masked)
    text = " ".join(text.split())
    return text if len(text) <= LONG else f"{text[: LONG - 1]}…"


def _masked(value: object) -> object:
    if isinstance(value, Mapping):
        return {
            name: "…" if _is_secret(str(name)) else _masked(item) for name, item in value.items()
        }
    return [_masked(item) for item in value] if isinstance(value, list) else value


def _is_secret(key: str) -> bool:
    return is_secret_name(key.rpartition(".")[2])


def _same(old: object, new: object) -> bool:
    return _canonical(old) == _canonical(new)  # as keys are made: 1 is not 1.0, NaN is NaN


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
