"""Plain values survive as strict JSON."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.records import plain

from .making import repeatable

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
keys = st.text(max_size=5) | st.sampled_from(["$", "$number", "$$number", "number"])
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4))


def same(one, other):
    """Equal in type and value all the way down, NaN equal to NaN and −0.0 not to 0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return repr(one) == repr(other)


def refuse(name):
    """Called by the JSON reader for what is not JSON."""
    raise AssertionError(name)


@repeatable
@given(values)
def test_round_trip(value):
    """Whatever is plain comes back equal in type and value, infinities, NaN and keys with $ included."""
    assert same(plain.decode(plain.encode(value)), value)


@repeatable
@given(values)
def test_strict_json(value):
    """The text is strict JSON in ASCII: any reader of any language takes it."""
    text = plain.encode(value)
    assert text.isascii()
    json.loads(text, parse_constant=refuse)


@repeatable
@given(values)
def test_text_is_a_normal_form(value):
    """Encoding what was decoded gives the same text, so that a hash of the text is a hash of the value."""
    text = plain.encode(value)
    assert plain.encode(plain.decode(text)) == text


@repeatable
@given(st.dictionaries(keys, scalars, max_size=6), st.randoms())
def test_order_of_keys_is_no_difference(value, random):
    """Mappings that differ in the order of their keys alone give the same text."""
    shuffled = list(value.items())
    random.shuffle(shuffled)
    assert plain.encode(dict(shuffled)) == plain.encode(value)


def test_numpy_values_become_pythons():
    """NumPy's scalars and arrays, tuples and infinities are stored as numbers and lists."""
    value = {"a": np.float32(0.5), "b": np.int64(3), "c": np.bool_(True), "d": np.array([1.0, np.inf]), "e": (1, 2)}
    assert plain.decode(plain.encode(value)) == {"a": 0.5, "b": 3, "c": True, "d": [1.0, math.inf], "e": [1, 2]}


@pytest.mark.parametrize("value", [{1: "a"}, {"a": {1, 2}}, b"bytes", np.array([object()]), 1j])
def test_other_values_are_refused(value):
    """What JSON does not know is refused when it is stored, not found missing later."""
    with pytest.raises(TypeError, match="stored"):
        plain.encode(value)


@pytest.mark.parametrize("text", ["", "{", "NaN", "[Infinity]", '{"$number": "1"}', '{"$number": []}', "[" * 100_000])
def test_other_text_is_refused(text):
    """What `encode` cannot have written is a ValueError, however deep it is nested."""
    with pytest.raises(ValueError):
        plain.decode(text)
