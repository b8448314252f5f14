"""While the app runs: its session is kept on its own at quiet moments, and when the app is told to end."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from textual.app import App

if TYPE_CHECKING:
    from convstep.debugger.keeping.autosave import Autosave

_TICK = 0.5
_LONGEST = 5.0
"""Seconds after which a session is kept although its keys do not rest, and after which a full disk is tried again."""
_LAST_WORDS = 3.0
"""Seconds that the app has for its end once it was told to: a terminal that is gone may not take it."""
_SIGNALS = ("SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT")


class Keeping:
    """Looks twice a second; writing is done in a thread."""

    def __init__(self, app: App[Any], autosave: Autosave) -> None:
        self.autosave = autosave
        self.ended_by = ""
        """The signal that told the app to end."""
        self._app = app
        self._seen: Any = None
        self._written = time.monotonic()
        self._thread: threading.Thread | None = None
        self._fails = False

    def start(self) -> None:
        """From here on, until the app ends."""
        self._app.set_interval(_TICK, self._tick)
        loop = asyncio.get_running_loop()
        for name in _SIGNALS:
            with suppress(NotImplementedError, RuntimeError, ValueError, AttributeError):
                loop.add_signal_handler(getattr(signal, name), self._end, name)

    def _tick(self) -> None:
        autosave = self.autosave
        if not autosave.session.unsaved:
            autosave.forget()
            return
        now, seen = time.monotonic(), autosave.session.standing
        rests, self._seen = seen == self._seen, seen
        due = now - self._written > _LONGEST or (rests and not self._fails)
        if not due or (self._thread is not None and self._thread.is_alive()):
            return
        data = autosave.changed()
        if data is not None:
            self._written = now
            self._thread = threading.Thread(target=self._write, args=(data,), daemon=True)
            self._thread.start()

    def _write(self, data: bytes) -> None:
        try:
            self.autosave.write(data)
        except OSError as error:
            if not self._fails:
                self._app.call_later(self._complain, error.strerror or str(error))
            self._fails = True
        else:
            self._fails = False

    def _complain(self, why: str) -> None:
        screen = self._app.screen_stack[0]
        told = getattr(screen, "told", None)
        if told is not None:
            told(f"no autosave ({why}): ctrl+s saves this session")

    def _end(self, name: str) -> None:
        """A signal: keep the session and leave."""
        self.ended_by = name
        self.autosave.keep()
        watch = threading.Timer(_LAST_WORDS, os._exit, (128 + getattr(signal, name),))
        watch.daemon = True
        watch.start()
        self._app.exit()
