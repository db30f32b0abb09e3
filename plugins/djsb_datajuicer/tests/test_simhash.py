"""simhash in numpy: the results of simhash-pybind 0.0.3, and those of a search of all pairs."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djsb_datajuicer import simhash

HASHES = st.integers(min_value=0, max_value=2**64 - 1)
BASE = 0x0123456789ABCDEF
NEAR = st.sets(st.integers(min_value=0, max_value=63), max_size=8)

# As simhash-pybind 0.0.3 computes them.
RECORDED = {
    ("a", "b", "c"): 777818683685189548,
    ("the quick", "quick brown", "brown fox"): 16751540099519169931,
    (): 0,
}


def test_recorded() -> None:
    assert simhash.unsigned_hash(b"abc") == 0x900150983CD24FB0  # RFC 1321, the first 8 bytes
    for words, value in RECORDED.items():
        assert simhash.compute(map(simhash.unsigned_hash, map(str.encode, words))) == value


@given(hashes=st.lists(HASHES, max_size=12))
def test_each_bit_is_that_of_most(hashes: list[int]) -> None:
    value = simhash.compute(hashes)
    for bit in range(64):
        ones = sum(number >> bit & 1 for number in hashes)
        assert value >> bit & 1 == (2 * ones > len(hashes))


@given(
    changes=st.lists(NEAR, max_size=12),
    blocks=st.integers(min_value=1, max_value=9),
    bits=st.integers(min_value=0, max_value=8),
)
def test_all_near_pairs_are_found(changes: list[set[int]], blocks: int, bits: int) -> None:
    if bits >= blocks:
        return
    hashes = {BASE ^ sum(1 << bit for bit in change) for change in changes}
    near = {
        (left, right)
        for left, right in combinations(sorted(hashes), 2)
        if simhash.num_differing_bits(left, right) <= bits
    }
    assert simhash.find_all(hashes, blocks, bits) == near


@pytest.mark.skipif(find_spec("simhash") is not None, reason="simhash-pybind is installed")
def test_data_juicer_uses_it_in_a_session_only(make_data: Any, tmp_path: Any) -> None:
    from djsb_core.api import Workspace
    from djsb_datajuicer.executor import DataJuicerExecutor

    text = "one two three four five six seven eight nine ten eleven twelve"
    rows = [{"text": text}, {"text": text + "."}, {"text": "something else entirely, " * 5}]
    config = DataJuicerExecutor.config_type(
        dataset_path=make_data(rows),
        process=[{"document_simhash_deduplicator": {"tokenization": "character"}}],
    )
    result = DataJuicerExecutor(config, Workspace(tmp_path / "job")).execute()
    assert len(result.read_text().splitlines()) == 2  # type: ignore[union-attr]
    assert "simhash" not in sys.modules
