"""Generate answers to batches of messages with a causal language model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from djsb_core.api import ComponentError, counted
from djsb_huggingface.loading import first_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from djsb_huggingface.loading import LanguageModel
    from djsb_huggingface.messages import Message

DEFAULT_NEW_TOKENS = 512
"""Data-Juicer's default; that of transformers, 20, is too small for an answer."""

SEVERAL_ANSWERS = {"num_return_sequences", "return_dict_in_generate"}
"""Parameters that would change the output format; a sample has one answer."""


class Generator:
    """Answers batches of prompts with one model.

    A tokenizer with a chat template builds the prompt with it. Otherwise the prompt is the
    contents of the messages in order, one per line, with nothing after the last.
    """

    def __init__(self, language_model: LanguageModel, sampling_params: Mapping[str, Any]) -> None:
        """Complete the sampling parameters.

        :raises ComponentError: if a parameter cannot be used
        """
        self._language_model = language_model
        self._model = language_model.model
        self._tokenizer = language_model.tokenizer
        self._device = language_model.device
        self._limit = language_model.context_window
        self._params = self._complete(sampling_params)

    def _complete(self, sampling_params: Mapping[str, Any]) -> dict[str, Any]:
        known = {*vars(self._model.generation_config), "max_tokens"} - SEVERAL_ANSWERS
        unknown = sorted(set(sampling_params) - known)
        if unknown:
            raise ComponentError(f"sampling_params: cannot use {', '.join(unknown)}")
        params = dict(sampling_params)
        if "max_tokens" in params:
            params.setdefault("max_new_tokens", params.pop("max_tokens"))
        if not {"max_new_tokens", "max_length", "max_time"} & set(params):
            own = self._model.generation_config.max_new_tokens
            params["max_new_tokens"] = own or self._default_new_tokens()
        return params

    def _default_new_tokens(self) -> int:
        """Reserve at least half of a small model's context window for the prompt."""
        return min(DEFAULT_NEW_TOKENS, (self._limit or 2 * DEFAULT_NEW_TOKENS) // 2)

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Return the tokens of a prompt.

        :raises ComponentError: if the model's chat template rejects the messages, or prompt and
            answer together would exceed the model's context window
        """
        if self._tokenizer.chat_template:
            # A chat template adds the special tokens itself.
            text = self._apply_template(messages)
            tokens: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        else:
            text = "\n".join(message["content"] for message in messages)
            tokens = self._language_model.tokenize([text])[0]
        new = self._params.get("max_new_tokens", 0)
        if not tokens:
            raise ComponentError("the prompt is empty")
        if self._limit is not None and len(tokens) + new > self._limit:
            raise ComponentError(
                f"the prompt has {counted(len(tokens), 'token')}; with {new} new ones it "
                f"exceeds the model's context window of {self._limit}; "
                "lower max_new_tokens or shorten the text"
            )
        return tokens

    def _apply_template(self, messages: Sequence[Message]) -> str:
        from jinja2 import TemplateError

        try:
            text: str = self._tokenizer.apply_chat_template(
                list(messages), add_generation_prompt=True, tokenize=False
            )
        except TemplateError as error:
            raise ComponentError(f"the model's chat template: {first_line(error)}") from error
        return text

    def answer(self, prompts: Sequence[Sequence[int]]) -> list[str]:
        """Return the text that the model adds to each prompt, without special tokens.

        :raises ComponentError: if the model rejects the sampling parameters
        """
        import torch

        width = max(map(len, prompts))
        pad = self._padding()
        # Padded on the left: the output follows the last token of the prompt.
        inputs = torch.tensor([[pad] * (width - len(prompt)) + [*prompt] for prompt in prompts])
        mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
        try:
            with torch.inference_mode():
                outputs = self._model.generate(
                    input_ids=inputs.to(self._device),
                    attention_mask=mask.to(self._device),
                    pad_token_id=pad,
                    tokenizer=self._tokenizer,
                    **self._params,
                )
        except torch.OutOfMemoryError as error:
            raise ComponentError(f"{self._device}: out of memory; lower batch_size") from error
        except (IndexError, RuntimeError, TypeError, ValueError) as error:
            name = self._language_model.name
            raise ComponentError(f"{name}: generate failed: {first_line(error)}") from error
        texts: list[str] = self._tokenizer.batch_decode(
            outputs[:, width:], skip_special_tokens=True
        )
        return texts

    def _padding(self) -> int:
        for token in (self._tokenizer.pad_token_id, self._tokenizer.eos_token_id):
            if token is not None:
                return int(token)
        # Masked out, so any token works; without an end token no row is padded at its end.
        return 0
