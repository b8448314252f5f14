"""How numbers are written."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convstep.explain.numbers import NumberFormat, format_of, scientific, short


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (18.0, "18"),
        (-4.0, "-4"),
        (999999.0, "999999"),
        (0.5, "0.5"),
        (1 / 3, "0.333333"),
        (1e-5, "1e-5"),
        (-1.234e-9, "-1.23e-9"),
        (12345678.0, "1.23e7"),
        (5e-324, "4.94e-324"),
        (math.nan, "NaN"),
        (math.inf, "Inf"),
        (-math.inf, "-Inf"),
    ],
)
def test_short(value, text):
    assert short(value) == text


def test_whole_numbers_stay_whole():
    whole = format_of(np.array([1.0, -12.0, 3.0]))
    assert [whole.text(v) for v in (1.0, -12.0, 0.0)] == ["1", "-12", "0"]
    assert whole.width == 3


def test_one_format_a_tensor_aligns_the_points():
    mixed = format_of(np.array([0.5, -12.25, 3.0]))
    texts = [mixed.text(v) for v in (0.5, -12.25, 3.0)]
    assert {len(t.partition(".")[2]) for t in texts} == {mixed.decimals}
    assert mixed.text(0.0) == "0", "a real zero is seen"


def test_a_small_number_among_large_ones_keeps_its_digits():
    mixed = format_of(np.array([100.5, 1e-9]))
    assert float(mixed.text(1e-9)) == pytest.approx(1e-9, rel=1e-2)


@pytest.mark.parametrize("values", [[math.nan], [math.inf, -math.inf], [], [math.nan, 2.0]])
def test_what_is_not_finite_is_a_word(values):
    words = format_of(np.array(values))
    assert [words.text(v) for v in (math.nan, math.inf, -math.inf)] == ["NaN", "Inf", "-Inf"]


@given(st.floats(-1e308, 1e308))
def test_what_is_written_is_near_the_number(value):
    for text in (short(value), format_of(np.array([value])).text(value)):
        assert float(text) == pytest.approx(value, rel=6e-3)
    assert len(short(value)) <= 11
    assert value == 0 or "e" in scientific(value)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=6))
def test_the_width_is_enough_for_most(values):
    written = format_of(np.array(values))
    for value in values:
        text = written.text(value)
        assert (float(text) == 0) == (value == 0)
        assert len(text) <= max(written.width + 2, 11)


def test_a_number_too_small_for_its_format_takes_little_room():
    assert NumberFormat(7, 4).text(-0.0000175385) == "-1.75e-5"
    assert NumberFormat(6, 3).text(-0.000175385) == "-1.75e-4"
    assert NumberFormat(6, 3).text(0.0002) == "0.0002"


def test_small_numbers_have_more_decimals_rather_than_exponents():
    small = format_of(np.array([-0.003, 4.25e-4]))
    assert [small.text(v) for v in (-0.003, 4.25e-4)] == ["-0.003000", "0.000425"]
