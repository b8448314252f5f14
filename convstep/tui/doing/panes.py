"""Panes, their focus, and the channels of what they show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convstep.tui.doing.predicting import hides, reveal

if TYPE_CHECKING:
    from convstep.tui.screens.main import MainScreen

NO_NUMBER = "no number is chosen: tab goes to a pane, the arrows to a number"


def next_pane(screen: MainScreen) -> None:
    """The focus to the next pane."""
    _focus(screen, 1)


def previous_pane(screen: MainScreen) -> None:
    """The focus to the previous pane."""
    _focus(screen, -1)


def _focus(screen: MainScreen, step: int) -> None:
    panes, pane = screen.panes, screen.pane
    chosen = panes[0 if step > 0 else -1] if pane is None else panes[(panes.index(pane) + step) % len(panes)]
    screen.set_focus(chosen, scroll_visible=False)


def let_go(screen: MainScreen) -> None:
    """No pane has the focus any more: the arrows step again. Without a focus, a hidden result is shown."""
    if screen.pane is None and hides(screen):
        reveal(screen)
        return
    screen.set_focus(None)
    screen.look["focus"] = None
    screen.repaint()


def channel_back(screen: MainScreen) -> None:
    """The previous channel."""
    _channel(screen, -1)


def channel_on(screen: MainScreen) -> None:
    """The next channel."""
    _channel(screen, 1)


def _channel(screen: MainScreen, step: int) -> None:
    panes = [screen.pane] if screen.pane else screen.panes
    if not any(pane.change_channel(step) for pane in panes):
        screen.repaint("no tensor here has channels")
