"""Reads a recipe's dataset, and explains why it cannot be read."""

from __future__ import annotations

import json
import re
import textwrap
from collections import Counter
from typing import TYPE_CHECKING, Any

from djsb_core.api import ComponentError, depth_of, locate_samples, open_text
from djsb_datajuicer.columns import describe_difference
from djsb_datajuicer.lines import SUFFIXES, count_lines, has_lines
from djsb_datajuicer.loading import recorded_load

if TYPE_CHECKING:
    from pathlib import Path

    from djsb_datajuicer.ledger import Origin
    from djsb_datajuicer.recipe import RecipeConfig

LONGEST = 300
"""Characters of a reason that Data-Juicer gives."""

SURROGATE = re.compile(r"[\ud800-\udfff]")
DEEPEST = 60
"""Levels of lists and mappings in a row that are read for certain."""


def load_dataset(builder: Any, recipe: RecipeConfig) -> tuple[Any, Origin]:  # noqa: ANN401
    """Read the dataset with Data-Juicer's own builder.

    :param builder: a ``DatasetBuilder`` created from the recipe
    :return: a ``NestedDataset`` with at least one row, and where its rows come from
    :raises ComponentError: if it is missing, empty, broken, or has no text
    """
    check_not_empty(recipe)
    sampled = recipe.dataset is not None and recipe.dataset.max_sample_num is not None
    try:
        with recorded_load(sampled=sampled) as loading:
            dataset, origin = loading.origin(builder.load_dataset())
    except Exception as error:
        raise ComponentError(explain(recipe, error)) from error
    if len(dataset) == 0:
        raise ComponentError(f"{_names(recipe)}: every row's '{recipe.text_key}' is null")
    return dataset, origin


def check_not_empty(recipe: RecipeConfig) -> None:
    """Check that the dataset exists and is not empty.

    :raises ComponentError: if a file is missing, or all are empty
    """
    sources = recipe.sources
    for path in sources:
        if not path.exists():
            raise ComponentError(f"{path}: no such file or folder")
    if sources and not any(_has_content(file) for path in sources for file in _files(path)):
        raise ComponentError(f"{_names(recipe)}: the dataset is empty")


def explain(recipe: RecipeConfig, error: BaseException) -> str:
    """Explain in one sentence why the dataset cannot be read, with file and line if known.

    :param error: what Data-Juicer raised
    """
    files = [file for path in recipe.sources for file in _files(path)]
    listed = [file for file in files if file.name.endswith(SUFFIXES)]
    problem = next((problem for file in listed if (problem := broken_line(file))), None)
    if problem:
        return problem
    textless = [file for file in listed if recipe.text_key not in _fields(file)]
    if textless:
        known = ", ".join(sorted(_fields(textless[0]))) or "none"
        return (
            f"{textless[0]}: no row has the field '{recipe.text_key}' that text_keys names; "
            f"fields: {known}"
        )
    odd = next((problem for file in listed if (problem := odd_line(file))), None)
    if odd:
        return odd
    difference = describe_difference(listed)
    if difference:
        return difference
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    reason = textwrap.shorten(str(cause), LONGEST)  # it may hold a whole traceback
    return f"{_names(recipe)}: Data-Juicer cannot read the dataset: {reason}"


def broken_line(path: Path) -> str | None:
    """Describe the first invalid line of a JSON Lines file; ``None`` if all are valid."""
    try:
        for _ in locate_samples(path):
            pass
    except ComponentError as error:
        return str(error)
    return None


def odd_line(path: Path) -> str | None:
    """Describe the first line of a valid JSON Lines file that Data-Juicer may not read."""
    with open_text(path) as lines:
        for number, line in enumerate(lines, start=1):
            fault = _fault(line)
            if fault:
                return f"{path}:{number}: {fault}, which Data-Juicer cannot read"
    return None


def _fault(line: str) -> str | None:
    repeated: list[str] = []

    def check(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        fields = dict(pairs)
        if len(fields) < len(pairs):
            counts = Counter(name for name, _ in pairs)
            repeated.extend(name for name, count in counts.items() if count > 1)
        return fields

    if line.isspace():
        return "a blank line in a file whose fields have several types"
    row = json.loads(line, object_pairs_hook=check)
    if repeated:
        return f"the field '{repeated[0]}' occurs twice"
    if "\\u" in line and SURROGATE.search(json.dumps(row, ensure_ascii=False)):
        return "half of a surrogate pair"
    return "values nested too deeply" if depth_of(row) > DEEPEST else None


def count_rows(recipe: RecipeConfig) -> int | None:
    """Count the rows of a dataset of JSON Lines files; ``None`` for other formats."""
    files = [file for path in recipe.sources for file in _files(path)]
    if not files or not all(file.name.endswith(SUFFIXES) for file in files):
        return None
    return sum(count_lines(file) for file in files)


def _fields(path: Path) -> set[str]:
    """Return all fields of the rows in a JSON Lines file."""
    return {name for _, sample in locate_samples(path) for name in sample}


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def _has_content(path: Path) -> bool:
    if path.name.endswith(SUFFIXES):
        return has_lines(path)
    return path.stat().st_size > 0


def _names(recipe: RecipeConfig) -> str:
    return ", ".join(map(str, recipe.sources)) or "the dataset"
