"""Settings that nobody can change hold what the file gives, and give it back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djsb.config.frozen import freeze, thaw

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
settings = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(settings)
def test_what_is_frozen_is_given_back(value):
    assert thaw(freeze(value)) == value


@given(st.dictionaries(st.text(), settings))
def test_a_copy_may_be_changed_and_the_frozen_settings_stay(value):
    frozen = freeze(value)
    copy = thaw(frozen)
    copy["new"] = [1]
    copy["new"].append(2)
    assert thaw(frozen) == value
    with pytest.raises(TypeError):
        frozen["new"] = 1


def test_nested_settings_are_frozen_too():
    frozen = freeze({"a": [{"b": 1}]})
    with pytest.raises(TypeError):
        frozen["a"][0]["b"] = 2
    assert isinstance(frozen["a"], tuple)
