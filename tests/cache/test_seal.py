"""Secrets are sealed so that only a process that knows them can read them back."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djsb.cache.seal import BYTES, NAME, Seal, SealError
from djsb.runner.attempts import sealed
from djsb_core.masking import Masker

SECRETS = ("s3cret-one", "s3cret-one-longer", "another-one")
TEXTS = st.lists(st.sampled_from((*SECRETS, "\0", "s3cret", "/", "***")) | st.text(), max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS.map("".join),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def seal_in(folder):
    return Seal(folder, "use", "VARIABLE")


@given(VALUES)
def test_what_is_sealed_holds_no_secret_and_is_read_back(tmp_path_factory, value):
    seal, masker = seal_in(tmp_path_factory.getbasetemp() / "seal"), Masker(SECRETS)
    closed = sealed(value, masker, seal)
    assert not any(secret in json.dumps(closed) for secret in SECRETS)
    assert seal.restorer(SECRETS)(json.loads(json.dumps(closed))) == value


def test_a_process_without_the_secret_cannot_read_it_back(tmp_path):
    seal = seal_in(tmp_path)
    closed = sealed({"a": ["use s3cret-one"]}, Masker(SECRETS), seal)
    with pytest.raises(SealError):
        seal.restorer(["another-one"])(closed)
    with pytest.raises(SealError):
        seal_in(tmp_path / "other").restorer(SECRETS)(closed)


@pytest.mark.parametrize(
    "value",
    [{"password": "unknown"}, {"token": 123456}, "s3://me:unknown@host", [{"api_key": "x"}]],
)
def test_a_secret_that_is_not_known_by_value_cannot_be_sealed(tmp_path, value):
    with pytest.raises(SealError):
        sealed(value, Masker(SECRETS), seal_in(tmp_path))


def test_the_key_is_one_for_all_and_readable_by_its_owner_only(tmp_path):
    with ThreadPoolExecutor(8) as threads:
        digests = set(threads.map(lambda _: seal_in(tmp_path).digest("a"), range(8)))
    assert len(digests) == 1
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600


def test_a_damaged_key_is_replaced(tmp_path):
    (tmp_path / NAME).write_bytes(b"x")
    assert seal_in(tmp_path).digest("a") == seal_in(tmp_path).digest("a")
    assert len((tmp_path / NAME).read_bytes()) == BYTES
