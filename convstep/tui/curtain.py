"""A key that opens or closes a dialog is painted once, when all that it brings about has been done."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from textual.geometry import Region, Size

from convstep.tui.screens.once import Once

if TYPE_CHECKING:
    from convstep.tui.app import ConvstepApp

_LONGEST = 0.2
"""Seconds after which is painted what there is."""


class Curtain:
    """While it is down nothing is painted.

    Textual paints a screen when it is put up, when its size is known, when something takes the focus, and the one
    below when a screen has gone; each of these paintings but the first waits for a frame of its own, and all are of
    the whole screen, though a dialog covers a small part of it.
    """

    def __init__(self, app: ConvstepApp) -> None:
        self._app = app
        self._held = ExitStack()
        self._before: _Stage | None = None
        """What stood on the terminal when it was let down; None while it is up."""
        self._rising = False

    def down(self) -> None:
        """From now on, until it is raised."""
        self._rising = False
        if self._before is None:
            self._held.enter_context(self._app.batch_update())
            self._before = self._stage()
            self._held.callback(asyncio.get_running_loop().call_later(_LONGEST, self._rise).cancel)

    def up(self) -> None:
        """Raise it when the screen has done what it was told up to now, unless it is let down again before."""
        if self._before is None:
            return
        self._rising = True
        screens = self._app.screen_stack
        if not screens or not screens[-1].call_later(self._rise_after_all):
            self._rise()

    def _rise_after_all(self) -> None:
        if self._rising:
            self._rise()

    def _rise(self) -> None:
        """Paint what has changed. (Textual's timers would let a whole frame go by first.)"""
        before, self._before = self._before, None
        if before is None:
            return
        screens = self._screens
        turned: set[Region] = set()
        if screens != before.screens:
            for screen in screens:
                screen.arrange_now()
            turned = self._stage().turned(before)
        self._held.close()
        for screen in screens[-1:]:
            screen.paint_at_once(turned)

    @property
    def _screens(self) -> list[Once]:
        return [screen for screen in self._app.screen_stack if isinstance(screen, Once)]

    def _stage(self) -> _Stage:
        screens = self._screens
        return _Stage(self._app.size, self._app.theme, screens, [screen.covers for screen in screens])


class _Stage(NamedTuple):
    """What stands on the terminal: screens, the lowest first, and what each of them covers."""

    size: Size
    theme: str
    screens: list[Once]
    covers: list[set[Region]]

    def turned(self, before: _Stage) -> set[Region]:
        """What shows another screen than before."""
        if (self.size, self.theme) != (before.size, before.theme):
            return {self.size.region}
        kept = next(k for k, pair in enumerate(zip_longest(self.screens, before.screens)) if pair[0] is not pair[1])
        return set().union(*self.covers[kept:], *before.covers[kept:])
