"""The status line: what gives way where there is little room."""

import pytest
from networks import sample

from convstep.debugger.opening import open_session
from convstep.tui.theme.colours import Palette
from convstep.tui.widgets.head import _path, head_lines

CRUMBS = ("backward", "conv1 Conv2d", "grad(conv1.weight)[0,0,1,2]", "term 10 of 49")


@pytest.mark.parametrize(
    ("room", "shown"),
    [
        (80, "backward › conv1 Conv2d › grad(conv1.weight)[0,0,1,2] › term 10 of 49"),
        (66, "… › conv1 Conv2d › grad(conv1.weight)[0,0,1,2] › term 10 of 49"),
        (50, "… › grad(conv1.weight)[0,0,1,2] › term 10 of 49"),
        (44, "… › grad(conv1.wei…[0,0,1,2] › term 10 of 49"),
        (36, "… › grad(c…[0,0,1,2] › term 10 of 49"),
        (31, "… › term 10 of 49"),
        (8, "term 10…"),
    ],
)
def test_the_element_of_a_term_is_cut_before_it_is_left_out(room, shown):
    assert _path(CRUMBS, room) == shown


@pytest.mark.parametrize(("room", "shown"), [(5, "start"), (3, "st…")])
def test_the_start_has_one_word(room, shown):
    assert _path(("start",), room) == shown


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (80, " … › forward › pool MaxPool2d › pool[0,0,0,0] › term 2 of 4    TERM 161 of 2223 "),
        (120, " conv_pool_sigmoid   iteration 0 › forward › pool MaxPool2d › pool[0,0,0,0] › term 2 of 4"),
    ],
)
def test_the_operation_stays_longer_than_the_networks_name(width, shown):
    session = open_session(sample("conv_pool_sigmoid"), at="pool[0,0,0,0]")
    session.first_inside()
    session.next()
    status = head_lines(session.view(), width, 3, Palette())[0].text
    assert status.startswith(shown)
