"""Perplexity of a causal language model on a text."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, PositiveInt, model_validator

from djsb_core.api import (
    ComponentConfig,
    ComponentError,
    InputPath,
    Metric,
    MetricKind,
    ModelEvaluator,
    SampleLayout,
    Scores,
    query,
    read_jsonl,
)
from djsb_huggingface.loading import (
    Dtype,
    LanguageModel,
    load_language_model,
    missing_packages,
    model_needs,
)
from djsb_huggingface.progress import KeptScores, computed_from
from djsb_huggingface.scoring import Scorer
from djsb_huggingface.statistics import ratio, ratio_stderr
from djsb_huggingface.windows import cut_windows, make_batches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from djsb_core.api import DoctorCheck

CHARACTERS_AT_A_TIME = 1 << 20
"""Amount of text in memory at a time; its windows are sorted by length."""

LARGEST_EXPONENT = 700.0
"""Above it, e to that power overflows a float."""


class PerplexityConfig(ComponentConfig):
    """Settings of the ``perplexity`` evaluator."""

    model_path: InputPath = Field(description="Folder of a causal language model.")
    dataset_path: InputPath = Field(description="JSON Lines file, one document per line.")
    text_key: str = Field("text", description="Field with the document's text; dots nest.")
    max_length: PositiveInt | None = Field(
        None, description="Length of a window in tokens. Default: the model's context window."
    )
    stride: PositiveInt | None = Field(
        None,
        description="Tokens between the starts of two windows of a long document; a smaller stride"
        " is slower and gives more context. Default: max_length, for disjoint windows.",
    )
    batch_tokens: PositiveInt = Field(4096, description="Tokens per batch, including padding.")
    device: str = Field("auto", description="Device of the model: auto, cpu, cuda, cuda:1, mps.")
    dtype: Dtype = Field("float32", description="Precision of the model's weights.")
    max_documents: PositiveInt | None = Field(
        None, description="Maximum number of documents to score, from the first. Default: all."
    )

    @model_validator(mode="after")
    def _no_gaps_between_windows(self) -> Self:
        if self.stride and self.max_length and self.stride > self.max_length:
            raise ValueError(
                f"stride {self.stride} is more than max_length {self.max_length}:"
                " some tokens would never be scored"
            )
        return self


@dataclass(frozen=True)
class DocumentTotals:
    """The totals of each document, in the order of the dataset."""

    nats: array[float] = field(default_factory=lambda: array("d"))
    tokens: array[float] = field(default_factory=lambda: array("d"))
    """Tokens scored; 0 for a skipped document."""
    octets: array[float] = field(default_factory=lambda: array("d"))
    """Bytes of the text in UTF-8; 0 for a skipped document."""


class PerplexityEvaluator(ModelEvaluator[PerplexityConfig]):
    """Loss, bits per byte and perplexity of a causal language model on a dataset.

    ``loss`` is the mean negative log-likelihood in nats over all scored tokens, ``perplexity`` its
    exponential. ``bits_per_byte`` divides the same sum by the UTF-8 bytes of the documents, which
    makes models with different tokenizers comparable. Both have a standard error over documents
    (``_stderr``, with two documents or more). If the tokenizer starts texts with a BOS token, that
    token is context only. Otherwise the first token of a document is context only, but its bytes
    count. Documents of fewer than two tokens are counted as ``skipped``. Two models are compared
    document by document with ``loss`` and ``bits_per_byte``.
    """

    config_type = PerplexityConfig
    metrics = (
        Metric(
            "loss", "nats per token", higher_is_better=False, primary=True, across_tokenizers=False
        ),
        Metric("bits_per_byte", "bits per byte", higher_is_better=False, primary=True),
        Metric("perplexity", higher_is_better=False, function_of="loss", across_tokenizers=False),
        *(
            Metric(f"{name}_stderr", unit, kind=MetricKind.ERROR, error_of=name)
            for name, unit in (("loss", "nats per token"), ("bits_per_byte", "bits per byte"))
        ),
        Metric("tokens", "tokens", kind=MetricKind.COUNT),
        *(Metric(name, "documents", kind=MetricKind.COUNT) for name in ("documents", "skipped")),
    )

    samples = SampleLayout(dataset="dataset_path", text="text")
    keeps_partial_results = True

    def check(self) -> Sequence[str]:
        """Check the packages and the files of the model."""
        return [*missing_packages(), *super().check()]

    def needs(self) -> Sequence[DoctorCheck]:
        """List the files of the model."""
        return model_needs(self.config.model_path)

    def evaluate(self) -> Scores:
        """Score every document once.

        :raises ComponentError: if model or data cannot be used, or no document has two tokens
        """
        model = load_language_model(
            self.config.model_path, device=self.config.device, dtype=self.config.dtype
        )
        max_length, stride = self._window(model)
        scorer, totals = Scorer(model), DocumentTotals()
        kept = KeptScores(self.workspace.folder, self._settings())
        for texts in self._texts():
            documents = self._tokenize(model, texts, scorer.vocabulary, totals)
            base = len(totals.nats) - len(documents)
            windows = [
                window
                for index, tokens in enumerate(documents)
                for window in cut_windows(base + index, tokens, max_length, stride)
            ]
            for batch in make_batches(windows, self.config.batch_tokens):
                scores = kept.of_batch(len(batch), partial(scorer.score, batch))
                for window, nats in zip(batch, scores, strict=True):
                    totals.nats[window.document] += nats
        report = self._report(totals)
        kept.finish()
        return report

    def _settings(self) -> dict[str, Any]:
        config = self.config
        return computed_from(config.model_dump(mode="json"), config.model_path, config.dataset_path)

    def _window(self, model: LanguageModel) -> tuple[int, int]:
        limit = model.context_window
        length = self.config.max_length or limit
        if length is None:
            raise ComponentError(f"{model.name}: the model states no limit; set max_length")
        if limit is not None and length > limit:
            raise ComponentError(
                f"max_length {length} exceeds the context window of {model.name}, {limit} tokens"
            )
        stride = self.config.stride or length
        if stride > length:
            raise ComponentError(f"stride {stride} exceeds the window length of {length} tokens")
        return length, stride

    def _texts(self) -> Iterator[list[str]]:
        """Yield the documents in chunks.

        :raises ComponentError: if the data cannot be read, or a text is not a string
        """
        path, key = self.config.dataset_path, self.config.text_key
        texts: list[str] = []
        size = 0
        samples = islice(read_jsonl(path, require=key), self.config.max_documents)
        for number, sample in enumerate(samples, start=1):
            text = query(sample, key)
            if not isinstance(text, str):
                kind = type(text).__name__
                raise ComponentError(
                    f"{path}: sample {number}: field '{key}' must be a string, not {kind}"
                )
            if not is_unicode(text):
                raise ComponentError(f"{path}: sample {number}: field '{key}' is not valid Unicode")
            texts.append(text)
            size += len(text)
            if size >= CHARACTERS_AT_A_TIME:
                yield texts
                texts, size = [], 0
        if texts:
            yield texts

    def _tokenize(
        self,
        model: LanguageModel,
        texts: Sequence[str],
        vocabulary: int,
        totals: DocumentTotals,
    ) -> list[list[int]]:
        """Return the documents' tokens, and add the number to score to the totals.

        :raises ComponentError: if a token is not in the model's vocabulary
        """
        documents = model.tokenize(texts)
        for text, tokens in zip(texts, documents, strict=True):
            if tokens and max(tokens) >= vocabulary:
                raise ComponentError(
                    f"{self.config.model_path}: the tokenizer does not match the model: token"
                    f" {max(tokens)} in a vocabulary of {vocabulary}"
                )
            scored = max(0, len(tokens) - 1)
            totals.nats.append(0.0)
            totals.tokens.append(scored)
            totals.octets.append(len(text.encode()) if scored else 0)
        return documents

    def _report(self, totals: DocumentTotals) -> Scores:
        documents = sum(1 for tokens in totals.tokens if tokens)
        if not documents:
            raise ComponentError(
                f"{self.config.dataset_path}: no document has two tokens; nothing to score"
            )
        loss = ratio(totals.nats, totals.tokens)
        if not math.isfinite(loss):
            raise ComponentError(
                f"{self.config.model_path}: the loss is not a finite number;"
                f" dtype {self.config.dtype} may lack range for this model"
            )
        bits = array("d", (nats / math.log(2) for nats in totals.nats))
        self.workspace.watcher.watch_samples(totals.nats, "loss", totals.tokens)
        self.workspace.watcher.watch_samples(bits, "bits_per_byte", totals.octets)
        scores = {
            "loss": loss,
            "loss_stderr": ratio_stderr(totals.nats, totals.tokens),
            "bits_per_byte": ratio(bits, totals.octets),
            "bits_per_byte_stderr": ratio_stderr(bits, totals.octets),
            "perplexity": math.exp(loss) if loss < LARGEST_EXPONENT else None,
            "tokens": math.fsum(totals.tokens),
            "documents": float(documents),
            "skipped": float(len(totals.tokens) - documents),
        }
        return {name: value for name, value in scores.items() if value is not None}


def is_unicode(text: str) -> bool:
    """Return whether a text can be encoded; JSON may contain lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
