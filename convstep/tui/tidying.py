"""Garbage is looked for while nobody waits: at a key, going through all there is would be felt."""

from __future__ import annotations

import asyncio
import gc
from contextlib import suppress

from textual.app import App

_REST = 0.15
"""Seconds after the last key, or move of the mouse, from which on nobody waits."""
_DUE = 2
_OVERDUE = 50
"""So many searches of the young objects after which all are searched: at rest, or else in any case."""


class Tidying:
    """Waits for moments of rest while an app runs."""

    def __init__(self) -> None:
        self._waiting: asyncio.TimerHandle | None = None

    def start(self, app: App[str]) -> None:
        """From here on, until the app ends."""
        young, middle, _ = gc.get_threshold()
        gc.set_threshold(young, middle, _OVERDUE)
        app.call_after_refresh(gc.freeze)  # what was made up to the first screen stays: it need not be gone through
        self.touched()

    def touched(self) -> None:
        """Somebody pressed a key, or moved the mouse."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = asyncio.get_running_loop().call_later(_REST, self._rest)

    def _rest(self) -> None:
        if gc.get_count()[2] >= _DUE:
            _let_go_of_closed_dialogs()
            gc.collect()


def _let_go_of_closed_dialogs() -> None:
    """Textual remembers the borders of a thousand widgets, and with them all their lines."""
    with suppress(ImportError, AttributeError):
        from textual._styles_cache import StylesCache

        StylesCache.get_inner_outer.cache_clear()
