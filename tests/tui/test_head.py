"""The status line: what gives way where there is little room."""

import pytest

from convstep.tui.widgets.head import _path

CRUMBS = ("backward", "conv1 Conv2d", "grad(conv1.weight)[0,0,1,2]", "term 10 of 49")


@pytest.mark.parametrize(
    ("room", "shown"),
    [
        (80, "backward › conv1 Conv2d › grad(conv1.weight)[0,0,1,2] › term 10 of 49"),
        (66, "… › conv1 Conv2d › grad(conv1.weight)[0,0,1,2] › term 10 of 49"),
        (50, "… › grad(conv1.weight)[0,0,1,2] › term 10 of 49"),
        (44, "… › grad(conv1.wei…[0,0,1,2] › term 10 of 49"),
        (36, "… › grad(c…[0,0,1,2] › term 10 of 49"),
        (31, "term 10 of 49"),
        (8, "term 10…"),
    ],
)
def test_the_element_of_a_term_is_cut_before_it_is_left_out(room, shown):
    assert _path(CRUMBS, room) == shown


@pytest.mark.parametrize(("room", "shown"), [(5, "start"), (3, "st…")])
def test_the_start_has_one_word(room, shown):
    assert _path(("start",), room) == shown
