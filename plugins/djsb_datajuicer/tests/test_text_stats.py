"""Counting a text dataset: against the standard tools."""

from __future__ import annotations

import gzip
import shutil
import statistics
import subprocess
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from djsb_core.api import ComponentError, Kind
from djsb_core.testing import EvaluatorContract
from djsb_datajuicer.text_stats import TextStatsEvaluator

if TYPE_CHECKING:
    from pathlib import Path


class TestContract(EvaluatorContract):
    kind = Kind.DATA_EVALUATOR
    name = "text_stats"

    @pytest.fixture
    def settings(self, make_data: Any) -> dict[str, Any]:
        return {"dataset_path": make_data([{"text": "a b"}, {"text": "a b"}, {"text": ""}])}


def evaluate(path: Path, **settings: Any) -> dict[str, float]:
    config = TextStatsEvaluator.config_type(dataset_path=path, **settings)
    return dict(TextStatsEvaluator(config).evaluate())


def test_counts_are_those_of_pandas(data: Path) -> None:
    found = evaluate(data)
    texts = pd.read_json(data, lines=True)["text"]
    lengths = texts.str.len()
    words = texts.str.lower().str.findall(r"\w+")
    joined = "".join(texts)
    encoded = "".join(f"{text}\n" for text in texts).encode()
    assert found == pytest.approx(
        {
            "documents": len(texts),
            "characters": lengths.sum(),
            "bytes": len(joined.encode()),
            "words": words.str.len().sum(),
            "characters_mean": lengths.mean(),
            "characters_median": statistics.median(lengths),
            "characters_std": np.std(lengths),
            "words_mean": words.str.len().mean(),
            "empty_share": (lengths == 0).mean(),
            "duplicate_share": texts.duplicated().mean(),
            "alphanumeric_ratio": sum(map(str.isalnum, joined)) / len(joined),
            "whitespace_ratio": sum(map(str.isspace, joined)) / len(joined),
            "distinct_word_ratio": words.explode().nunique() / words.str.len().sum(),
            "compression_ratio": len(encoded) / len(zlib.compress(encoded, 6)),
        }
    )
    assert found["duplicate_share"] > 0


def test_bytes_are_those_of_wc(make_data: Any, tmp_path: Path) -> None:
    texts = ["naïve über", "数据", "plain"]
    plain = tmp_path / "plain.txt"
    plain.write_text("".join(texts), encoding="utf-8")
    counted = subprocess.run(["wc", "-c", plain], check=True, capture_output=True, text=True)
    found = evaluate(make_data([{"text": text} for text in texts]))
    assert found["bytes"] == float(counted.stdout.split()[0])


def test_gzipped_files_and_other_fields(make_data: Any, tmp_path: Path) -> None:
    plain = make_data([{"body": "one two"}, {"body": "three"}])
    zipped = tmp_path / "rows.jsonl.gz"
    with plain.open("rb") as source, gzip.open(zipped, "wb") as target:
        shutil.copyfileobj(source, target)
    assert evaluate(zipped, text_key="body") == evaluate(plain, text_key="body")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", r"rows\.jsonl: no sample in this file"),
        ('{"text": "a"}\n{"text"\n', r"rows\.jsonl:2: not JSON"),
        ("[1]\n", r"rows\.jsonl:1: a sample must be a JSON object"),
        ('{"id": 1}\n', r"rows\.jsonl:1: no field 'text' that text_key names; fields: id"),
        ('{"text": 3}\n', r"rows\.jsonl:1: the field 'text' must be a string, not int"),
    ],
)
def test_bad_data_is_one_sentence(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(content)
    with pytest.raises(ComponentError, match=said):
        evaluate(path)
