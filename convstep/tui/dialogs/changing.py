"""A list whose rows are changed by letters, and drawn anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.widgets import OptionList

from convstep.tui.dialogs.asking import titled
from convstep.tui.dialogs.listing import ListDialog


class ChangingDialog(ListDialog):
    """Shows what `draw` gives, and `nothing` where that is no row; subclasses bind their own letters."""

    def __init__(self, title: str, draw: Callable[[], Sequence[str]], hint: str, nothing: str) -> None:
        super().__init__(title, draw() or [nothing], hint)
        self.draw, self.nothing = draw, nothing

    def show_rows(self, message: str | None = "") -> None:
        """Draw the list anew, and say something in its title: the keys stay below it."""
        self.list_anew(self.draw() or [self.nothing])
        title = f"{self.dialog_title}: {message}" if message else self.dialog_title
        self.query_one(OptionList).border_title = titled(title)

    @property
    def number(self) -> int | None:
        """The number of the chosen row, from 0; None where there is no row."""
        at = self.query_one(OptionList).highlighted
        return at if at is not None and at < len(self.draw()) else None
