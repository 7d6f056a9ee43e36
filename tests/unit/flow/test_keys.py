"""Keys depend on what is said, not on how it is ordered."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minarch.flow.keys import canonical, key

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


def _reversed(value):
    if isinstance(value, dict):
        return {k: _reversed(v) for k, v in reversed(value.items())}
    return [_reversed(v) for v in value] if isinstance(value, list) else value


@given(VALUES)
def test_the_order_of_a_mapping_does_not_count(value):
    assert key(value) == key(_reversed(value))


@given(VALUES, VALUES)
def test_equal_keys_mean_equal_texts(one, other):
    assert (key(one) == key(other)) == (canonical(one) == canonical(other))


def test_parts_do_not_run_together():
    assert len({key("ab", "c"), key("a", "bc"), key(["ab", "c"]), key("abc")}) == 4


def test_a_key_is_twelve_hexadecimal_digits():
    assert len(key({})) == 12
    int(key({}), 16)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_has_no_key(value):
    with pytest.raises(ValueError, match="JSON"):
        key({"learning_rate": value})
