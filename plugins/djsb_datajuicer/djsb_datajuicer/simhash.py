"""The functions of simhash-pybind that Data-Juicer calls, with the same results, in numpy.

simhash-pybind has no wheels: installing it takes a C++ compiler. Where it is installed it is used.
"""

from __future__ import annotations

import sys
from functools import partial
from hashlib import md5
from importlib.util import find_spec
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MODULE = "simhash"
BITS = 64
CHUNK = 1 << 14  # hashes whose bits are counted at a time


def provide() -> Callable[[], None]:
    """Let ``import simhash`` find this module if no other is installed; return what ends that."""
    if MODULE in sys.modules or find_spec(MODULE) is not None:
        return lambda: None
    sys.modules[MODULE] = sys.modules[__name__]
    return partial(sys.modules.__delitem__, MODULE)


def unsigned_hash(data: bytes) -> int:
    """Return the first 64 bits of a text's MD5 digest."""
    return int.from_bytes(md5(data, usedforsecurity=False).digest()[:8], "big")


def num_differing_bits(left: int, right: int) -> int:
    """Count the bits in which two hashes differ."""
    return (int(left) ^ int(right)).bit_count()


def compute(hashes: Iterable[int]) -> int:
    """Return the simhash of hashes: each bit is that of most of them, 0 in a tie."""
    import numpy as np

    values = np.fromiter(hashes, dtype=">u8")
    ones = np.zeros(BITS, dtype=np.int64)
    for start in range(0, len(values), CHUNK):
        octets = values[start : start + CHUNK].view(np.uint8).reshape(-1, BITS // 8)
        ones += np.unpackbits(octets, axis=1).sum(axis=0, dtype=np.int64)
    return int.from_bytes(np.packbits(2 * ones > len(values)).tobytes(), "big")


def find_all(
    hashes: Iterable[int], number_of_blocks: int, different_bits: int
) -> set[tuple[int, int]]:
    """Return all pairs of distinct hashes that differ in at most some bits, smaller hash first.

    Hashes that differ in ``different_bits`` bits agree in all other blocks of their bits, so only
    those that agree in as many are compared.

    :param number_of_blocks: into how many blocks the 64 bits are split; more than the bits
    """
    import numpy as np

    values = np.unique(np.fromiter(map(int, hashes), dtype=np.uint64))
    pairs: set[tuple[int, int]] = set()
    for mask in _masks(number_of_blocks, different_bits):
        keys = values & np.uint64(mask)
        order = np.argsort(keys, kind="stable")
        pairs |= _near(values[order], keys[order], different_bits)
    return pairs


def _masks(number_of_blocks: int, different_bits: int) -> Iterable[int]:
    """Yield the bits of each choice of blocks in which near hashes can agree."""
    if not 0 < number_of_blocks <= BITS or different_bits >= number_of_blocks:
        raise ValueError("number_of_blocks must be between different_bits and 64")
    edges = [BITS * number // number_of_blocks for number in range(number_of_blocks + 1)]
    blocks = [(1 << end) - (1 << start) for start, end in pairwise(edges)]
    return map(sum, combinations(blocks, number_of_blocks - different_bits))


def _near(values: Any, keys: Any, different_bits: int) -> set[tuple[int, int]]:  # noqa: ANN401
    """Return the near pairs among neighbors with equal keys (arrays in the order of the keys)."""
    import numpy as np

    pairs: set[tuple[int, int]] = set()
    left = np.arange(len(values))
    distance = 0
    while len(left):
        distance += 1
        left = left[left + distance < len(values)]
        left = left[keys[left] == keys[left + distance]]
        right = left + distance
        near = np.bitwise_count(values[left] ^ values[right]) <= different_bits
        ends = np.sort(np.stack([values[left[near]], values[right[near]]], axis=1), axis=1)
        pairs.update(map(tuple, ends.tolist()))
    return pairs
