"""What a snapshot keeps of the screen, whoever made it: what fits is taken over, the rest is left out."""

from __future__ import annotations

from typing import Any

import pytest
from networks import sample

from convstep.debugger.opening import open_session
from convstep.tui.app import ConvstepApp
from convstep.tui.looks import sound

LOOK = {
    "theme": "light",
    "pane": "tensors",
    "focus": "local",
    "windows": {"o1": {"lead": 0, "row": 1, "col": 2, "at": 3, "pinned": True}, "i": {"row": 1, "at": None}},
    "tops": {"local": 1},
    "cursors": {"local": ["o1", 2]},
    "views": {"view": "im2col", "windows": {}, "tops": {"left": 2}, "cursors": {}},
}


def test_what_the_screen_puts_there_stays() -> None:
    assert sound(LOOK) == LOOK


HOSTILE: list[Any] = [3, "x", None, [], [1], {}, {"local": "x"}, {"local": [1, 2]}, {"o1": {"row": "x"}}, {"o1": [-1]}]


@pytest.mark.parametrize("value", HOSTILE)
async def test_what_it_never_puts_there_breaks_nothing(value: Any) -> None:
    session = open_session(sample("two_conv"), at="grad(w1)[1]")
    session.look = {**dict.fromkeys(LOOK, value), "views": dict.fromkeys(LOOK["views"], value)}
    app = ConvstepApp(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("tab", "down", "n", "v", "escape", "tab", "p")
    assert app.failure is None
