"""The terminal's input: an escape is told as soon as it is known to be the key, and not the beginning of another."""

from __future__ import annotations

import os
import selectors
from codecs import getincrementaldecoder

from textual._time import get_time
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

_LONGEST = 0.1
"""Seconds between two looks whether the app has ended."""


class PromptDriver(LinuxDriver):
    """Textual looks every tenth of a second, whatever ESCDELAY says; so long would an escape be waited for."""

    def run_input_thread(self) -> None:
        """Hand over what is typed until the app or its terminal has gone."""
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")().decode
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                due = parser._timeout_time
                wait = _LONGEST if due is None else min(_LONGEST, max(0.0, due - get_time()))
                if selector.select(wait):
                    read = os.read(self.fileno, 4096)
                    if not read:
                        return
                    if typed := decode(read):
                        for event in parser.feed(typed):
                            self.process_message(event)
                for event in parser.tick():
                    self.process_message(event)
