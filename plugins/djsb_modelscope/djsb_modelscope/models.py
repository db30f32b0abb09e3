"""Checks of a model folder and a trainer's name, without loading anything."""

from __future__ import annotations

import ast
import json
from difflib import get_close_matches
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from djsb_core.api import ComponentError, DoctorCheck, check_file, check_packages, check_weights

#: Packages that training needs, with the reason. Tested together: ModelScope 1.40 with the
#: versions in the metadata.
PACKAGES = {
    "modelscope": "it trains the models",
    "datasets": "ModelScope and Data-Juicer support only some versions",
    "transformers": "it loads and saves the models",
    "torch": "it runs the models",
    "addict": "ModelScope imports it",
    "simplejson": "ModelScope imports it",
}

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
)

WEIGHT_FILES = ("*.safetensors", "*.bin")

TRANSFORMERS_5 = 5
"""The major version in which some of ModelScope's own models do not work."""

#: Names of ModelScope's model families and trainers whose code imports ``megatron_util``.
NEEDS_MEGATRON = frozenset(
    {"gpt3", "gpt-moe", "mglm", "plug"}
    | {"nlp-gpt3-trainer", "nlp-gpt-moe-trainer", "nlp-plug-trainer"}
)

#: ModelScope's own models that use what transformers 5.0 removed (tested with 1.40.2 on 5.23).
NEEDS_TRANSFORMERS_4 = frozenset(
    {"T5", "bert", "fid-T5", "megatron-bert", "polylm", "qwen-7b", "siamese-uie", "xlm-roberta"}
)


def read_json(path: Path) -> dict[str, Any]:
    """Return a JSON object, empty if the file does not exist.

    :raises ComponentError: if the file contains something else
    """
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as cause:
        raise ComponentError(f"{path}: not JSON: {cause}") from cause
    if not isinstance(content, dict):
        raise ComponentError(f"{path}: must be a JSON object")
    return content


def is_causal_lm(folder: Path) -> bool:
    """Return whether ``config.json`` names a causal language model of transformers."""
    names = read_json(folder / "config.json").get("architectures") or []
    return any(str(name).endswith(("ForCausalLM", "LMHeadModel")) for name in names)


def context_length(folder: Path) -> int | None:
    """Return the model's context window in tokens, if ``config.json`` states it."""
    config = read_json(folder / "config.json")
    for key in ("max_position_embeddings", "n_positions", "n_ctx", "max_sequence_length"):
        if isinstance(config.get(key), int):
            return int(config[key])
    return None


def causal_lm_needs(folder: Path) -> list[DoctorCheck]:
    """List the files of a causal language model in transformers' format, existing or missing."""
    config = folder / "config.json"
    no_config = "no config.json; a causal_lm model is in transformers' format"
    no_tokenizer = "the model folder has no tokenizer; add its tokenizer.json"
    no_weights = "the model folder has no weights; add its model.safetensors"
    return [
        check_file(str(config), config, no_config),
        *check_weights(folder, "tokenizer.json", TOKENIZER_FILES, absent=no_tokenizer),
        *check_weights(folder, "model.safetensors", WEIGHT_FILES, absent=no_weights),
    ]


def list_causal_lm_problems(folder: Path, max_length: int | None) -> list[str]:
    """List what prevents a folder from being trained as a causal language model."""
    problems = [need.sentence for need in causal_lm_needs(folder) if not need.ok]
    longest = context_length(folder)
    if longest is not None and max_length is not None and max_length > longest:
        problems.append(f"max_length {max_length} exceeds the model's context of {longest} tokens")
    return problems


def list_native_problems(folder: Path | None, trainer_name: str) -> list[str]:
    """List what prevents a ModelScope model from being trained by ModelScope's own code."""
    family = ""
    if folder is not None:
        if not (folder / "configuration.json").is_file():
            return [f"{folder}: no configuration.json; ModelScope needs one in native mode"]
        family = str(read_json(folder / "configuration.json").get("model", {}).get("type", ""))
    problems = [
        f"'{name}' needs the package megatron_util, which is not installed "
        "(the megatron-util on PyPI is a dummy); a model in transformers' format does not"
        for name in dict.fromkeys((family, trainer_name))
        if name in NEEDS_MEGATRON and find_spec("megatron_util") is None
    ]
    if family in NEEDS_TRANSFORMERS_4 and major_version("transformers") >= TRANSFORMERS_5:
        problems.append(
            f"ModelScope's own '{family}' model cannot be imported with transformers "
            f"{version('transformers')}; it needs transformers<5 in an isolated environment"
        )
    return problems


def list_trainer_problems(name: str | None) -> list[str]:
    """Return a problem if ModelScope has no trainer of that name."""
    known = list_trainers()
    if name is None or not known or name in known:
        return []
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else "the default is 'trainer'"
    return [f"ModelScope has no trainer '{name}'; {hint}"]


@lru_cache(maxsize=1)
def list_trainers() -> tuple[str, ...]:
    """List ModelScope's trainers; empty if it is not installed.

    Parses its ``metainfo.py``: importing that loads torch.
    """
    spec = find_spec("modelscope")
    if spec is None or spec.origin is None:
        return ()
    source = Path(spec.origin).with_name("metainfo.py").read_text(encoding="utf-8")
    names = set()
    for block in ast.parse(source).body:
        if isinstance(block, ast.ClassDef) and block.name.endswith("Trainers"):
            for line in block.body:
                if isinstance(line, ast.Assign) and isinstance(line.value, ast.Constant):
                    names.add(str(line.value.value))
    return tuple(sorted(names))


def list_missing_packages() -> list[str]:
    """List missing packages that training needs, one message per package."""
    if all(find_spec(name) is not None for name in PACKAGES):
        return []
    checks = check_packages("djsb-modelscope", PACKAGES)
    return [check.sentence for check in checks if not check.ok and check.required]


def major_version(package: str) -> int:
    """Return the major version of an installed package; 0 if it is not installed."""
    try:
        return int(version(package).split(".")[0])
    except PackageNotFoundError:
        return 0
