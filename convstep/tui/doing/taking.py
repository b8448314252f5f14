"""Take numbers and places along: the clipboard, snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convstep.tui.doing.panes import NO_NUMBER
from convstep.tui.widgets.copying import copied_number, copied_slice

if TYPE_CHECKING:
    from convstep.tui.screens.main import MainScreen

_QUICK_BYTES = 2**21
"""A network of so many numbers is written at once; larger ones beside the screen."""
_ASK_RESUME = "ctrl+r again leaves this session for the unsaved one; ctrl+s saves it first"


def copy_number(screen: MainScreen) -> None:
    """The number under the cursor, every digit."""
    spot = screen.number
    _copy(screen, copied_number(spot) if spot else None)


def copy_slice(screen: MainScreen) -> None:
    """The visible slice as a Python literal."""
    cursor = screen.pane.cursor() if screen.pane else None
    placed = screen.pane.placed(cursor[0].key) if screen.pane and cursor else None
    _copy(screen, copied_slice(placed.grid, placed.window) if placed else None)


def _copy(screen: MainScreen, text: str | None) -> None:
    if text is None:
        screen.repaint(NO_NUMBER)
        return
    screen.app.copy_to_clipboard(text)
    screen.repaint(f"copied {text}")


def resume(screen: MainScreen) -> None:
    """Instead of this session the one that was kept on its own, and offered when this one was opened."""
    from convstep.tui.app import RESUME, ConvstepApp

    app = screen.app
    if not isinstance(app, ConvstepApp) or not app.offers:
        screen.repaint("there is no unsaved session of this file")
    elif screen.session.unsaved and screen.message != _ASK_RESUME:
        screen.repaint(_ASK_RESUME)
    else:
        app.exit(RESUME)


def save(screen: MainScreen) -> None:
    """Ask for a name, and save a snapshot there."""
    from convstep.tui.dialogs.save import SaveDialog

    session = screen.session
    session.run()

    def take(path: str) -> str:
        if session.graph_bytes < _QUICK_BYTES:
            return session.save(path)
        screen.work(f"saving {path.strip()}", session.saving(path), saved)
        return ""

    def saved(message: str) -> None:
        session.unsaved = False
        screen.told(message)

    screen.app.push_screen(SaveDialog(take, session.propose_name()), screen.told)
