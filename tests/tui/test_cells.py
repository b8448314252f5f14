"""A number as text: aligned, and its role told by shape."""

import math

import numpy as np
import pytest

from convstep.debugger.screen.view import Mark, Status
from convstep.explain.numbers import NumberFormat, format_of
from convstep.tui.widgets.cells import Column, column_of, fitted, number_text, parts, split_text

WHOLE = NumberFormat(3, 0)


@pytest.mark.parametrize(
    ("status", "mark", "text"),
    [
        (Status.DONE, Mark.NONE, "  48  "),
        (Status.DONE, Mark.NOW, " [48] "),
        (Status.DONE, Mark.REST, " (48) "),
        (Status.DONE, Mark.WRITTEN, " <48> "),
        (Status.PARTIAL, Mark.WRITTEN, " <48…>"),
        (Status.PARTIAL, Mark.NONE, "  48… "),
        (Status.BLANK, Mark.NONE, "   ·  "),
        (Status.BLANK, Mark.NOW, "  [·] "),
        (Status.PADDING, Mark.REST, "  (p) "),
    ],
)
def test_roles_are_told_by_shape_and_take_the_same_room(status: Status, mark: Mark, text: str) -> None:
    column = Column(left=3, right=0, tail=1, gap=False)
    number = number_text(48.0, status, WHOLE)
    assert "".join(parts(number, status, mark, column)) == text
    assert len(text) == column.pitch


def test_decimal_points_stand_below_each_other() -> None:
    form = NumberFormat(7, 4)
    texts = [form.text(v) for v in (-12.5, 0.0001, 0.0, 3.0)]
    column = column_of(texts, form, tail=0, gap=False)
    lines = ["".join(parts(text, Status.DONE, Mark.NONE, column)) for text in texts]
    assert {line.index(".") for line in lines if "." in line} == {1 + column.left}
    assert {len(line) for line in lines} == {column.pitch}


def test_a_number_longer_than_its_format_widens_the_column() -> None:
    form = NumberFormat(4, 2)
    text = form.text(1.5e-9)
    column = column_of([text], form, tail=0, gap=False)
    assert len("".join(parts(text, Status.DONE, Mark.NOW, column))) == column.pitch
    assert text in "".join(parts(text, Status.DONE, Mark.NOW, column))


@pytest.mark.parametrize(("text", "split"), [("-12", (3, 0)), ("1.25", (1, 3)), ("1.2e-5", (1, 5)), ("-Inf", (4, 0))])
def test_split_at_the_point(text: str, split: tuple[int, int]) -> None:
    assert split_text(text) == split


def test_words_for_what_is_no_number() -> None:
    assert [WHOLE.text(v) for v in (math.nan, math.inf, -math.inf)] == ["NaN", "Inf", "-Inf"]


def test_a_narrow_pane_takes_decimals_away_but_not_the_last_two() -> None:
    form = format_of(np.array([-0.1234, 0.9]))
    assert fitted(form, 9, 24).decimals == 3
    assert fitted(form, 9, 8).decimals == 2
    assert fitted(form, 2, 60) == form


def test_a_scientific_column_is_as_wide_as_its_numbers() -> None:
    values = np.array([1.5e-4, -2.25e-7, 0.0])
    form = format_of(values)
    texts = [form.text(v) for v in values.tolist()]
    assert form.decimals is None
    column = column_of(texts, form, tail=0, gap=False)
    assert column.left + column.right == max(map(len, texts))
    assert column_of([], form, tail=0, gap=False) == column
