"""What the screen looks like; renewed with --snapshot-update after looking at the report."""

from typing import Any

import pytest

from convstep.tui.actions import ACTIONS, STEPS
from convstep.tui.app import ConvstepApp
from convstep.tui.settings import Settings


@pytest.mark.parametrize("size", [(50, 20), (80, 24), (120, 40), (200, 60)])
def test_a_term_of_a_weights_gradient(snap_compare: Any, session: Any, size: tuple[int, int]) -> None:
    session.position = 33
    assert snap_compare(ConvstepApp(session), terminal_size=size)


def test_a_large_tensor_with_a_cursor(snap_compare: Any, large_session: Any) -> None:
    assert snap_compare(ConvstepApp(large_session), terminal_size=(160, 50), press=["tab", "down"])


def test_the_light_theme(snap_compare: Any, session: Any) -> None:
    session.look["theme"] = "light"
    assert snap_compare(ConvstepApp(session), terminal_size=(80, 24))


def test_the_help(snap_compare: Any, session: Any) -> None:
    settings = Settings(tuple(action for action in ACTIONS if action.group == STEPS or action.id == "help"))
    assert snap_compare(ConvstepApp(session, settings), terminal_size=(100, 40), press=["question_mark"])
