"""How the lines of a pane are shared."""

from convstep.tui.widgets.sharing import Place, Want, share


def heights(places: list[Place]) -> list[int]:
    return [place.height for place in places]


def test_all_that_fits_is_whole_with_blank_lines_between() -> None:
    places = share([Want(2, 3), Want(2, 3), Want(2, 3)], 12)
    assert places == [Place(0, 3), Place(4, 3), Place(8, 3)]


def test_local_upstream_and_products_are_as_high_as_each_other() -> None:
    wants = [Want(2, 57, group="sum", first=True) for _ in range(3)] + [Want(1, 1, first=True)]
    for lines in range(7, 60):
        first, second, third, note = heights(share(wants, lines))
        assert first == second == third >= 2
        assert note == 1


def test_what_has_no_room_at_the_end_is_left_out_rather_than_everything_cut() -> None:
    assert heights(share([Want(2, 3)] * 6, 11)) == [3, 3, 3, 2, 0, 0]


def test_a_large_grid_leaves_room_for_small_ones() -> None:
    assert heights(share([Want(2, 57), Want(2, 4), Want(2, 3)], 12))[1:] == [4, 3]
    assert heights(share([Want(2, 57), Want(2, 4), Want(2, 3)], 40)) == [31, 4, 3]


def test_nothing_is_ever_higher_than_the_pane() -> None:
    for lines in range(1, 30):
        places = share([Want(2, 57), Want(1, 1), Want(2, 9), Want(1, 3, False)], lines)
        assert all(place.top + place.height <= lines for place in places if place.height)
