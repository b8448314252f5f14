"""A list whose rows are changed by letters, and drawn anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.content import Content
from textual.widgets import OptionList

from convstep.tui.dialogs.asking import said, titled
from convstep.tui.dialogs.listing import ListDialog


class ChangingDialog(ListDialog):
    """Shows what `draw` gives, and `nothing` where that is no row; subclasses bind their own letters."""

    def __init__(self, title: str, draw: Callable[[], Sequence[str]], hint: str, nothing: str) -> None:
        super().__init__(title, draw() or [nothing], hint)
        self.draw, self.nothing = draw, nothing

    def show_rows(self, message: str | None = "") -> None:
        """Draw the list anew, and say something in its title: the keys stay below it."""
        options = self.query_one(OptionList)
        at = options.highlighted or 0
        self.rows = list(self.draw()) or [self.nothing]
        options.clear_options()
        options.add_options([Content(said(row)) for row in self.rows])
        options.highlighted = min(at, len(self.rows) - 1)
        options.border_title = titled(f"{self.dialog_title}: {message}" if message else self.dialog_title)

    @property
    def number(self) -> int | None:
        """The number of the chosen row, from 0; None where there is no row."""
        at = self.query_one(OptionList).highlighted
        return at if at is not None and at < len(self.draw()) else None
