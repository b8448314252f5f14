"""A key that opens or closes a dialog is painted once, when all that it brings about has been done."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import Any

from textual.app import App

_LONGEST = 0.2
"""Seconds after which is painted what there is."""


class Curtain:
    """While it is down nothing is painted.

    Textual paints a screen when it is put up, when its size is known, when something takes the focus, and the one
    below when a screen has gone; each of these paintings but the first waits for a frame of its own.
    """

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._held = ExitStack()
        self._before: Any = None
        self._fallback: asyncio.TimerHandle | None = None

    def down(self) -> None:
        """From now on, until it is raised."""
        if self._fallback is None:
            self._held.enter_context(self._app.batch_update())
            self._before = self._seen
            self._fallback = asyncio.get_running_loop().call_later(_LONGEST, self.up)

    def up(self) -> None:
        """Paint what has changed: all, where it is another screen."""
        if self._fallback is None:
            return
        self._fallback.cancel()
        self._fallback = None
        self._held.close()
        if not self._app.screen_stack:
            return
        screen = self._app.screen
        if self._seen != self._before:
            screen.refresh()
        screen.call_later(screen._on_timer_update)  # a new screen's timer would let a whole frame go by first

    @property
    def _seen(self) -> Any:
        return self._app.size, *map(id, self._app.screen_stack)
