"""A page on which one of many things is chosen with the arrows, by pages, and from end to end."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from textual.binding import Binding

from convstep.tui.dialogs.page import PageDialog

_FAR = 10**9


class ChoosingDialog(PageDialog):
    """A subclass says how many there are in `count`, how many a page moves by in `leap`, and what enter does."""

    BINDINGS = [
        Binding("enter", "take", "Go there", show=False),
        Binding("down,right,n", "move(1)", "Next", show=False),
        Binding("up,left,N", "move(-1)", "Previous", show=False),
        Binding("pagedown", "page(1)", "A page further", show=False),
        Binding("pageup", "page(-1)", "A page back", show=False),
        Binding("home", f"move(-{_FAR})", "First", show=False),
        Binding("end", f"move({_FAR})", "Last", show=False),
    ]

    def __init__(self, title: str, chosen: int = 0) -> None:
        super().__init__(title)
        self.chosen = chosen

    @property
    @abstractmethod
    def count(self) -> int:
        """How many there are to choose from."""

    @property
    @abstractmethod
    def leap(self) -> int:
        """By how many a page moves."""

    def action_move(self, by: int) -> None:
        self.chosen = max(0, min(self.chosen + by, self.count - 1))
        self.draw()

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(1, self.leap))

    @abstractmethod
    def action_take(self) -> Any:
        """Go where the chosen one leads."""
