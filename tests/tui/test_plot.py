"""The curve over the iterations, line by line."""

from __future__ import annotations

import numpy as np
import pytest

from convstep.tui.theme.colours import Palette
from convstep.tui.widgets.plot import Scale, plot_lines

NONE = np.full(4, np.nan)


def drawn(values: list[float], chosen: int = 0, width: int = 30, height: int = 6, ascii: bool = True) -> list[str]:
    array = np.array(values, float)
    lines = plot_lines(array, np.full(array.size, np.nan), chosen, width, height, Palette(), ascii)
    return [line.text for line in lines]


@pytest.mark.parametrize(("width", "height"), [(30, 6), (80, 20), (12, 3), (5, 2), (200, 40)])
@pytest.mark.parametrize("count", [1, 2, 7, 1000])
def test_it_is_as_large_as_it_is_asked_to_be(width: int, height: int, count: int) -> None:
    values = np.linspace(3, 1, count)
    lines = plot_lines(values, values, count - 1, width, height, Palette())
    assert [line.cell_length for line in lines] == [width] * height


def test_a_falling_curve_falls_from_its_highest_to_its_lowest_number() -> None:
    lines = drawn([4, 3, 2, 1, 0])
    assert lines[0].startswith("4 │●") and lines[4].startswith("0 │")
    columns = [line.find("*", 4) for line in lines[1:5]]
    assert columns == sorted(columns) and columns[0] > 3


def test_the_chosen_iteration_has_a_line_and_its_number() -> None:
    lines = drawn([0, 0, 4, 0, 0], chosen=2)
    column = lines[0].index("●")
    assert [line[column] for line in lines[1:4]] != [" "] * 3
    assert lines[5].split() == ["0", "2", "4"]
    assert lines[5][column] == "2"


def test_numbers_that_are_none_are_marked_and_what_was_not_run_is_blank() -> None:
    lines = drawn([1, 2, np.inf, np.nan, np.nan, np.nan], width=40)
    assert lines[0].count("×") == 1
    assert all(not line[25:].strip() for line in lines[:5])


def test_the_run_without_edits_stands_behind() -> None:
    palette = Palette()
    lines = plot_lines(np.array([1.0, 1, 1]), np.array([0.0, 0, 0]), 0, 20, 5, palette, True)
    inks = {style for line in (lines[0], lines[3]) for text, style, _ in line if "*" in text}
    assert inks == {palette.now, palette.title, palette.faint}


def test_orders_of_magnitude_are_drawn_by_their_logarithms() -> None:
    assert Scale.of(np.array([1e-5, 1.0])).logarithmic
    assert not Scale.of(np.array([0.0, 1.0])).logarithmic
    assert Scale.of(np.array([1e-4, 1.0])).share(np.array([1e-2])) == pytest.approx([0.5])
    assert drawn([1e-5, 1e-2, 1])[-1].split()[0] == "log"


def test_many_iterations_share_a_column_by_their_extremes() -> None:
    values = np.zeros(5000)
    values[2500] = 1
    lines = plot_lines(values, np.full(5000, np.nan), 0, 40, 6, Palette(), True)
    assert "*" in lines[0].text, "a peak of one iteration is seen"


@pytest.mark.parametrize("values", [[np.nan], [np.nan, np.nan], [5.0, 5.0], [np.inf, np.inf], [-1e300, 1e300]])
def test_any_numbers_can_be_drawn(values: list[float]) -> None:
    assert len(drawn(values)) == 6


def test_dots_are_braille_where_the_terminal_has_it() -> None:
    assert any("\u2800" < character <= "\u28ff" for line in drawn([3, 1, 2], ascii=False) for character in line)
