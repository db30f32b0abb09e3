"""Create a small causal language model from text and a seed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, PositiveInt, model_validator

from djsb_core.api import (
    ComponentConfig,
    ComponentError,
    GeneralDataExecutor,
    InputPath,
    Metric,
    MetricKind,
    OutputPath,
)
from djsb_modelscope.configuration import write_configuration
from djsb_modelscope.rows import read_texts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Architecture = Literal["gpt2", "llama", "qwen2"]

END, PADDING = "<|endoftext|>", "<|pad|>"
#: 256 bytes and the two special tokens: the smallest byte-level vocabulary.
SMALLEST_VOCABULARY = 258


class CausalLmFromScratchConfig(ComponentConfig):
    """Settings of ``causal_lm_from_scratch``."""

    dataset_path: InputPath = Field(description="JSON Lines file whose text trains the tokenizer.")
    export_path: OutputPath | None = Field(
        None, description="The model folder; default: `model` in the job's folder."
    )
    text_key: str = Field("text", description="Field with the text of a sample.")
    architecture: Architecture = Field("gpt2", description="Kind of model.")
    vocab_size: int = Field(
        2048, ge=SMALLEST_VOCABULARY, description="Maximum number of tokens in the vocabulary."
    )
    layers: PositiveInt = Field(4, description="Transformer layers.")
    hidden_size: PositiveInt = Field(128, description="Width of the model.")
    heads: PositiveInt = Field(4, description="Attention heads; must divide hidden_size.")
    context_length: int = Field(256, ge=2, description="Context window in tokens.")
    seed: int = Field(0, ge=0, lt=2**31, description="Seed of the random weights.")

    @model_validator(mode="after")
    def _check_heads(self) -> CausalLmFromScratchConfig:
        if self.hidden_size % self.heads:
            raise ValueError(f"heads {self.heads} must divide hidden_size {self.hidden_size}")
        # llama and qwen2 rotate pairs of numbers within a head.
        if self.architecture != "gpt2" and self.hidden_size // self.heads % 2:
            raise ValueError(f"hidden_size / heads must be even for {self.architecture}")
        return self


class CausalLmFromScratch(GeneralDataExecutor[CausalLmFromScratchConfig]):
    """Create a folder with an untrained causal language model, for transformers and ModelScope.

    Reports ``parameters`` (trainable ones, shared ones counted once) and ``vocab_size``.
    """

    config_type = CausalLmFromScratchConfig
    metrics = (
        Metric("parameters", kind=MetricKind.COUNT),
        Metric("vocab_size", "tokens", kind=MetricKind.COUNT),
    )

    def check(self) -> Sequence[str]:
        """List missing packages."""
        from djsb_modelscope.models import list_missing_packages

        return list_missing_packages()

    def execute(self) -> Path:
        """Train the tokenizer, initialize the weights, write the folder and return its path.

        :raises ComponentError: if the text cannot be read
        """
        folder = self.config.export_path or self.workspace.folder / "model"
        parameters, vocabulary = make_folder(self.config, folder)
        self.workspace.watcher.watch(parameters, "parameters")
        self.workspace.watcher.watch(vocabulary, "vocab_size")
        return folder


def make_folder(config: CausalLmFromScratchConfig, folder: Path) -> tuple[int, int]:
    """Write the model folder; return its number of parameters and its vocabulary's size.

    :raises ComponentError: if the text cannot be read, or the folder has other content
    """
    if folder.exists() and not (folder / "config.json").is_file() and _holds_anything(folder):
        raise ComponentError(f"{folder}: exists and is not a model folder; choose another")
    tokenizer = _train_tokenizer(read_texts(config.dataset_path, config.text_key), config)
    model = _draw_model(config, len(tokenizer))
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    _save(tokenizer, model, partial)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return model.num_parameters(), len(tokenizer)


def _holds_anything(path: Path) -> bool:
    return path.is_file() or any(path.iterdir())


def _train_tokenizer(texts: list[str], config: CausalLmFromScratchConfig) -> Any:  # noqa: ANN401
    """Train a byte-level BPE: every text has tokens, and none is unknown."""
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=config.vocab_size,
        special_tokens=[END, PADDING],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer, length=len(texts))
    wrap: Any = transformers.PreTrainedTokenizerFast
    return wrap(
        tokenizer_object=tokenizer,
        bos_token=END,
        eos_token=END,
        pad_token=PADDING,
        model_max_length=config.context_length,
        clean_up_tokenization_spaces=False,
    )


def _draw_model(config: CausalLmFromScratchConfig, vocabulary: int) -> Any:  # noqa: ANN401
    """Create the model with random weights, without touching torch's global random state."""
    import torch
    import transformers

    models: Any = transformers.AutoModelForCausalLM
    logging: Any = transformers.utils.logging
    logging.disable_progress_bar()
    shape = transformers.AutoConfig.for_model(config.architecture, **_shape(config, vocabulary))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return models.from_config(shape, dtype=torch.float32)


def _shape(config: CausalLmFromScratchConfig, vocabulary: int) -> dict[str, Any]:
    common = {
        "vocab_size": vocabulary,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "pad_token_id": 1,
        "tie_word_embeddings": True,
    }
    if config.architecture == "gpt2":
        # No dropout: small models see little data, and a step is a third faster.
        return common | {
            "n_embd": config.hidden_size,
            "n_layer": config.layers,
            "n_head": config.heads,
            "n_positions": config.context_length,
            "activation_function": "gelu_pytorch_tanh",
            **dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0),
        }
    return common | {
        "hidden_size": config.hidden_size,
        # Three matrices where GPT-2 has two: 8/3 of the width keeps the number of parameters.
        "intermediate_size": -(-config.hidden_size * 8 // 24) * 8,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.heads,
        "max_position_embeddings": config.context_length,
    }


def _save(tokenizer: Any, model: Any, folder: Path) -> None:  # noqa: ANN401 (of transformers)
    folder.mkdir(parents=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_configuration(folder, model.config.model_type)
