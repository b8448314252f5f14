"""Windows of a few cells, as they come about while a window is pulled: nothing fails, and all is there afterwards."""

import asyncio

import pytest
from monkey import PaintingApp
from playing import opened, settled, text_of
from textual import events
from textual.geometry import Size


@pytest.mark.parametrize("key", ["x", "g", "question_mark", "ctrl+p", "e", "v", "i", "escape"])
def test_a_window_is_pulled_to_nothing_and_back(key: str) -> None:
    async def play() -> None:
        app = PaintingApp(opened("two_conv", "term 32"))
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press(key)
            await settled(pilot)
            shown, lines = app.screen, text_of(app).splitlines()
            for size in (*((width, 10) for width in range(14, 0, -1)), (1, 1), (3, 2), (80, 1), (80, 24)):
                assert app._driver is not None
                app._driver.send_message(events.Resize(Size(*size), Size(*size)))
                await pilot.pause(0)
            await settled(pilot)
            assert app.screen is shown
            assert text_of(app).splitlines()[:5] == lines[:5]

    asyncio.run(play())


@pytest.mark.parametrize("size", [(1, 1), (5, 10)], ids=["1x1", "5x10"])
def test_keys_in_a_tiny_window(size: tuple[int, int]) -> None:
    async def play() -> None:
        app = PaintingApp(opened("two_conv", "term 32"))
        async with app.run_test(size=size) as pilot:
            for key in ("x", "down", "escape", "n", "tab", "down", "escape", "s", "home", "n"):
                await pilot.press(key)
            await pilot.resize_terminal(80, 24)
            await settled(pilot)
            assert app.session.spot.position == 0

    asyncio.run(play())
