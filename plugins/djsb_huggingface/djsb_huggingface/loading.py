"""Load a causal language model and its tokenizer from this machine, never from the network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from djsb_core.api import (
    CheckKind,
    ComponentError,
    DoctorCheck,
    check_file,
    check_packages,
    check_weights,
    counted,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import torch

Dtype: TypeAlias = Literal["auto", "float32", "bfloat16", "float16"]

PACKAGES = {"torch": "it runs the models", "transformers": "it loads models and tokenizers"}
"""Packages that every component of this package needs, with the reason."""
WEIGHTS = ("*.safetensors", "*.bin")
TOKENIZERS = ("tokenizer*", "vocab*", "*.model", "*.tiktoken")
POSITIONS = ("max_position_embeddings", "n_positions", "n_ctx", "seq_length", "max_seq_len")


@dataclass(frozen=True)
class LanguageModel:
    """A causal language model ready to run, and its tokenizer."""

    name: str
    """The model's folder or name, for messages."""
    model: Any
    """A ``PreTrainedModel``; most of its methods have no types."""
    tokenizer: Any
    """A ``PreTrainedTokenizerBase``."""

    @property
    def device(self) -> torch.device:
        """The device of the model and its inputs."""
        device: torch.device = self.model.device
        return device

    @property
    def context_window(self) -> int | None:
        """The longest input in tokens; ``None`` if the model states no limit."""
        config = self.model.config.get_text_config()
        for name in POSITIONS:
            limit = getattr(config, name, None)
            if isinstance(limit, int) and limit > 0:
                return limit
        return None

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens of each text, after the BOS token if the tokenizer adds it.

        An end token that the tokenizer adds is left out: the text may continue.
        """
        encoded = self.tokenizer(list(texts), add_special_tokens=False, verbose=False)
        return [[*self._start, *tokens] for tokens in encoded["input_ids"]]

    @cached_property
    def _start(self) -> list[int]:
        first = self.tokenizer("a")["input_ids"][:1]
        plain = self.tokenizer("a", add_special_tokens=False)["input_ids"][:1]
        starts = first != plain and first == [self.tokenizer.bos_token_id]
        return list(first) if starts else []


def missing_packages() -> list[str]:
    """List the missing packages, one message per package."""
    if all(find_spec(name) is not None for name in PACKAGES):
        return []
    checks = check_packages("djsb-huggingface", PACKAGES)
    return [check.sentence for check in checks if not check.ok and check.required]


def model_needs(source: Path | str) -> list[DoctorCheck]:
    """List the files of a model in a folder, or in the local Hugging Face cache."""
    folder = find_folder(source)
    return [not_found(str(source))] if folder is None else folder_needs(folder)


def folder_needs(folder: Path) -> list[DoctorCheck]:
    """List the files of a model folder; none if it does not exist: an earlier job may write it."""
    if not folder.exists():
        return []
    config = folder / "config.json"
    absent = "not a Hugging Face model folder: no config.json"
    config_check = check_file(str(config), config, absent)
    if not config_check.ok:
        return [config_check]
    weights = f"the model has no weights; expected one of {', '.join(WEIGHTS)}"
    tokenizer = f"the model has no tokenizer; expected one of {', '.join(TOKENIZERS)}"
    return [
        config_check,
        *check_weights(folder, "model.safetensors", WEIGHTS, absent=weights),
        *check_weights(folder, "tokenizer.json", TOKENIZERS, absent=tokenizer),
    ]


def not_found(name: str) -> DoctorCheck:
    """Return the failed check for a model that is not on this machine."""
    return DoctorCheck(
        name,
        ok=False,
        finding="neither a folder nor a model in the local Hugging Face cache",
        remedy=f"download it first: hf download {name}",
        kind=CheckKind.FILE,
    )


def find_folder(source: Path | str) -> Path | None:
    """Return the model's folder, or the snapshot in the local cache for a model name.

    transformers would find it too, but huggingface_hub accesses the network for other files, even
    with ``local_files_only``. It is never used for a folder.
    """
    if isinstance(source, Path):
        return source
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(source, "config.json")
    return Path(config).parent if isinstance(config, str) else None


def load_language_model(
    source: Path | str, *, device: str, dtype: Dtype, model_params: Mapping[str, Any] | None = None
) -> LanguageModel:
    """Load model and tokenizer, and put the model on its device, ready for inference.

    :param source: a model folder, or the name of a model in the local Hugging Face cache
    :param device: ``auto``, or the name of a torch device
    :param dtype: precision of the weights; ``auto`` keeps that of the files
    :param model_params: additional arguments of ``from_pretrained``
    :raises ComponentError: if the folder does not contain a complete causal language model, or the
        device does not exist
    """
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    folder = find_folder(source)
    if folder is None:
        raise ComponentError(not_found(str(source)).sentence)
    for need in folder_needs(folder):
        if not need.ok:
            raise ComponentError(need.sentence)
    target = pick_device(device)
    params = {"dtype": dtype, **(model_params or {})}
    local: dict[str, Any] = {"local_files_only": True}
    if "trust_remote_code" in params:
        local["trust_remote_code"] = params.pop("trust_remote_code")
    name = str(source)
    try:
        config = AutoConfig.from_pretrained(folder, **local)
        refuse_other_models(name, config)
        tokenizer = AutoTokenizer.from_pretrained(folder, **local)
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder, output_loading_info=True, **params, **local
        )
    except ComponentError:
        raise
    except Exception as error:
        raise ComponentError(f"{name}: the model cannot be loaded: {first_line(error)}") from error
    model, report = loaded
    refuse_missing_weights(name, report["missing_keys"])
    if "device_map" not in params:
        model = model.to(target)
    return LanguageModel(name, model.eval(), tokenizer)


def refuse_other_models(name: str, config: Any) -> None:  # noqa: ANN401 (transformers' config)
    """Reject a model that is not a causal language model.

    :raises ComponentError: if it is an encoder, a classifier, or a sequence-to-sequence model
    """
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    known = set(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values())
    own = getattr(config, "auto_map", None) or {}
    architectures = config.architectures or []
    causal = (
        not architectures or not known.isdisjoint(architectures) or "AutoModelForCausalLM" in own
    )
    if not causal or config.is_encoder_decoder:
        kind = ", ".join(architectures) or config.model_type
        raise ComponentError(f"{name}: not a causal language model: it is a {kind}")


def refuse_missing_weights(name: str, missing: Iterable[str]) -> None:
    """Reject a model some of whose weights would be random.

    :raises ComponentError: if weights are missing in the files
    """
    names = sorted(missing)
    if names:
        examples = ", ".join(names[:3]) + (", …" if len(names) > len(names[:3]) else "")
        raise ComponentError(
            f"{name}: {counted(len(names), 'weight is', 'weights are')} not in the model's files: "
            f"{examples}"
        )


def pick_device(name: str) -> torch.device:
    """Return the device of that name; ``auto`` is the best one of this machine.

    :raises ComponentError: if there is no such device
    """
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ComponentError(f"device '{name}' cannot be used: {first_line(error)}") from error
    return device


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message; libraries append advice and traces."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
