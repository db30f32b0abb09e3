"""Run a causal language model over datasets."""

from __future__ import annotations

import json
import re
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, PositiveInt

from djsb_core.api import (
    ComponentConfig,
    ComponentError,
    InputPath,
    Metric,
    MetricKind,
    ModelInferExecutor,
    OutputPath,
    read_jsonl,
)
from djsb_huggingface.generation import Generator
from djsb_huggingface.loading import (
    Dtype,
    find_folder,
    load_language_model,
    missing_packages,
    model_needs,
)
from djsb_huggingface.messages import BUILDERS, PARSERS, BuilderName, MessageKeys, ParserName
from djsb_huggingface.progress import Answers, computed_from

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from djsb_core.api import DoctorCheck
    from djsb_huggingface.loading import LanguageModel

DATA_SUFFIXES = (".gz", ".zst", ".jsonl", ".json")


def _model_name(name: str) -> str:
    if not re.fullmatch(r"[\w-][\w.-]*(/[\w.-]+)?", name):
        raise ValueError(f"neither a folder nor a valid model name: '{name}'")
    return name


class HuggingfaceInferConfig(ComponentConfig):
    """Settings of the ``huggingface`` infer executor."""

    model: InputPath | Annotated[str, AfterValidator(_model_name)] = Field(
        union_mode="left_to_right",
        description="Folder of a causal language model, or the name of one in the local cache.",
    )
    model_params: dict[str, Any] = Field(
        default_factory=dict, description="Additional arguments of from_pretrained."
    )
    sampling_params: dict[str, Any] = Field(
        default_factory=dict,
        description="Arguments of generate: max_new_tokens, do_sample, temperature, …",
    )
    build_messages_func: BuilderName = Field(
        "build_messages", description="Function that converts a sample to messages."
    )
    parse_output_func: ParserName = Field(
        "parse_output", description="Function that converts the model's text to a result."
    )
    func_kwargs: MessageKeys = Field(
        default_factory=MessageKeys, description="Fields of a sample with its texts."
    )
    dataset_path: InputPath | Annotated[list[InputPath], Field(min_length=1)] = Field(
        description="JSON Lines file, one sample per line; or several of them."
    )
    export_path: OutputPath | None = Field(
        None, description="Folder for the results. Default: the job's own folder."
    )
    infer_res_key: str = Field("response", description="Field that receives the result.")
    batch_size: PositiveInt = Field(8, description="Samples per batch.")
    device: str = Field("auto", description="Device of the model: auto, cpu, cuda, cuda:1, mps.")
    dtype: Dtype = Field("auto", description="Precision of the weights; auto: that of the files.")
    seed: int = Field(0, description="Random seed, if the model samples.")

    @property
    def datasets(self) -> list[Path]:
        """The datasets as a list."""
        return [self.dataset_path] if isinstance(self.dataset_path, Path) else self.dataset_path


class HuggingfaceInferExecutor(ModelInferExecutor[HuggingfaceInferConfig]):
    """Answer every sample of the datasets with a causal language model.

    For each input ``<name>.jsonl`` the result is ``<name>_inference.jsonl``: the same samples in
    the same order with the answer in ``infer_res_key``. A tokenizer without a chat template gets
    the contents of the messages, one per line. ``model_params`` may contain ``device``; nothing
    is downloaded.
    """

    config_type = HuggingfaceInferConfig
    metrics = (Metric("samples", "samples", kind=MetricKind.COUNT),)
    keeps_partial_results = True

    def check(self) -> Sequence[str]:
        """Check packages, the model's files, and that results have different names."""
        if missing := missing_packages():
            return missing
        return [*super().check(), *self._clashes()]

    def needs(self) -> Sequence[DoctorCheck]:
        """List the files of the model."""
        return model_needs(self.config.model) if not missing_packages() else ()

    def reads(self) -> Sequence[Path]:
        """List the datasets and the model, in the local cache too."""
        if missing_packages():
            return super().reads()
        folder = find_folder(self.config.model)
        return list(dict.fromkeys([*super().reads(), *([] if folder is None else [folder])]))

    def _clashes(self) -> list[str]:
        seen: dict[Path, Path] = {}
        clashes = []
        for source in self.config.datasets:
            first = seen.setdefault(self._target(source), source)
            if first is not source:
                clashes.append(
                    f"dataset_path: {first} and {source} would both be written to"
                    f" {self._target(source)}; rename one"
                )
        return clashes

    def infer(self) -> list[Path]:
        """Answer the samples of each dataset and return the files with the results.

        :raises ComponentError: if model or data cannot be used; answered batches stay
        """
        import torch

        for problem in self._clashes():
            raise ComponentError(problem)
        generator = Generator(self._load(), self.config.sampling_params)
        targets = [self._target(source) for source in self.config.datasets]
        model = [self.config.model] if isinstance(self.config.model, Path) else []
        settings = self.config.model_dump(mode="json", exclude={"export_path"})
        settings = computed_from(settings, *self.config.datasets, *model)
        with torch.random.fork_rng():
            answers = Answers(self.workspace.folder, targets, settings, self.config.seed)
            for source, target in zip(self.config.datasets, targets, strict=True):
                with answers.writing(target) as write:
                    self._answer(generator, source, answers.count(target), write)
        answers.finish()
        self.workspace.watcher.watch(sum(map(answers.count, targets)), "samples")
        return targets

    def _load(self) -> LanguageModel:
        params = dict(self.config.model_params)
        # transformers before version 5 called ``dtype`` ``torch_dtype``.
        dtype = params.pop("torch_dtype", params.pop("dtype", self.config.dtype))
        device = params.pop("device", self.config.device)
        return load_language_model(
            self.config.model, device=device, dtype=dtype, model_params=params
        )

    def _target(self, source: Path) -> Path:
        name = source.name
        for suffix in DATA_SUFFIXES:
            name = name.removesuffix(suffix)
        return (self.config.export_path or self.workspace.folder) / f"{name}_inference.jsonl"

    def _answer(
        self,
        generator: Generator,
        source: Path,
        count: int,
        write: Callable[[Sequence[str]], None],
    ) -> None:
        """Write the samples of one dataset with their answers, batch by batch.

        :param count: of samples that are answered already
        """
        config = self.config
        builder = BUILDERS[config.build_messages_func]
        parse = PARSERS[config.parse_output_func]
        samples = read_jsonl(source, require=builder.needs(config.func_kwargs))
        samples = islice(samples, count, None)
        while batch := list(islice(samples, config.batch_size)):
            prompts = []
            for number, sample in enumerate(batch, start=count + 1):
                try:
                    prompts.append(generator.prompt(builder.build(sample, config.func_kwargs)))
                except ComponentError as error:
                    raise ComponentError(f"{source}: sample {number}: {error}") from error
            lines = []
            for sample, text in zip(batch, generator.answer(prompts), strict=True):
                answer = parse(text, sample, config.func_kwargs)
                answered = {**sample, config.infer_res_key: answer}
                lines.append(json.dumps(answered, ensure_ascii=False))
            write(lines)
            count += len(batch)
