"""The lines of a pane, without an app."""

from collections.abc import Callable
from typing import Any

import numpy as np

from convstep.debugger.screen.view import Cells, Grid, Mark, Note, Status
from convstep.tui.theme.colours import Palette
from convstep.tui.widgets.pane_lines import Drawn, Frame, draw_pane

Make = Callable[..., Grid]
PALETTE = Palette()


def texts(drawn: Drawn) -> list[str]:
    return [strip.text.rstrip() for strip in drawn.strips]


def frame(width: int = 26, height: int = 13, **more: Any) -> Frame:
    return Frame(width, height, PALETTE, more.pop("slots", {}), **more)


def sum_blocks(grid: Make, rows: int, cols: int, follow: int = 0) -> list[Any]:
    numbers = np.arange(rows * cols, dtype=float).reshape(rows, cols)
    return [
        grid("local", numbers, follow=follow),
        grid("upstream", numbers, sign="×", follow=follow),
        grid("products", numbers, sign="=", follow=follow, marks={follow: Mark.NOW}),
        Note("Σ = 0", "strong"),
    ]


def test_local_upstream_products_and_sum_fit_into_80_by_24(grid: Make) -> None:
    lines = texts(draw_pane("Local derivatives", sum_blocks(grid, 2, 2), frame()))
    assert len(lines) == 13
    assert [line.strip() for line in lines[1:4]] == ["local", "0    1", "2    3"]
    assert "× upstream" in lines[5]
    assert "= products" in lines[9]
    assert "Σ = 0" in lines[12]


def test_large_sums_show_the_same_window_of_all_three(grid: Make) -> None:
    drawn = draw_pane("Local", sum_blocks(grid, 56, 56, follow=30 * 56 + 20), frame())
    windows = [placed.window for placed in drawn.placed]
    assert len(windows) == 3
    assert windows[0] == windows[1] == windows[2]
    assert any("[1700]" in line for line in texts(drawn))
    assert any("Σ = 0" in line for line in texts(drawn))


def test_only_visible_cells_are_asked_for() -> None:
    asked: list[int] = []

    def cells(index: Any) -> Cells:
        asked.append(len(index))
        return Cells(np.zeros(len(index)), np.full(len(index), Status.DONE, np.uint8), np.zeros(len(index), np.uint8))

    from convstep.explain.numbers import NumberFormat

    big = Grid("x", "x", "", (512, 64, 1000, 1000), cells, str, NumberFormat(3, 0), 1.0)
    draw_pane("Tensors", [big], frame(80, 30))
    assert sum(asked) < 80 * 30


def test_a_single_number_stands_beside_its_name(grid: Make) -> None:
    lines = texts(draw_pane("Gradients", [grid("grad(o2)", [[6]], note="complete")], frame(height=4)))
    assert lines[1] == " grad(o2)  6   complete"


def test_a_number_without_room_beside_its_name_stands_below_it(grid: Make) -> None:
    long = grid("local", [[0.971108]], title="∂tanh2/∂conv2[0,0,0,1]")
    upstream = grid("upstream", [[-0.25]], sign="×", title="upstream ∂loss/∂o1")
    lines = [line.strip() for line in texts(draw_pane("Local", [long, upstream], frame()))]
    assert lines[1:6] == ["∂tanh2/∂conv2[0,0,0,1]", "0.9711", "", "× upstream ∂loss/∂o1", "-0.2500"]


def test_the_header_names_slice_and_window(grid: Make) -> None:
    big = grid("x", np.zeros((1, 64, 56, 56)), note="1×64×56×56", follow=12 * 56 * 56)
    drawn = draw_pane("Tensors", [big], frame(70, 20))
    assert "1×64×56×56 · [0, 12, 0:17, 0:" in texts(drawn)[1]
    assert "13 of 64" in texts(drawn)[2]


def test_a_small_slice_that_is_whole_shows_its_channels_too(grid: Make) -> None:
    block = grid("o", np.arange(16.0).reshape(4, 2, 2))
    assert [line.strip() for line in texts(draw_pane("T", [block], frame(height=6)))[1:4]] == [
        "o  [0, :, :]",
        "·▃▅▇  1 of 4",
        "0     1",
    ]
    assert "of 4" not in " ".join(texts(draw_pane("T", [block], frame(height=4)))), "numbers come first"


def test_what_is_out_of_sight_is_counted(grid: Make) -> None:
    blocks = [grid(f"t{i}", np.zeros((3, 3))) for i in range(8)]
    assert texts(draw_pane("Tensors", blocks, frame(height=12)))[-1].strip() == "↓ 5 more"


def test_the_active_cell_is_found(grid: Make) -> None:
    written = grid("g", np.array([[48.0, 1], [2, 3]]), marks={2: Mark.WRITTEN})
    drawn = draw_pane("Gradients", [written], frame())
    x, y = drawn.active[Mark.WRITTEN]
    line = drawn.strips[y].text
    assert line[x] == "2"
    assert line[x - 1] == "<"


def test_a_place_on_the_screen_is_a_number_and_back(grid: Make) -> None:
    drawn = draw_pane("Tensors", [grid("w", np.arange(9).reshape(3, 3))], frame(divider=True))
    placed = drawn.placed[0]
    for index in range(9):
        spot = placed.window.place(index)
        assert spot is not None
        assert placed.index_at(*placed.offset(*spot)) == index
    assert placed.index_at(0, placed.top) is None


def test_nan_is_a_word_outside_the_colours(grid: Make) -> None:
    drawn = draw_pane("Tensors", [grid("w", np.array([[np.nan, 1.0], [-np.inf, 2.0]]), scale=2.0)], frame())
    styles = {segment.text.strip(): segment.style for strip in drawn.strips for segment in strip if segment.style}
    assert styles["NaN"].underline
    assert str(styles["NaN"].bgcolor.name) == PALETTE.inks.background
    assert str(styles["2"].bgcolor.name) != PALETTE.inks.background


def test_every_line_is_as_wide_as_the_pane(grid: Make) -> None:
    for width in (5, 9, 14, 25, 26, 60):
        for height in (1, 2, 3, 6, 13):
            drawn = draw_pane("Local derivatives", sum_blocks(grid, 3, 3), frame(width, height, divider=True))
            assert [strip.cell_length for strip in drawn.strips] == [width] * height
            assert {len(strip.text) for strip in drawn.strips} == {width}


def test_an_exponent_is_not_mixed_with_decimals_where_these_have_room(grid: Make) -> None:
    lines = texts(draw_pane("t", [grid("g", [[-0.0052, 0.00042, 0.001], [-0.0001, 0.0011, 0.002]])], frame(25)))
    assert [line.split() for line in lines[2:4]] == [["-0.00520", "0.00042"], ["-0.00010", "0.00110"]]
