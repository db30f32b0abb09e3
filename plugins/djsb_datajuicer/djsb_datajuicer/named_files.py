"""The files that a recipe names in addition to its dataset: models, word lists, code, media."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb_core.api import ComponentError, files_beside, locate_samples
from djsb_datajuicer.lines import SUFFIXES
from djsb_datajuicer.operators import BASE_FILE, operator_of
from djsb_datajuicer.sources import custom_files, package_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from djsb_datajuicer.recipe import RecipeConfig

WRITTEN = re.compile(
    r"(^|_)(save|export|temp|tmp|visualization|work|log|cache|checkpoint_dir|partition)(_|$)"
    r"|(^|_)output(_\w+)?_(dir|path|file|folder)$"
    r"|^(frame_dir|face_track_bbox_path|point_cloud_dir_for_metric)$"
)
"""Names of settings under which operators write."""

PLACE = re.compile(
    r"path|dir|file|folder|home|model|tokenizer|weight|ckpt|checkpoint|config|cfg|classifier"
)
"""Names of settings whose value may be a file or folder even if it is a bare word."""

HANDLED = {"dataset_path", "dataset", "custom_operator_paths", "process"}
MEDIA = {"image_key": "images", "audio_key": "audios", "video_key": "videos"}
"""Keys of a recipe for the fields of rows that name files, and the usual fields."""

USES_MEDIA = re.compile(r"self\.(image|audio|video)_key\b")
ENVIRONMENT = re.compile(r"""environ(?:\.get\(|\.setdefault\(|\[)\s*["'](\w+)["']""")
LONGEST = 1024


def named_files(recipe: RecipeConfig) -> list[Path]:
    """List the existing files and folders that a recipe's settings name, and their code's."""
    settings = {name: value for name, value in recipe.settings().items() if name not in HANDLED}
    values = [settings, *(arguments for _, arguments in recipe.operators)]
    named = [path for value in values for path in _named(value, "")]
    code = [*recipe.custom_operator_paths, *(path for path in named if path.suffix == ".py")]
    beside = (Path(file.path) for place in code for file in files_beside(str(place)))
    return list(dict.fromkeys([*named, *beside, *_own_operators(recipe)]))


def media_files(recipe: RecipeConfig) -> list[Path]:
    """List the images, audios and videos that the dataset's rows name, if an operator uses them."""
    settings = recipe.settings()
    fields = {
        str(arguments.get(key) or settings.get(key) or MEDIA[key])
        for name, arguments in recipe.operators
        for key in _media_of(recipe, name)
    }
    if not fields:
        return []
    files = (file for source in recipe.sources for file in _data_files(source))
    return sorted(
        {path for file in files for path in _rows_media(*_state(file), tuple(sorted(fields)))}
    )


def environment_of(recipe: RecipeConfig) -> list[str]:
    """List the environment variables that the recipe's operators read, and those of their APIs."""
    paths = {path for name, _ in recipe.operators for path in _lineage(recipe, name)}
    texts = [_text(path) for path in paths]
    if any("prepare_model" in text for text in texts):
        texts.append(_text(package_folder() / "utils" / "model_utils.py"))
    return sorted({name for text in texts for name in ENVIRONMENT.findall(text)})


def _named(value: object, name: str) -> Iterator[Path]:
    """Yield the existing paths in a setting; nested ones under the names of their own keys."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not WRITTEN.search(str(key)):
                yield from _named(item, f"{name}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from _named(item, name)
    elif isinstance(value, str) and 0 < len(value) <= LONGEST and "\0" not in value:
        last = name.rpartition(".")[2]
        if os.sep in value or "." in value or PLACE.search(last):
            place = os.path.realpath(os.path.expanduser(value))  # noqa: PTH111
            if os.path.lexists(place) and not _is_around(place):
                yield Path(place)


def _is_around(place: str) -> bool:
    """Return whether the working folder is inside a folder, such as ``.``: no input, then."""
    here = os.path.realpath(".")
    return os.path.commonpath([here, place]) == place


def _own_operators(recipe: RecipeConfig) -> Iterator[Path]:
    """Yield the files of operators that no installed version of Data-Juicer determines."""
    installed = "site-packages" in package_folder().parts
    for name, _ in recipe.operators:
        for path in _lineage(recipe, name):
            if not path.is_relative_to(package_folder()):
                yield from (Path(file.path) for file in files_beside(str(_outermost(path))))
            elif not installed:
                yield path


def _outermost(path: Path) -> Path:
    """Return the outermost package that a file belongs to, or the file."""
    place = path
    while (place.parent / "__init__.py").is_file():
        place = place.parent
    return place


def _lineage(recipe: RecipeConfig, name: str) -> list[Path]:
    operator = operator_of(name, custom_files(map(str, recipe.custom_operator_paths)))
    return [definition.path for definition in operator.lineage] if operator else []


def _media_of(recipe: RecipeConfig, name: str) -> set[str]:
    """Return the keys of the media that an operator's code uses: ``image_key``, …."""
    paths = [path for path in _lineage(recipe, name) if path.name != BASE_FILE]
    return {f"{kind}_key" for path in paths for kind in USES_MEDIA.findall(_text(path))}


def _text(path: Path) -> str:
    return _read(*_state(path))


@lru_cache(maxsize=1024)
def _read(path: Path, _: tuple[int, ...]) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # removed in the meantime
        return ""


def _data_files(source: Path) -> list[Path]:
    if source.is_dir():
        return sorted(path for path in source.rglob("*") if path.is_file())
    return [source]


def _state(file: Path) -> tuple[Path, tuple[int, ...]]:
    try:
        state = file.stat()
    except OSError:  # removed in the meantime
        return file, ()
    return file, (state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)


@lru_cache(maxsize=64)
def _rows_media(file: Path, _: tuple[int, ...], fields: tuple[str, ...]) -> tuple[Path, ...]:
    """Return the files that a dataset's rows name; cached until the dataset changes."""
    found: dict[str, None] = {}
    try:
        for row in _rows(file, fields):
            for field in fields:
                value = row.get(field)
                for item in value if isinstance(value, list) else [value]:
                    if isinstance(item, str) and item:
                        found[item] = None
    except (ComponentError, OSError, ValueError):  # the job itself reports what is wrong
        return ()
    # Data-Juicer looks up relative paths in the dataset's folder.
    return tuple(file.parent / path for path in found)


def _rows(file: Path, fields: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    if file.name.endswith(SUFFIXES):
        yield from (row for _, row in locate_samples(file))
    elif file.suffix == ".parquet":
        import pyarrow.parquet as pq

        table = pq.ParquetFile(file)
        known = [field for field in fields if field in table.schema_arrow.names]
        for batch in table.iter_batches(columns=known):
            yield from batch.to_pylist()
    elif file.suffix == ".json":
        import json

        rows = json.loads(file.read_text(encoding="utf-8"))
        yield from (row for row in (rows if isinstance(rows, list) else [rows]))
