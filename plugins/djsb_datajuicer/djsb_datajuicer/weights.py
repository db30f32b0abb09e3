"""Lists the model files, hub models and word lists that a recipe's operators need."""

from __future__ import annotations

import ast
import fnmatch
import os
import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb_core.api import size_text
from djsb_datajuicer.needs import MODELS_FILE, calls, prepared_models
from djsb_datajuicer.operators import operator_of
from djsb_datajuicer.sources import package_folder, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from djsb_datajuicer.operators import Operator

ASSETS_FILE = "utils/asset_utils.py"
LOADS_WORDS = "load_words_asset"

FILES: Mapping[str, tuple[str, ...]] = {
    "fasttext": ("lid.176.bin",),
    "fastsam": ("{model_path}",),
    "kenlm": ("{lang}.arpa.bin",),
    "recognizeAnything": ("{pretrained_model_name_or_path}",),
    "sentencepiece": ("{lang}.sp.model",),
    "spacy": ("{lang}_core_web_md-3.7.0.tar.gz",),
    "yolo": ("{model_path}",),
}
"""Files of each kind of model (``MODEL_FUNCTION_MAPPING`` in Data-Juicer's ``model_utils``), as
templates of the settings with which it is prepared."""

HUB = {
    "SenseVoiceSmall",
    "diffusion",
    "embedding",
    "huggingface",
    "moge",
    "sdxl-prompt-to-prompt",
    "simple_aesthetics",
    "vggt",
    "video_blip",
    "vllm",
}
"""Kinds of model that come from the Hugging Face hub, or from a local folder."""
HUB_SETTINGS = ("pretrained_model_name_or_path", "model_path")
HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w.-]+)?")

NLTK = {
    "nltk": ("tokenizers", "punkt"),
    "nltk_pos_tagger": ("taggers", "averaged_perceptron_tagger"),
}
"""Category and name of the NLTK package of each kind of model."""

KNOWN: Mapping[str, tuple[int, str]] = {
    "lid.176.bin": (
        131_266_198,
        "7e69ec5451bc261cc7844e49e4792a85d7f09c06789ec800fc4a44aec362764e",
    ),
    "FastSAM-s.pt": (
        23_851_578,
        "c9f78716a81c7aff0d608ccc73e1b82ab3aaad86005049f6a92106a0be6d0844",
    ),
    "FastSAM-x.pt": (
        144_972_346,
        "752cadc2828edb1cd4bc4f9eb587100631af06ea2108f4c9ed56df4755701e76",
    ),
    "yolo11n.pt": (
        5_613_764,
        "0ebbc80d4a7680d14987a577cd21342b65ecfd94632bd9a8da63ae6417644ee1",
    ),
}
"""Size in bytes and SHA-256 of published files."""


@dataclass(frozen=True)
class Weight:
    """A file or hub model that an operator loads."""

    operator: str
    name: str
    """The file, or the model's id on the hub."""
    path: Path
    """The file or folder that is loaded, or where Data-Juicer would download it."""
    exists: bool
    is_hub_model: bool = False
    is_published: bool = True
    """Whether it can be downloaded; otherwise it is a folder that the recipe names."""
    urls: tuple[str, ...] = ()
    """Where Data-Juicer downloads it from, best first."""

    @property
    def size(self) -> int | None:
        """Its size in bytes, if known."""
        if self.path.is_file():
            return self.path.stat().st_size
        return KNOWN[self.name][0] if self.name in KNOWN else None

    @property
    def sha256(self) -> str | None:
        """The digest of the published file, if known."""
        return KNOWN[self.name][1] if self.name in KNOWN else None

    @property
    def label(self) -> str:
        """Its name, with its size if known."""
        size = self.size
        return self.name if size is None else f"{self.name} ({size_text(size)})"


def list_weights(
    operators: Iterable[tuple[str, Mapping[str, Any]]], custom: Mapping[str, Path]
) -> list[Weight]:
    """List what the operators of a recipe load, each file once.

    :param operators: names and arguments
    :param custom: the recipe's custom operators, with their files
    """
    weights: dict[Path, Weight] = {}
    for name, arguments in operators:
        operator = operator_of(name, custom)
        if operator is not None:
            for weight in _weights(operator, arguments):
                weights.setdefault(weight.path, weight)
    return list(weights.values())


def _weights(operator: Operator, arguments: Mapping[str, Any]) -> Iterator[Weight]:
    for kind, settings in prepared_models(operator, arguments):
        if kind in HUB:
            yield from _hub_models(operator.name, settings)
        elif kind in NLTK:
            yield _nltk_package(operator.name, *NLTK[kind])
        for template in FILES.get(kind, ()):
            try:
                file = template.format_map(settings)
            except KeyError:  # an operator that sets its file itself
                continue
            yield _file(operator.name, file, _model_folders(), _model_urls(file))
    for settings in calls(operator, arguments, LOADS_WORDS):
        if isinstance(words := settings.get("words_type"), str):
            yield _word_list(operator.name, words, settings.get("words_dir"))


def _file(operator: str, file: str, folders: Sequence[Path], urls: tuple[str, ...]) -> Weight:
    place = next((folder for folder in folders if (folder / file).exists()), folders[-1])
    return Weight(operator, file, place / file, (place / file).exists(), urls=urls)


def _hub_models(operator: str, settings: Mapping[str, Any]) -> Iterator[Weight]:
    name = next((settings[key] for key in HUB_SETTINGS if settings.get(key)), None)
    if not isinstance(name, str):
        return
    external = os.environ.get("DATA_JUICER_EXTERNAL_MODELS_HOME") or "."
    local = next((path for path in (Path(external, name), Path(name)) if path.exists()), None)
    is_id = HUB_ID.fullmatch(name) is not None
    folder = hub_folder() / f"models--{name.replace('/', '--')}" if is_id else Path(name)
    exists = local is not None or (is_id and any(folder.glob("snapshots/*/*")))
    is_hub_model = is_id and local is None
    yield Weight(operator, name, local or folder, exists, is_hub_model, is_published=is_id)


def _nltk_package(operator: str, category: str, name: str) -> Weight:
    folders = [folder / category for folder in _nltk_folders()]
    for folder in folders:
        for path in (folder / name, folder / f"{name}.zip"):
            if path.exists():
                return Weight(operator, path.name, path, exists=True)
    file = f"{name}.zip"
    return Weight(operator, file, folders[0] / file, exists=False, urls=_nltk_urls(category, file))


def _word_list(operator: str, words: str, words_dir: object) -> Weight:
    folder = Path(words_dir) if isinstance(words_dir, str) else _cache("ASSETS_CACHE", "assets")
    folder = folder.expanduser()
    files = sorted(folder.glob(f"*{words}*.json")) if folder.is_dir() else []
    path = files[0] if files else folder / f"{words}.json"
    url = _table(ASSETS_FILE, "ASSET_LINKS").get(words)
    return Weight(operator, f"{words}.json", path, bool(files), urls=(url,) if url else ())


def _model_urls(file: str) -> tuple[str, ...]:
    """Return the addresses of a model file: Data-Juicer's own, then where it was published."""
    first = f"{_table(MODELS_FILE, 'MODEL_LINKS')}{file}"
    backups = _table(MODELS_FILE, "BACKUP_MODEL_LINKS").items()
    folders = [url for pattern, url in backups if fnmatch.fnmatch(file, pattern)]
    return (first, *(f"{url}{file}" if url.endswith("/") else url for url in folders))


def _nltk_urls(category: str, file: str) -> tuple[str, ...]:
    spec = find_spec("nltk")
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        return ()
    source = (Path(folders[0]) / "downloader.py").read_text(encoding="utf-8")
    match = re.search(r"DEFAULT_URL = [\"'](.*)/[^/]*[\"']", source)
    return (f"{match[1]}/packages/{category}/{file}",) if match else ()


@lru_cache(maxsize=8)
def _table(file: str, name: str) -> Any:  # noqa: ANN401 (a text or a mapping)
    """Return a constant of Data-Juicer's source."""
    for node in parse(package_folder() / file).body:
        if isinstance(node, ast.Assign):
            names = {target.id for target in node.targets if isinstance(target, ast.Name)}
            if name in names:
                return ast.literal_eval(node.value)
    return {}


def hub_folder() -> Path:
    """Return the folder in which the Hugging Face libraries keep downloaded models."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("HF_HOME", f"{cache}/huggingface")
    names = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE")
    place = next((os.environ[name] for name in names if os.environ.get(name)), f"{home}/hub")
    return Path(place).expanduser()


def _model_folders() -> list[Path]:
    """List where Data-Juicer looks for model files; it downloads them to the last folder."""
    more = os.environ.get("DATA_JUICER_EXTERNAL_MODELS_HOME", "").split(os.pathsep)
    places = [".", *(folder.strip() for folder in more if folder.strip())]
    return [*(Path(folder).expanduser() for folder in places), _cache("MODELS_CACHE", "models")]


def _cache(variable: str, name: str) -> Path:
    home = Path(os.environ.get("CACHE_HOME", "~/.cache"), "data_juicer")
    default = Path(os.environ.get("DATA_JUICER_CACHE_HOME", home), name)
    return Path(os.environ.get(f"DATA_JUICER_{variable}", default)).expanduser()


def _nltk_folders() -> list[Path]:
    """List where NLTK looks for its data."""
    named = filter(None, os.environ.get("NLTK_DATA", "").split(os.pathsep))
    prefixes = [Path(sys.prefix, part) for part in ("", "share", "lib")]
    system = [Path("/usr", part) for part in ("share", "local/share", "lib", "local/lib")]
    home = Path("~").expanduser()
    parents = [home, *prefixes, *system]
    return [*map(Path, named), *(parent / "nltk_data" for parent in parents)]
