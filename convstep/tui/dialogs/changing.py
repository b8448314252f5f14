"""A list whose rows are changed by letters, and drawn anew."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence

from textual.binding import Binding
from textual.widgets import OptionList

from convstep.tui.dialogs.asking import titled
from convstep.tui.dialogs.listing import ListDialog


class ChangingDialog(ListDialog):
    """Shows what `draw` gives, and `nothing` where that is no row.

    `a` adds, delete and `d` remove, enter does `enter`; subclasses say how, and bind further letters. Every change
    is kept at once.
    """

    BINDINGS = [
        Binding("a", "add", "Add", show=False),
        Binding("delete,d", "remove", "Remove", show=False),
    ]

    def __init__(self, title: str, draw: Callable[[], Sequence[str]], nothing: str, *hints: str) -> None:
        super().__init__(title, draw() or [nothing], *hints, "d removes", "a adds")
        self.draw, self.nothing = draw, nothing

    def show_rows(self, message: str | None = "") -> None:
        """Draw the list anew, and say something in its title: the keys stay below it."""
        self.keep()
        self.list_anew(self.draw() or [self.nothing])
        title = f"{self.dialog_title}: {message}" if message else self.dialog_title
        self.query_one(OptionList).border_title = titled(title)

    @property
    def number(self) -> int | None:
        """The number of the chosen row, from 0; None where there is no row."""
        at = self.query_one(OptionList).highlighted
        return at if at is not None and at < len(self.draw()) else None

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.prevent_default()  # the list stays
        if (number := self.number) is None:
            self.action_add()
        else:
            self.enter(number)

    def action_remove(self) -> None:
        if (number := self.number) is not None:
            self.take_away(number)
            self.show_rows("removed")

    @abstractmethod
    def action_add(self) -> None:
        """Ask for a further row."""

    @abstractmethod
    def enter(self, number: int) -> None:
        """What enter does with the row of this number."""

    def keep(self) -> None:
        """Make what has changed part of what snapshots keep, where it is not already."""

    @abstractmethod
    def take_away(self, number: int) -> None:
        """Take the row of this number away."""
