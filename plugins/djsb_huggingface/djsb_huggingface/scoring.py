"""Negative log-likelihood of windows of tokens under a causal language model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from djsb_core.api import ComponentError, counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch

    from djsb_huggingface.loading import LanguageModel
    from djsb_huggingface.windows import Window

LOGITS_AT_A_TIME = 1 << 24
"""Logits in memory at a time: 64 MiB in float32."""

IGNORED = -100
PROBE_LENGTH = 8
TOLERANCE = 1e-4
HALF_TOLERANCE = 1e-2
"""Relative to the largest logit, in half precision; mixtures of experts are never exact."""


class Scorer:
    """Scores batches of windows with one model.

    If the model consists of a body and a linear head, which is tested first, logits are computed
    only for the scored tokens and in chunks: those of a whole batch would take gigabytes with a
    large vocabulary. Rows are padded at the end and not masked: a causal model does not see later
    tokens, which is tested as well.
    """

    def __init__(self, language_model: LanguageModel) -> None:
        """Test the model on a few tokens.

        :raises ComponentError: if its predictions cannot be used
        """
        self._name = language_model.name
        self._model = language_model.model
        self._device = language_model.device
        self.vocabulary: int = self._model.get_input_embeddings().num_embeddings
        logits = self._refuse_unusable_outputs()
        body, head = self._model.base_model, self._model.get_output_embeddings()
        self._parts = (body, head) if self._is_body_and_head(body, head, logits) else None

    def score(self, batch: Sequence[Window]) -> list[float]:
        """Return for each window the sum over its scored tokens, in nats.

        :raises ComponentError: if the device's memory is too small
        """
        import torch

        try:
            with torch.inference_mode():
                losses = torch.cat(list(self._losses(batch))).double().cpu()
        except torch.OutOfMemoryError as error:
            raise ComponentError(
                f"{self._device}: out of memory with {counted(len(batch), 'window')} "
                f"of {batch[0].width} tokens; lower batch_tokens or max_length"
            ) from error
        parts = torch.split(losses, [window.scored for window in batch])
        return [part.sum().item() for part in parts]

    def _losses(self, batch: Sequence[Window]) -> Iterator[torch.Tensor]:
        """Yield the losses of the scored tokens, in the order of the batch."""
        import torch
        from torch.nn.functional import cross_entropy

        inputs, targets = self._tensors(batch)
        counts = targets != IGNORED
        if self._parts is None:
            features, head = self._model(inputs, use_cache=False).logits[counts], None
        else:
            features = self._parts[0](inputs, use_cache=False)[0][counts]
            head = self._parts[1]
        rows = max(1, LOGITS_AT_A_TIME // self.vocabulary)
        pieces = (torch.split(tensor, rows) for tensor in (features, targets[counts]))
        for hidden, labels in zip(*pieces, strict=True):
            logits = hidden if head is None else head(hidden)
            yield cross_entropy(logits.float(), labels, reduction="none")

    def _tensors(self, batch: Sequence[Window]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the inputs and the targets of the model, both of shape (windows, width)."""
        import torch

        shape = (len(batch), max(window.width for window in batch))
        inputs = torch.zeros(shape, dtype=torch.long)
        targets = torch.full(shape, IGNORED)
        for row, window in enumerate(batch):
            tokens = torch.tensor(window.tokens)
            inputs[row, : window.width] = tokens[:-1]
            first = window.width - window.scored
            targets[row, first : window.width] = tokens[1 + first :]
        return inputs.to(self._device), targets.to(self._device)

    def _probe(self) -> torch.Tensor:
        """Return a row of tokens spread over the vocabulary."""
        import torch

        return torch.linspace(0, self.vocabulary - 1, PROBE_LENGTH, device=self._device).long()[
            None
        ]

    def _refuse_unusable_outputs(self) -> torch.Tensor:
        """Return the logits of the probe.

        :raises ComponentError: if they are not finite, or depend on later tokens
        """
        import torch

        probe = self._probe()
        half = PROBE_LENGTH // 2
        changed = torch.cat([probe[:, :half], probe[:, :half]], dim=1)
        with torch.inference_mode():
            logits: torch.Tensor = self._model(probe, use_cache=False).logits
            others = self._model(changed, use_cache=False).logits
        if not logits.isfinite().all():
            raise ComponentError(
                f"{self._name}: the model's predictions are not finite numbers: its training"
                " diverged, or dtype lacks range for its weights"
            )
        difference = (logits - others)[:, :half].abs().max()
        tolerance = TOLERANCE if logits.dtype is torch.float32 else HALF_TOLERANCE
        if difference > tolerance * logits.abs().max():
            raise ComponentError(
                f"{self._name}: not a causal language model: later tokens change earlier"
                " predictions (is_decoder may not be set in config.json)"
            )
        return logits

    def _is_body_and_head(self, body: Any, head: Any, logits: torch.Tensor) -> bool:  # noqa: ANN401
        """Return whether applying body and head separately gives exactly the model's logits."""
        import torch

        if head is None or body is self._model:
            return False
        with torch.inference_mode():
            outputs = body(self._probe(), use_cache=False)
            return torch.equal(head(outputs[0]).to(logits.dtype), logits)
