"""The keys of the experiment file and their meanings."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from djsb.config.resources import ResourcesSchema
from djsb_core.interfaces.paths import path_fault
from djsb_core.text import parse_duration

LONGEST = 100 * 365 * 86400
"""Seconds of the longest timeout, a hundred years: a system call refuses much longer ones."""


class Stage(StrEnum):
    """The four lists of jobs, in the order in which they run."""

    PROBE = "probe"
    REFINE_RECIPE = "refine_recipe"
    EXECUTION = "execution"
    EVALUATION = "evaluation"

    @property
    def key(self) -> str:
        """The stage's key in the experiment file."""
        return f"{self.value}_job_configs"


def _listed(value: object) -> object:
    """Take a single name where a list of names is meant."""
    return [value] if isinstance(value, str) else value


def _empty_mapping(value: object) -> object:
    return {} if value is None else value


def _empty_list(value: object) -> object:
    return [] if value is None else value


# The JSON Schema declares what each validator accepts in addition.
def _reference(value: object) -> object:
    """YAML reads ``-1.0``, the first output of the job before, as a number."""
    return str(value) if isinstance(value, float) else value


def _seconds(value: object) -> object:
    """Read ``15m``; a number is seconds."""
    if not isinstance(value, str | bool):
        return value
    text = str(value).strip()
    try:
        return parse_duration(text)
    except ValueError:
        text = f"'{text[:40]}' is not a duration; write seconds, or 90s, 15m, 2h or 1d"
        raise ValueError(text) from None


Duration = Annotated[
    float,
    Field(gt=0, le=LONGEST, allow_inf_nan=False),
    BeforeValidator(_seconds, json_schema_input_type=float | str),
]
Resources = Annotated[
    ResourcesSchema,
    BeforeValidator(_empty_mapping, json_schema_input_type=ResourcesSchema | None),
]
Reference = Annotated[str, BeforeValidator(_reference)]
Names = Annotated[list[str], BeforeValidator(_listed, json_schema_input_type=str | list[str])]
Settings = dict[str, Any]
EmptySettings = BeforeValidator(_empty_mapping, json_schema_input_type=Settings | None)
EmptyTexts = BeforeValidator(_empty_mapping, json_schema_input_type=dict[str, str] | None)
NamesOrUnset = Annotated[
    list[str] | None,
    BeforeValidator(_listed, json_schema_input_type=str | list[str] | None),
]
NamesOrNone = Annotated[
    Names, BeforeValidator(_empty_list, json_schema_input_type=str | list[str] | None)
]


class JobSchema(BaseModel):
    """One job: a hook and its settings."""

    model_config = ConfigDict(extra="forbid")

    hook: str = Field(description="The hook that runs the job (see: djsb list-components).")
    meta_name: str | None = Field(
        None,
        description="Name of the job; needed where other jobs or targets refer to it.",
    )
    dj_configs: Settings | str | None = Field(
        None, description="A Data-Juicer recipe, or the path of one (YAML or JSON)."
    )
    extra_configs: Settings | str | None = Field(
        None,
        description="Settings of the component; `type` selects it. A mapping or the path of one.",
    )
    input: Annotated[dict[str, Reference], EmptyTexts] = Field(
        default_factory=dict,
        description="Values of earlier jobs: `extra_configs.key: pipeline.meta_name.output`, "
        "or `-1.output` for the previous job.",
    )
    output: Names | None = Field(
        None, description="Names for what the job returns, in order; one name or a list."
    )
    local: Annotated[Settings, EmptySettings] = Field(
        default_factory=dict,
        description="Overrides for this job: `extra_configs.train.optimizer.lr: 0.001`.",
    )
    cache: bool = Field(
        default=True, description="Reuse cached results; false: run the job every time."
    )
    timeout: Duration | None = Field(
        None, description="End the job after this time: seconds, or `90s`, `15m`, `2h`, `1d`."
    )
    retries: int = Field(0, ge=0, le=100, description="How many times a failed job is retried.")
    resources: Resources = Field(
        default_factory=ResourcesSchema,
        description="What the job uses of the machine: `cpus`, `gpus`, `memory`. Concurrent jobs "
        "never use more than is available.",
    )

    @field_validator("meta_name")
    @classmethod
    def _check_name(cls, value: str | None) -> str | None:
        if value and not re.fullmatch(r"[^.\s]+", value):
            raise ValueError(f"'{value}' cannot be referred to; leave out dots and spaces")
        return value


Jobs = Annotated[
    list[JobSchema | str],
    BeforeValidator(_empty_list, json_schema_input_type=list[JobSchema | str] | None),
]
"""A job may be in a file of its own; then the list holds its path."""


class StagesSchema(BaseModel):
    """The four lists of jobs of one pipeline."""

    model_config = ConfigDict(extra="forbid")

    probe_job_configs: Jobs = Field(default_factory=list, description="Probe data or model.")
    refine_recipe_job_configs: Jobs = Field(
        default_factory=list, description="Refine the recipe from the probes' statistics."
    )
    execution_job_configs: Jobs = Field(
        default_factory=list, description="Process data, train models and run inference."
    )
    evaluation_job_configs: Jobs = Field(
        default_factory=list, description="Evaluate data and models."
    )
    seeds: list[int] = Field(
        default_factory=list,
        description="Repeat the pipeline with each of these as the `seed` of its training, "
        "inference and evaluation jobs; jobs that do not depend on it run once.",
    )

    @field_validator("seeds")
    @classmethod
    def _check_seeds(cls, value: list[int]) -> list[int]:
        if len(set(value)) != len(value):
            raise ValueError("each seed may be listed only once")
        return value


Pipeline = Annotated[
    StagesSchema | str | None, Field(description="Stages, or the path of their file.")
]
"""A pipeline may be in a file of its own; then its value is the path."""

NamedPipeline = Annotated[dict[str, Pipeline], Field(min_length=1, max_length=1)]


class ExperimentSchema(StagesSchema):
    """The experiment file."""

    model_config = ConfigDict(frozen=True)

    project_name: str = Field("hello_world", description="Name of the project, for trackers.")
    experiment_name: str = Field("experiment1", description="Name of the experiment.")
    description: str | None = Field(
        None, description="What the experiment is for, in your words; the report begins with it."
    )
    work_dir: str = Field(
        "./outputs/hello_world", description="Folder for all files of the experiment's runs."
    )
    share: Literal["owner", "group"] = Field(
        "owner",
        description="Who may read the records, logs and cached results: their `owner` only, or "
        "the owner's `group`, which may also run experiments in this work_dir.",
    )
    resume: bool = Field(
        default=False, description="Resume from the finished jobs of the last run in this work_dir."
    )
    debug: bool = Field(
        default=False,
        description="Show the traceback of a job that fails, as `djsb --debug run` does.",
    )
    pipelines: list[NamedPipeline] | dict[str, Pipeline] | None = Field(
        None,
        description="Named pipelines in order, each with its own four stages; instead of "
        "top-level stages.",
    )
    trackers: NamesOrUnset = Field(
        None,
        description="Where metrics are also sent: `wandb`, `trackio`, `mlflow`, `tensorboard`; "
        "`[]` for none. Unset: wandb, if you are logged in.",
    )
    hpo_config: str | dict[str, Any] | None = Field(
        None, description="A wandb sweep configuration, or the path of one."
    )
    max_iter_num: int = Field(
        1, ge=0, description="Maximum number of iterations; 0: until the targets are met."
    )
    iter_targets: NamesOrNone = Field(
        default_factory=list, description="Stop when met: `pipeline.meta_name.output >= 0.8`."
    )
    iter_targets_mode: Literal["all", "any"] = Field(
        "all", description="Whether all targets must be met, or one."
    )
    iter_updater: Annotated[dict[str, str], EmptyTexts] = Field(
        default_factory=dict,
        description="Results of one iteration that become settings of the next: "
        "`pipeline.meta_name.output: pipeline.meta_name.extra_configs.key`.",
    )

    @field_validator("work_dir")
    @classmethod
    def _check_work_dir(cls, value: str) -> str:
        fault = path_fault(value)
        if fault is not None:
            raise ValueError(fault)
        return value

    def later_keys(self) -> list[tuple[str, str, str]]:
        """List the keys in use that this version does not support: key, problem and remedy."""
        if not self.hpo_config:
            return []
        text = "this version cannot run a search over settings yet"
        return [("hpo_config", text, "remove it, and run the experiment once per value with --set")]
