"""Plays a session on the screen without a terminal: presses keys, waits until all is painted, reads the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from networks import sample
from textual.pilot import Pilot

from convstep.debugger.opening import open_session
from convstep.debugger.session import Session
from convstep.tui.app import ConvstepApp
from convstep.tui.screens.painted import Painted
from convstep.tui.settings import Settings

Play = Callable[[ConvstepApp, Any], Awaitable[None]]


def opened(net: str, at: str = "start") -> Session:
    """A sample net, opened there."""
    return open_session(sample(net), at=at)


def run(session: Session, play: Play, size: tuple[int, int] = (80, 24), settings: Settings | None = None) -> None:
    """Play on a screen of this size."""

    async def main() -> None:
        app = ConvstepApp(session, settings)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await play(app, pilot)

    asyncio.run(main())


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press the keys, and wait for what each started."""
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


async def settled(pilot: Pilot[Any]) -> None:
    """Until work beside the screen is done and everything is painted, as two looks in a row find it."""
    app, quiet = pilot.app, 0
    assert isinstance(app, ConvstepApp)
    for _ in range(400):
        await pilot.pause()
        unpainted = isinstance(app.screen, Painted) and app.screen.pending
        quiet = 0 if app.main.jobs.job is not None or unpainted else quiet + 1
        if quiet == 2:
            return
        await asyncio.sleep(0.005)
    raise AssertionError("the work never ended")


def text_of(app: ConvstepApp) -> str:
    """The whole screen, without the blanks at its right."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())
