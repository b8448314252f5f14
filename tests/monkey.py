"""Someone who presses keys, clicks and pulls at the window without a thought; what must hold all the same."""

from __future__ import annotations

import asyncio
import copy
import inspect
import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plain_view import plain
from rich.console import RenderableType
from textual import events
from textual._compositor import CompositorUpdate
from textual.errors import NoWidget
from textual.pilot import OutOfBounds, Pilot
from textual.screen import Screen

from convstep.debugger.opening import open_session
from convstep.debugger.session import Session
from convstep.engine.recording import Recording
from convstep.tui.actions import ACTIONS
from convstep.tui.app import ConvstepApp

SIZES = ((80, 24), (160, 50), (120, 40), (200, 60), (76, 20), (40, 12), (20, 8), (10, 5), (3, 2), (1, 1))
_LEAVING = {"q", "ctrl+q", "ctrl+c"}
_KEYS = [key for action in ACTIONS for key in action.keys if key not in _LEAVING]
_OTHERS = ["escape", "enter", "tab", "space", "delete", "ctrl+u", *"abcdefghijklmnopqrstuvwxyz0123456789[](),.+-*/=<>'"]
_TYPED = (
    "o1",
    "grad(w1)[3]",
    "term 32",
    "35%",
    "nan",
    "iteration 1",
    "1+",
    "loss > 1",
    "lr = 0.5",
    "-1",
    "ö[",
    "x" * 200,
)
_COMPARED = ("where", "status", "sentence", "tensors", "local", "gradients", "program", "formula", "ledger")


class Monkey:
    """Acts on an app, the same way for the same seed."""

    def __init__(self, app: ConvstepApp, pilot: Pilot[None], file: str, seed: int) -> None:
        self.app, self.pilot, self.file, self.random = app, pilot, file, random.Random(seed)
        self.done: list[str] = []

    @property
    def session(self) -> Session:
        return self.app.main.session

    async def act(self) -> None:
        """One key, click, wheel or resize; a few keys at once where something is typed."""
        kind = self.random.random()
        if kind < 0.82:
            await self._press([self.random.choice(_KEYS if self.random.random() < 0.75 else _OTHERS)])
        elif kind < 0.86:
            await self._press([*self.random.choice(_TYPED), "enter"])
        elif kind < 0.95:
            await self._click()
        else:
            size = self.random.choice(SIZES)
            self.done.append(f"resize {size}")
            await self.pilot.resize_terminal(*size)
        await self._settle()

    async def _press(self, keys: list[str]) -> None:
        self.done.append(" ".join(keys))
        for key in keys:
            # Not by pilot.press, which sleeps: what a key brings about is done when the screen has handled it.
            event = events.Key(key if len(key) > 1 else _named(key), key if len(key) == 1 else None)
            assert self.app._driver is not None
            self.app._driver.send_message(event)
            await self.pilot.pause(0)

    async def _click(self) -> None:
        width, height = self.app.size
        at = self.random.randrange(width), self.random.randrange(height)
        self.done.append(f"click {at}")
        try:
            await self.pilot.click(offset=at, shift=self.random.random() < 0.1)
        except (OutOfBounds, NoWidget):  # a dialog that is not laid out yet has nothing to click on
            return

    async def _settle(self) -> None:
        """Until no work goes on beside the screen: now and then it is given up."""
        for _ in range(2000):
            if self.app.main.jobs.job is None:
                return
            if self.random.random() < 0.05:
                self.app.main.jobs.give_up()
            await asyncio.sleep(0.002)
        raise AssertionError("work without an end")

    def check(self, whole: bool) -> None:
        """What must hold: the place exists, and a session that comes fresh to this place shows the same."""
        session, timeline = self.session, self.session.recording.timeline
        spot = session.spot
        assert -1 <= spot.position < timeline.length(spot.level, spot.order)
        if not whole:
            return
        fresh = open_session(self.file)
        again = Session(fresh.recording, spot, copy.deepcopy(session.look), copy.deepcopy(session.extras))
        with _patient(session):
            view = session.view()
            shown, expected = plain(view), plain(again.view())
        # Claims are judged when there is time, and then marked in formula and ledger; a watch has a history.
        for part in _COMPARED[: -2 if view.claims else None]:
            if part == "tensors" and session.extras.get("watches"):
                shown[part], expected[part] = (
                    [block for block in each[part] if isinstance(block, list)] for each in (shown, expected)
                )
            assert shown[part] == expected[part], f"{part} at {spot} is not what it is when one comes fresh"


def _named(character: str) -> str:
    from textual.keys import _character_to_key

    return _character_to_key(character)


def _forgetful(file: str) -> Session:
    """A session that keeps one iteration, and waits for none of several: so it is with a large network."""
    recording = Recording(open_session(file).graph, kept_bytes=0)
    recording.iteration(0)
    recording.patience = 0.0
    return Session(recording)


@contextmanager
def _patient(session: Session) -> Iterator[None]:
    """For who looks at a session from outside."""
    recordings = {session.trial.original, session.recording}
    for recording in recordings:
        recording.patience = math.inf
    yield
    for recording in recordings:
        recording.patience = 0.0


def _stay(*_: object, **__: object) -> None:
    """In place of an end: q, and then a click on it, would be one that nobody has to look into."""


class PaintingApp(ConvstepApp):
    """Makes what would be written to a terminal: without one Textual leaves that out."""

    CSS_PATH = Path(inspect.getfile(ConvstepApp)).with_name("app.tcss")

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        super()._display(screen, renderable)
        if isinstance(renderable, CompositorUpdate) and not self._batch_count:
            renderable.render_segments(self.console)


async def run_monkey(file: str, seed: int, acts: int, every: int) -> list[str]:
    """So many acts on a network, with a whole check after each `every` of them; what was done.

    Raises AssertionError, or whatever broke, with the last acts in its notes.
    """
    app = PaintingApp(_forgetful(file))
    app.exit = _stay  # type: ignore[method-assign]
    async with app.run_test(size=SIZES[0]) as pilot:
        monkey = Monkey(app, pilot, file, seed)
        try:
            for k in range(acts):
                await monkey.act()
                assert app.is_running, "the app has ended"
                monkey.check(k % every == every - 1)
        except BaseException as error:
            error.add_note(f"{file}, seed {seed}, after: {' | '.join(monkey.done[-40:])}")
            raise
    return monkey.done
