"""A Data-Juicer recipe as a component's config, checked without importing Data-Juicer."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    ModelWrapValidatorHandler,
    Tag,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_core.core_schema import ErrorType

from djsb_core.api import ComponentConfig, InputPath, OutputPath
from djsb_datajuicer.options import Option, options
from djsb_datajuicer.process_list import checked, nearest, problem, wrong_type
from djsb_datajuicer.sources import custom_files

FORMATS = (".jsonl", ".json", ".parquet")
SOURCES = ("dataset_path", "dataset", "generated_dataset_config")
STANDARD_ERRORS = set(get_args(ErrorType))


class LocalSource(ComponentConfig):
    """One file or folder of a dataset mixed from several sources."""

    model_config = ConfigDict(extra="allow")

    type: Literal["local"] = "local"
    path: InputPath = Field(description="File, or folder of files.")
    weight: float = Field(1.0, ge=0, description="Share of the rows drawn from this source.")


class RemoteSource(ComponentConfig):
    """A dataset that Data-Juicer downloads; its keys are Data-Juicer's."""

    model_config = ConfigDict(extra="allow")

    type: Literal["remote"] = "remote"


def _source_kind(value: object) -> str:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return "remote" if kind == "remote" else "local"


Source = Annotated[
    Annotated[LocalSource, Tag("local")] | Annotated[RemoteSource, Tag("remote")],
    Discriminator(_source_kind),
]


class DatasetConfig(ComponentConfig):
    """A dataset mixed from several sources."""

    configs: list[Source] = Field(min_length=1, description="The sources.")
    max_sample_num: int | None = Field(None, gt=0, description="Total number of rows to draw.")


class RecipeConfig(ComponentConfig):
    """A Data-Juicer recipe: any that ``dj-process`` or ``dj-analyze`` accepts.

    The fields below are those that djsb itself uses; :func:`recipe_type` adds the others of the
    installed Data-Juicer.
    """

    dataset_path: InputPath | None = Field(None, description="Dataset: a file, or a folder.")
    dataset: DatasetConfig | None = Field(None, description="Dataset mixed from several sources.")
    export_path: OutputPath | None = Field(
        None,
        description="Path of the result (.jsonl, .json, .parquet); default: the job's folder.",
    )
    export_type: str | None = Field(
        None, description="Format of the result; default: by its suffix."
    )
    executor_type: Literal["default", "ray", "ray_partitioned"] = Field(
        "default", description="Which of Data-Juicer's executors runs the recipe."
    )
    text_keys: str | list[str] = Field(
        "text", description="Field with the text of a sample; of several the first is used."
    )
    np: int | None = Field(None, gt=0, description="Number of processes; at most one per CPU.")
    export_original_dataset: bool | None = Field(
        None,
        description="Analyzer: whether the texts are written along with the statistics; false "
        "saves time and disk space.",
    )
    percentiles: list[Annotated[float, Field(ge=0, le=1)]] = Field(
        default=[], description="Analyzer: percentiles to add to 25, 50 and 75 %, as fractions."
    )
    custom_operator_paths: list[InputPath] = Field(
        default=[], description="Files or packages with custom operators."
    )
    max_failed_share: float = Field(
        0.1,
        ge=0,
        le=1,
        description="Largest share of the rows on which operators may fail; such rows are left "
        "out, counted and listed. If there are more, the job fails.",
    )
    process: list[dict[str, dict[str, Any]]] = Field(
        default=[], description="The operators in order, each alone or with its arguments."
    )

    @field_validator("process", mode="before")
    @classmethod
    def _check_process(cls, value: object, info: ValidationInfo) -> object:
        paths = info.data.get("custom_operator_paths") or []
        return checked(value, custom_files(map(str, paths)))

    @field_validator("export_path", mode="before")
    @classmethod
    def _check_local(cls, value: object) -> object:
        if str(value).lower().startswith(("s3://", "hdfs://")):
            text = "must be a local path: results are moved there when they are complete"
            raise PydanticCustomError("djsb_export_path", "{text}", {"text": text})
        return value

    @model_validator(mode="wrap")
    @classmethod
    def _explain(cls, value: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(value, dict):
            return handler(value)
        try:
            config = handler(_split_sources(value))
        except ValidationError as error:
            problems = [_translate(details, cls.model_fields) for details in error.errors()]
            raise ValidationError.from_exception_data(cls.__name__, problems) from None
        config.check_whole()
        return config

    def check_whole(self) -> None:
        """Check what involves several keys.

        :raises ValidationError: if there is no dataset, or the result's format is unknown
        """
        problems = []
        if not any(getattr(self, name, None) for name in SOURCES):
            text = "a recipe needs a dataset: set dataset_path to a file or folder"
            problems.append(problem(("dataset_path",), "recipe", text, None))
        path = self.export_path
        by_suffix = self.executor_type == "default" and self.export_type is None
        if path is not None and by_suffix and path.suffix.lower() not in FORMATS:
            text = f"must end in one of {', '.join(FORMATS)}"
            problems.append(problem(("export_path",), "recipe", text, str(path)))
        if problems:
            raise ValidationError.from_exception_data(type(self).__name__, problems)

    @property
    def text_key(self) -> str:
        """The field with the text of a sample."""
        return self.text_keys if isinstance(self.text_keys, str) else self.text_keys[0]

    @property
    def sources(self) -> list[Path]:
        """The local files and folders of the dataset."""
        if self.dataset_path is not None:
            return [self.dataset_path]
        configs = self.dataset.configs if self.dataset else []
        return [source.path for source in configs if isinstance(source, LocalSource)]

    @property
    def operators(self) -> list[tuple[str, dict[str, Any]]]:
        """The operators in order, each with its arguments."""
        return [next(iter(entry.items())) for entry in self.process]

    def settings(self) -> dict[str, Any]:
        """Return the keys that the recipe sets, as plain values for Data-Juicer."""
        own = {"max_failed_share"}
        return self.model_dump(mode="json", exclude_unset=True, exclude_none=True, exclude=own)


def recipe_type() -> type[RecipeConfig]:
    """Return :class:`RecipeConfig` with all keys of the installed Data-Juicer."""
    fields: dict[str, Any] = {
        name: (_field_type(option), Field(None, description=option.help))
        for name, option in options().items()
        if name not in RecipeConfig.model_fields
    }
    model = create_model("RecipeConfig", __base__=RecipeConfig, __module__=__name__, **fields)
    model.__doc__ = RecipeConfig.__doc__
    return model


def _field_type(option: Option) -> Any:  # noqa: ANN401 (a type or a typing form)
    if option.parts:
        return Annotated[dict[str, Any] | None, AfterValidator(lambda part: _part(option, part))]
    hint = Literal[option.choices] if option.choices else option.hint
    check = BeforeValidator(lambda value: _typed(hint, value), json_schema_input_type=hint)
    return Annotated[Any, check]


def _typed(hint: Any, value: object) -> object:  # noqa: ANN401 (a type or a typing form)
    text = None if value is None else wrong_type(hint, value)
    if text:
        raise PydanticCustomError("djsb_recipe_key", "{text}", {"text": text})
    return value


def _part(option: Option, values: dict[str, Any] | None) -> dict[str, Any] | None:
    """Check a mapping of settings such as ``partition``."""
    problems = []
    for name, value in (values or {}).items():
        if name not in option.parts:
            text = f"unknown key '{name}'; {nearest(name, option.parts)}"
            problems.append(problem((name,), "recipe_key", text, value))
            continue
        part = option.parts[name]
        hint = Literal[part.choices] if part.choices else part.hint
        message = None if value is None else wrong_type(hint, value)
        if message:
            problems.append(problem((name,), "recipe_key", message, value))
    if problems:
        raise ValidationError.from_exception_data("RecipeConfig", problems)
    return values


def _split_sources(values: dict[str, Any]) -> dict[str, Any]:
    """Parse ``dataset_path: "0.3 a.jsonl 0.7 b.jsonl"`` (or a list) like Data-Juicer.

    A weight precedes its path and defaults to 1. An existing path that contains spaces is one
    path.
    """
    path = values.get("dataset_path")
    if isinstance(path, list):
        words = [str(word) for word in path]
    elif isinstance(path, str) and " " in path.strip() and not Path(path).exists():
        words = shlex.split(path)
    else:
        return values
    sources: list[dict[str, Any]] = []
    weight = 1.0
    for word in words:
        try:
            weight = max(float(word), 0.0)
        except ValueError:
            sources.append({"type": "local", "path": word, "weight": weight})
            weight = 1.0
    return {**values, "dataset_path": None, "dataset": {"configs": sources}}


def _translate(error: Any, known: Any) -> InitErrorDetails:  # noqa: ANN401 (pydantic's own dicts)
    """Convert a pydantic error, with a suggestion for an unknown key."""
    place, kind = error["loc"], error["type"]
    if kind == "extra_forbidden" and len(place) == 1:
        message = f"unknown key '{place[0]}'; {nearest(str(place[0]), known)}"
        unknown = PydanticCustomError(kind, "{text}", {"text": message})
        return InitErrorDetails(type=unknown, loc=place, input=error["input"])
    if kind in STANDARD_ERRORS and kind not in {"value_error", "assertion_error"}:
        details = InitErrorDetails(type=kind, loc=place, input=error["input"])
        return {**details, "ctx": error["ctx"]} if "ctx" in error else details
    custom = PydanticCustomError(kind, "{text}", {"text": error["msg"], **error.get("ctx", {})})
    return InitErrorDetails(type=custom, loc=place, input=error["input"])
