"""A table: the columns that have room, the rows around the chosen one."""

from __future__ import annotations

import pytest

from convstep.tui.theme.colours import Palette
from convstep.tui.widgets.sheet import Column, Sheet, first_visible, sheet_lines

COLUMNS = (Column("name", 6), Column("norm", 5, right=True), Column("mean", 5, right=True, yields=1), Column("note", 4))


def sheet(count: int = 100, asked: list[int] | None = None) -> Sheet:
    def row(k: int) -> list[tuple[str, str]]:
        if asked is not None:
            asked.append(k)
        return [(f"w{k}", "text"), (str(k), "text"), ("0.5", "faint"), ("wrong in this place", "warning")]

    return Sheet(COLUMNS, count, row)


def test_only_visible_rows_are_asked_for() -> None:
    asked: list[int] = []
    lines = sheet_lines(sheet(10**6, asked), 500, 502, 60, 8, Palette())
    assert asked == list(range(500, 507))
    assert len(lines) == 8
    assert [line.text.startswith("▶ w502") for line in lines].index(True) == 3


@pytest.mark.parametrize("width", [8, 20, 27, 40, 200])
def test_columns_yield_and_no_line_is_too_long(width: int) -> None:
    lines = sheet_lines(sheet(3), 0, 0, width, 6, Palette())
    assert all(line.cell_length == width for line in lines)


def test_the_column_that_yields_goes_and_the_last_is_cut() -> None:
    narrow, wide = (sheet_lines(sheet(3), 0, 0, width, 6, Palette())[0].text.split() for width in (22, 60))
    assert wide == ["name", "norm", "mean", "note"]
    assert narrow == ["name", "norm", "note"]
    assert sheet_lines(sheet(3), 0, 0, 22, 6, Palette())[1].text.rstrip().endswith("…")


@pytest.mark.parametrize(
    ("first", "chosen", "count", "expected"),
    [(0, 0, 100, 0), (0, 9, 100, 0), (0, 10, 100, 1), (50, 20, 100, 20), (95, 99, 100, 90), (5, 2, 4, 0)],
)
def test_the_chosen_row_is_always_visible(first: int, chosen: int, count: int, expected: int) -> None:
    assert first_visible(first, chosen, count, 10) == expected
