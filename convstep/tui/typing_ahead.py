"""Keys that come faster than dialogs open and close: each meets the screen that the keys before it have made."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from textual import events
from textual.dom import DOMNode

from convstep.tui.actions import ACTIONS, STEPS
from convstep.tui.curtain import Curtain

if TYPE_CHECKING:
    from convstep.tui.app import ConvstepApp

_ROUNDS = 2
"""A key bubbles up to the app and runs a binding; what that posts bubbles up in its turn."""
_WAIT = 0.01
"""Seconds between two looks whether work that was given up has ended."""
_LONGEST = 1.0
"""Seconds after which a key no longer waits for the one before it."""


class TypingAhead:
    """Holds keys back while an earlier one may still open or close a dialog, or end long work. Steps never do that.

    Textual gives every key to whoever has the focus when it is read, though the keys read with it may be about to
    put up a dialog: the first letters of a name would be lost, or step.
    """

    def __init__(self, app: ConvstepApp) -> None:
        self.app = app
        self._curtain = Curtain(app)
        self._waiting: deque[events.Key] = deque()
        self._since: float | None = None
        """When the key that others wait for came; None where there is none."""
        self._steps = {key for each in app.settings.actions or ACTIONS if each.group == STEPS for key in each.keys}

    def holds(self, event: events.Key) -> bool:
        """Whether the key has to wait; then it comes again on its own."""
        if self._since is None and not self._waiting:
            return False
        self._waiting.append(event)
        if self._since and time.monotonic() - self._since > _LONGEST:
            self._since = None
            self.app.call_later(self._go_on)
        return True

    def follow(self, event: events.Key, target: DOMNode) -> None:
        """The key went to this target: what comes next waits until it has been answered."""
        if not (screens := self.app.screen_stack) or (len(screens) == 1 and event.key in self._steps):
            return
        self._since = time.monotonic()
        self._curtain.down()
        self._climb([*target.ancestors_with_self] * _ROUNDS)

    def _climb(self, nodes: list[DOMNode]) -> None:
        """Go the way of the key, from one queue of messages to the next."""
        while nodes:
            node, *nodes = nodes
            if node.call_later(self._climb, nodes):
                return
        # A dialog that was put up takes the focus before it takes this. Without any screen the app is at its end.
        screens = self.app.screen_stack
        if screens and not screens[-1].call_later(self.app.call_later, self._go_on):
            self.app.call_later(self._go_on)

    async def _go_on(self) -> None:
        self._curtain.up()
        if self._since and (self.app.main.jobs.stopping or self.app.main.awaits_dialog):
            self.app.set_timer(_WAIT, self._go_on)
            return
        self._since = None
        while self._waiting and self._since is None:
            await self.app.give(self._waiting.popleft())
