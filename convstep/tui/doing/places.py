"""Going somewhere: `g`, who wrote this, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convstep.tui.doing.panes import NO_NUMBER

if TYPE_CHECKING:
    from convstep.tui.screens.main import MainScreen


def go(screen: MainScreen) -> None:
    """Ask where to, and go there."""
    from convstep.tui.dialogs.go import GoDialog

    screen.app.push_screen(GoDialog(screen.session.go, screen.session.completions(), screen.move), screen.told)


def writer(screen: MainScreen) -> None:
    """To the step that wrote the number under the cursor."""
    spot = screen.number
    if spot is None:
        screen.repaint(NO_NUMBER)
    elif spot.grid.tensor is None:
        screen.repaint(f"{spot.name} is worked out here: no step wrote it")
    else:
        tensor, index = spot.grid.tensor, spot.index
        screen.move(lambda: screen.session.writer(tensor, index))


def back(screen: MainScreen) -> None:
    """Back to where one was before the last jump."""
    screen.move(screen.session.back)


def forth(screen: MainScreen) -> None:
    """Forth again to where one was before one came back."""
    screen.move(screen.session.forth)
