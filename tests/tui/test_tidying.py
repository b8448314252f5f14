"""Repaints leave nothing behind that only a search for garbage finds; such searches wait for a moment of rest."""

import asyncio
import gc

import pytest
from textual.app import App
from textual.strip import Strip

from convstep.debugger.session import Session
from convstep.engine.recording import Recording
from convstep.network import load
from convstep.tui import tidying
from convstep.tui.app import ConvstepApp
from tests.networks import sample


async def test_repaints_leave_no_strips_to_search_for() -> None:
    app = ConvstepApp(Session(Recording(load(sample("two_conv")))))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("n", "n")
        gc.collect()
        gc.disable()
        try:
            await pilot.press("n", "n", "N", "s", "n")
            await pilot.pause()
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            assert not [found for found in gc.garbage if isinstance(found, Strip)]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()


async def test_garbage_is_looked_for_at_rest_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[int] = []
    monkeypatch.setattr(gc, "collect", lambda: searched.append(1))
    monkeypatch.setattr(gc, "get_count", lambda: (0, 0, 40))
    monkeypatch.setattr(gc, "set_threshold", lambda *counts: None)
    monkeypatch.setattr(gc, "freeze", lambda: None)
    monkeypatch.setattr(tidying, "_REST", 0.02)
    watch = tidying.Tidying()
    async with App[str]().run_test() as pilot:
        watch.start(pilot.app)
        for _ in range(4):
            watch.touched()
            assert not searched
        await asyncio.sleep(0.1)
    assert searched == [1]


async def test_closed_dialogs_leave_no_lines() -> None:
    def lines() -> int:
        gc.collect()
        return sum(isinstance(found, Strip) for found in gc.get_objects())

    app = ConvstepApp(Session(Recording(load(sample("two_conv")))))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("n", "e", "escape")
        counts = []
        for _ in range(2):
            await pilot.press("e", "escape", "e", "escape")
            tidying._let_go_of_closed_dialogs()
            counts.append(lines())
    assert counts[1] <= counts[0]
