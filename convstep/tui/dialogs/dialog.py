"""The base of all dialogs."""

from __future__ import annotations

from typing import TypeVar

from textual.screen import ModalScreen

from convstep.tui.screens.once import Once

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer], Once, inherit_bindings=False):
    """A screen over the one before it. (Styles for a ModalScreen follow the first base alone.)"""

    VERTICAL_BREAKPOINTS = [(0, "-low"), (14, "-high")]
    """Classes by the screen's rows: where there are few, none are spent on margins, so that the line typed is seen."""
