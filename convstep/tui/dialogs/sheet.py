"""A dialog that shows a table; one row is chosen with the arrows, enter goes where it leads."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from textual.geometry import Size
from textual.strip import Strip

from convstep.tui.dialogs.choosing import ChoosingDialog
from convstep.tui.widgets.sheet import Sheet, first_visible, sheet_lines


class SheetDialog(ChoosingDialog):
    """What a subclass shows: `sheet`, `heading` above it, and what `leads_to` answers for the chosen row on enter."""

    KEYS: Sequence[str] = ("enter goes there",)

    def __init__(self, title: str, chosen: int = 0) -> None:
        super().__init__(title, chosen)
        self.first = 0

    @property
    @abstractmethod
    def sheet(self) -> Sheet:
        """The table as it is now."""

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

    @property
    def count(self) -> int:
        return self.sheet.count

    @property
    def leap(self) -> int:
        return self.height - 3

    def action_take(self) -> None:
        answer = self.leads_to(self.chosen) if self.sheet.count else None
        if answer is not None:
            self.dismiss(answer)
