"""A dialog that shows a table; one row is chosen with the arrows, enter goes where it leads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.binding import Binding
from textual.geometry import Size
from textual.strip import Strip

from convstep.tui.dialogs.page import PageDialog
from convstep.tui.widgets.sheet import Sheet, first_visible, sheet_lines

_FAR = 10**9


class SheetDialog(PageDialog):
    """What a subclass shows: `sheet`, `heading` above it, and what `leads_to` answers for the chosen row on enter."""

    KEYS: Sequence[str] = ("enter goes there",)
    BINDINGS = [
        Binding("enter", "take", "Go there", show=False),
        Binding("down,n", "move(1)", "Next row", show=False),
        Binding("up,N", "move(-1)", "Previous row", show=False),
        Binding("pagedown", "page(1)", "Next page", show=False),
        Binding("pageup", "page(-1)", "Previous page", show=False),
        Binding("home", f"move(-{_FAR})", "First row", show=False),
        Binding("end", f"move({_FAR})", "Last row", show=False),
    ]

    def __init__(self, title: str, chosen: int = 0) -> None:
        super().__init__(title)
        self.chosen = chosen
        self.first = 0

    @property
    def sheet(self) -> Sheet:
        """The table as it is now."""
        raise NotImplementedError

    def heading(self, width: int) -> list[str]:
        """Paragraphs above the table."""
        return []

    def leads_to(self, row: int) -> Any:
        """What the dialog answers for a row; None where it leads nowhere."""
        return None

    def lines(self, size: Size) -> list[Strip]:
        above, sheet = self.text(self.heading(size.width), size.width), self.sheet
        height = size.height - len(above)
        self.chosen = max(0, min(self.chosen, sheet.count - 1))
        self.first = first_visible(self.first, self.chosen, sheet.count, max(1, height - 1))
        return [*above, *sheet_lines(sheet, self.first, self.chosen, size.width, height, self.palette)]

    def action_move(self, rows: int) -> None:
        self.chosen += rows
        self.draw()

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(1, self.height - 3))

    def action_take(self) -> None:
        answer = self.leads_to(self.chosen) if self.sheet.count else None
        if answer is not None:
            self.dismiss(answer)
