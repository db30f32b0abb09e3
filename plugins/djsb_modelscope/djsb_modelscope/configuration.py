"""The file that makes a folder in transformers' format a ModelScope model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_configuration(folder: Path, model_type: str) -> None:
    """Write ``configuration.json``.

    :param model_type: what transformers calls the architecture: ``gpt2``
    """
    # ModelScope has its own llama; under any other name it loads that of transformers.
    name = "llama-hf" if model_type == "llama" else model_type
    content = {"framework": "pytorch", "task": "text-generation", "model": {"type": name}}
    (folder / "configuration.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
