"""Read predictions with their ground truth, for the evaluators that compare the two."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import Field, model_validator

from djsb_core.api import ComponentConfig, ComponentError, InputPath, counted, query, read_jsonl

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from typing_extensions import Self

InputPaths: TypeAlias = InputPath | Annotated[list[InputPath], Field(min_length=1)]


class PairsConfig(ComponentConfig):
    """Where the predictions and their ground truth are."""

    predicted_dataset_path: InputPaths = Field(
        description="JSON Lines file with the predictions, or several of them."
    )
    ground_truth_dataset_path: InputPaths | None = Field(
        None,
        description="JSON Lines file with the ground truth, one per file of predictions, with"
        " the same samples in the same order. Default: the file of predictions.",
    )

    @model_validator(mode="after")
    def _one_truth_for_each_prediction(self) -> Self:
        predicted, truth = len(self.predicted), len(self.truth)
        if predicted != truth:
            raise ValueError(
                f"{counted(predicted, 'file')} in predicted_dataset_path, {truth} in"
                " ground_truth_dataset_path; set one ground truth file per prediction file"
            )
        return self

    @property
    def predicted(self) -> Sequence[Path]:
        """The files of predictions."""
        return _as_list(self.predicted_dataset_path)

    @property
    def truth(self) -> Sequence[Path]:
        """The ground truth file of each file of predictions."""
        if self.ground_truth_dataset_path is None:
            return self.predicted
        return _as_list(self.ground_truth_dataset_path)


def _as_list(paths: Path | list[Path]) -> list[Path]:
    return [paths] if isinstance(paths, Path) else paths


def read_pairs(
    predicted: Path, truth: Path, predicted_key: str, truth_key: str
) -> Iterator[tuple[Any, Any]]:
    """Yield the predicted and the true value of each sample; both keys may nest with dots.

    :raises ComponentError: if a file cannot be read, a sample lacks its key, or the two files
        differ in their number of samples
    """
    if predicted == truth:
        for sample in read_jsonl(predicted, require=(predicted_key, truth_key)):
            yield query(sample, predicted_key), query(sample, truth_key)
        return
    both = (read_jsonl(predicted, require=predicted_key), read_jsonl(truth, require=truth_key))
    for count, (left, right) in enumerate(zip_longest(*both)):
        if left is None or right is None:
            more = count + 1 + sum(1 for _ in both[left is None])
            counts = (count, more) if left is None else (more, count)
            raise ComponentError(
                f"{predicted} has {counted(counts[0], 'sample')}, but {truth} has {counts[1]};"
                " both must contain the same samples in the same order"
            )
        yield query(left, predicted_key), query(right, truth_key)
