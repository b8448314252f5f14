"""The screen itself: theme, palette, help, leaving."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from convstep.tui.app import ConvstepApp
    from convstep.tui.screens.main import MainScreen

_ASK = "q again to quit without saving; ctrl+s saves"


def theme(screen: MainScreen) -> None:
    """The next theme."""
    cast("ConvstepApp", screen.app).next_theme()


def palette(screen: MainScreen) -> None:
    """Every action by name."""
    from convstep.tui.dialogs.palette import PaletteDialog

    def chosen(identity: str | None) -> None:
        screen.repaint()
        if identity is not None:
            screen.action_do(identity)

    screen.app.push_screen(PaletteDialog(screen.actions), chosen)


def help(screen: MainScreen) -> None:
    """The ideas of the screen, the marks, and every key."""
    from convstep.tui.dialogs.help import HelpDialog

    screen.app.push_screen(HelpDialog(screen.actions, screen.session.graph.about))


def quit(screen: MainScreen) -> None:
    """Leave: at once where nothing would be lost, otherwise the second time."""
    if screen.asked or not screen.session.unsaved:
        screen.app.exit()
        return
    screen.repaint(_ASK)
    screen.asked = True
