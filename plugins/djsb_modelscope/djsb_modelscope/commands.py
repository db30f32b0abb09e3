"""The command ``djsb make-model``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


class RequestFailed(click.ClickException):
    """The request cannot be fulfilled; exit status 2."""

    exit_code = 2


@click.command("make-model")
@click.argument("dataset", type=click.Path(exists=True, path_type=Path))
@click.argument("output", type=click.Path(path_type=Path))
@click.option(
    "--architecture",
    type=click.Choice(["gpt2", "llama", "qwen2"]),
    default="gpt2",
    show_default=True,
    help="Kind of model.",
)
@click.option("--layers", type=int, default=4, show_default=True, help="Transformer layers.")
@click.option("--hidden-size", type=int, default=128, show_default=True, help="Width.")
@click.option("--heads", type=int, default=4, show_default=True, help="Attention heads.")
@click.option(
    "--vocab-size", type=int, default=2048, show_default=True, help="Maximum number of tokens."
)
@click.option(
    "--context-length",
    type=int,
    default=256,
    show_default=True,
    help="Context window in tokens.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the weights.")
@click.option("--text-key", default="text", show_default=True, help="Field with the text.")
def make_model(dataset: Path, output: Path, **settings: Any) -> None:  # noqa: ANN401 (the options)
    """Create a small untrained language model with random weights.

    Trains a byte-level BPE tokenizer on the text of DATASET (JSON Lines) and writes the folder
    OUTPUT, which transformers and ModelScope can load. Nothing is downloaded; the same text and
    seed give the same model.
    """
    from pydantic import ValidationError

    from djsb_core.api import DjsbError
    from djsb_modelscope.scratch import CausalLmFromScratchConfig, make_folder

    try:
        config = CausalLmFromScratchConfig(dataset_path=dataset, export_path=output, **settings)
        parameters, vocabulary = make_folder(config, output.absolute())
    except ValidationError as error:
        lines = [_sentence(dict(problem)) for problem in error.errors()]
        raise RequestFailed("\n".join(lines)) from error
    except DjsbError as error:
        raise RequestFailed(str(error)) from error
    click.echo(f"{output}: {parameters} parameters, {vocabulary} tokens")


def _sentence(problem: dict[str, Any]) -> str:
    place = "--" + str(problem["loc"][0]).replace("_", "-") + ": " if problem["loc"] else ""
    return place + str(problem["msg"]).removeprefix("Value error, ")
