"""Train a model with ModelScope."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import (
    AfterValidator,
    Field,
    PositiveInt,
    ValidationInfo,
    model_validator,
)

from djsb_core.api import (
    ComponentConfig,
    ComponentError,
    InputPath,
    Metric,
    MetricKind,
    ModelTrainExecutor,
    OutputPath,
    PathContext,
)
from djsb_modelscope.change import UNCHANGED
from djsb_modelscope.job import Job, Mode
from djsb_modelscope.models import (
    causal_lm_needs,
    is_causal_lm,
    list_causal_lm_problems,
    list_missing_packages,
    list_native_problems,
    list_trainer_problems,
)
from djsb_modelscope.settings import TrainSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from djsb_core.api import DoctorCheck

NATS = "nats per token"
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def find_model(name: str, info: ValidationInfo) -> str:
    """Make a folder's path absolute; keep an id on the hub unchanged.

    :raises ValueError: if it is neither
    """
    context = info.context if isinstance(info.context, PathContext) else PathContext()
    folder = context.find(Path(name))
    if folder is not None:
        return str(folder)
    if HUB_ID.fullmatch(name):
        return name
    raise ValueError(
        f"no model folder '{name}' (looked in {context.tried}), "
        "and not an id on the hub ('org/name')"
    )


class ModelscopeTrainConfig(ComponentConfig):
    """Settings of the ``modelscope`` trainer."""

    train_dataset: InputPath = Field(description="JSON Lines file, or a folder of them.")
    eval_dataset: InputPath | None = Field(
        None, description="Held-out data; causal_lm reports `eval_loss` on it."
    )
    work_dir: OutputPath | None = Field(
        None, description="Folder for checkpoints, logs and `final`; default: the job's folder."
    )
    model_name: Annotated[str, AfterValidator(find_model)] = Field(
        description="Model folder, or `org/name` on the ModelScope hub."
    )
    trainer_name: str | None = Field(
        None, description="ModelScope's trainer (native mode); default `trainer`."
    )
    key_remapping: dict[str, str] = Field(
        default_factory=dict, description="Maps keys of the dataset to those the trainer expects."
    )
    train: TrainSettings = Field(
        default_factory=TrainSettings, description="ModelScope's train section."
    )
    mode: Mode = Field(
        Mode.AUTO,
        description="causal_lm: checked labels of djsb; native: ModelScope's preprocessing; "
        "auto: causal_lm if config.json names a causal language model of transformers.",
    )
    text_key: str | None = Field(
        None, description="Field with the text; default: the key in key_remapping, or `text`."
    )
    max_length: int | None = Field(
        None, ge=2, description="Tokens per row; default: the model's context, at most 1024."
    )
    packing: bool = Field(
        default=False,
        description="Join the texts and split them into blocks of max_length tokens: no padding, "
        "no truncation.",
    )
    max_tokens: PositiveInt | None = Field(
        None, description="Number of training tokens, repeating the data; not with max_epochs."
    )
    seed: int = Field(42, ge=0, lt=2**31, description="Seed of data order and dropout.")
    resume: bool = Field(
        default=False,
        description="Resume from the newest checkpoint in work_dir or of an interrupted execution.",
    )
    threads: PositiveInt | None = Field(None, description="CPU threads; default: torch's.")

    @model_validator(mode="after")
    def _check_together(self) -> ModelscopeTrainConfig:
        if self.max_tokens is not None and self.train.max_epochs is not None:
            raise ValueError("set max_tokens or train.max_epochs, not both")
        if self.mode is Mode.NATIVE:
            keys = {"packing", "max_tokens", "max_length", "text_key"} & self.model_fields_set
            if keys:
                raise ValueError(f"{', '.join(sorted(keys))}: only in causal_lm mode")
        return self

    @property
    def model_folder(self) -> Path | None:
        """The local model folder; ``None`` for an id on the hub."""
        path = Path(self.model_name)
        return path if path.is_absolute() else None

    def find_mode(self) -> Mode:
        """Return the mode; ``AUTO`` while the model is not on this machine."""
        folder = self.model_folder
        if self.mode is not Mode.AUTO or folder is None or not folder.is_dir():
            return self.mode
        return Mode.CAUSAL_LM if is_causal_lm(folder) else Mode.NATIVE

    def find_text_key(self) -> str:
        """Return the text's field, which ``key_remapping`` maps to the trainer's ``src_txt``."""
        if self.text_key is not None:
            return self.text_key
        if len(self.key_remapping) == 1:
            return next(iter(self.key_remapping))
        inputs = [key for key, name in self.key_remapping.items() if name in ("src_txt", "text")]
        return inputs[0] if inputs else "text"


class ModelscopeTrainExecutor(ModelTrainExecutor[ModelscopeTrainConfig]):
    """Train a causal language model, or any ModelScope model, with ModelScope's trainer.

    Reports ``loss`` (mean over the step's predicted tokens), ``lr``, ``epoch`` (passes over the
    data, with a fraction) and ``tokens`` (trained so far, without padding) at every step, and at
    the end ``tokens``, ``steps``, ``documents``, ``seconds``, ``final_loss`` (mean loss of the
    last tenth of the steps, 100 at most) and, with an ``eval_dataset``, ``eval_loss``. A model or a
    held-out loss that training does not change is a warning, ``no_change``.
    """

    config_type = ModelscopeTrainConfig
    # Libraries read their variables once per process, and keep log files and random states.
    own_process = True
    reads_environment = ("MODELSCOPE_DOMAIN",)  # the hub that serves a model's name
    metrics = (
        *(
            Metric(name, NATS, higher_is_better=False, across_tokenizers=False)
            for name in ("loss", "final_loss", "eval_loss")
        ),
        *(
            Metric(name, name, kind=MetricKind.COUNT, primary=True)
            for name in ("tokens", "documents")
        ),
        Metric("steps", "steps", kind=MetricKind.COUNT),
        Metric("seconds", "s", kind=MetricKind.DETAIL),
        *(Metric(name, kind=MetricKind.DETAIL) for name in ("lr", "epoch")),
        Metric(UNCHANGED, kind=MetricKind.WARNING),
    )

    def check(self) -> Sequence[str]:
        """List missing packages, an unknown trainer, and problems of the model folder."""
        problems = list_missing_packages() + list_trainer_problems(self.config.trainer_name)
        folder = self.config.model_folder
        if folder is None or folder.is_dir():
            problems += self._model_problems(folder)
        return problems

    def needs(self) -> Sequence[DoctorCheck]:
        """List the files of a local model."""
        folder = self.config.model_folder
        local = folder is not None and folder.is_dir()
        if folder is None or not local or self.config.find_mode() is not Mode.CAUSAL_LM:
            return ()
        return causal_lm_needs(folder)

    def reads(self) -> Sequence[Path]:
        """List the datasets and the local model folder."""
        folder = self.config.model_folder
        return [*super().reads(), *([] if folder is None else [folder])]

    def resumes(self) -> bool:
        """Return whether training resumes from its checkpoints, as set by ``resume``."""
        return self.config.resume

    def train(self) -> Path:
        """Train; return the folder ``final`` with trained weights and tokenizer.

        :raises ComponentError: if data or model cannot be used, or training failed
        """
        from djsb_modelscope.training import run

        problems = self.check()
        if problems:
            raise ComponentError("; ".join(problems))
        job = self._create_job()
        self._check_data(job)
        job.work_dir.mkdir(parents=True, exist_ok=True)
        return run(job, self.workspace.watcher)

    def _model_problems(self, folder: Path | None) -> list[str]:
        mode = self.config.find_mode()
        if mode is Mode.CAUSAL_LM and folder is not None:
            return list_causal_lm_problems(folder, self.config.max_length)
        if mode is Mode.NATIVE:
            return list_native_problems(folder, self.config.trainer_name or "trainer")
        return []

    def _create_job(self) -> Job:
        config = self.config
        return Job(
            mode=config.find_mode(),
            model=config.model_name,
            local=config.model_folder is not None,
            trainer_name=config.trainer_name,
            train_dataset=config.train_dataset,
            eval_dataset=config.eval_dataset,
            text_key=config.find_text_key(),
            key_remapping=config.key_remapping,
            work_dir=(config.work_dir or self.workspace.folder).absolute(),
            train=config.train,
            max_length=config.max_length,
            packing=config.packing,
            max_tokens=config.max_tokens,
            seed=config.seed,
            resume=config.resume,
            threads=config.threads,
        )

    def _check_data(self, job: Job) -> None:
        """Check the data before libraries are imported and a model is downloaded, which is slow."""
        from djsb_modelscope.rows import read_renamed, read_texts

        for path in filter(None, (job.train_dataset, job.eval_dataset)):
            if job.mode is Mode.CAUSAL_LM:
                read_texts(path, job.text_key)
            else:
                read_renamed(path, job.key_remapping)
