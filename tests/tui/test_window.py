"""Which part of a tensor is visible."""

import pytest

from convstep.tui.widgets.window import Matrix, Window, reaching, slot_of, window_of

SHAPE = (1, 64, 56, 56)


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (2, 3), (10, 4), (56, 56), (99, 99)])
def test_the_followed_element_is_always_visible(rows: int, cols: int) -> None:
    matrix = Matrix.of(SHAPE)
    for spot in range(0, 56 * 56, 61):
        follow = 12 * 56 * 56 + spot
        window = window_of(matrix, rows, cols, follow, {})
        assert window.lead == 12
        assert window.place(follow) is not None


def test_the_slice_is_named() -> None:
    window = Window(Matrix.of(SHAPE), 12, 25, 0, 10, 56)
    assert window.slice_text(SHAPE) == "[0, 12, 25:35, :]"


def test_the_same_position_looks_the_same_whatever_the_way_there() -> None:
    matrix = Matrix.of(SHAPE)
    left = slot_of(window_of(matrix, 10, 10, 0, {}), 0)
    assert window_of(matrix, 10, 10, 777, left) == window_of(matrix, 10, 10, 777, {})


def test_a_channel_that_a_person_chose_stays_until_another_element_is_followed() -> None:
    matrix = Matrix.of(SHAPE)
    chosen = {**slot_of(window_of(matrix, 5, 5, 0, {}), 0), "lead": 7}
    assert window_of(matrix, 5, 5, 0, chosen).lead == 7
    assert window_of(matrix, 5, 5, 3 * 56 * 56, chosen).lead == 3


def test_indices_and_places_are_inverse() -> None:
    window = Window(Matrix.of((2, 5, 7)), 1, 2, 3, 2, 3)
    assert window.indices().tolist() == [52, 53, 54, 59, 60, 61]
    assert [window.place(i) for i in (52, 61, 55)] == [(0, 0), (1, 2), None]
    assert window.index(1, 2) == 61


def test_vectors_and_scalars_are_one_row() -> None:
    assert Matrix.of(()) == Matrix(1, 1, 1)
    assert Matrix.of((10,)) == Matrix(1, 1, 10)


def test_the_window_follows_the_cursor_no_further_than_it_must() -> None:
    window = Window(Matrix.of((10, 10)), 0, 2, 2, 3, 3)
    assert reaching(window, 33) == window
    moved = reaching(window, 66)
    assert (moved.row, moved.col) == (4, 4)
