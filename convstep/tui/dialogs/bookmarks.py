"""`m`: a name for a place; `M`: the places with names, to go there."""

from __future__ import annotations

from collections.abc import Callable

from convstep.debugger.bookmarks import Bookmarks
from convstep.tui.dialogs.asking import AskingDialog
from convstep.tui.dialogs.changing import ChangingDialog


class BookmarkDialog(AskingDialog):
    """Asks for this place's name; what one types takes the place of the proposed one."""

    def __init__(self, take: Callable[[str], str], proposed: str) -> None:
        super().__init__("Bookmark", "a name for this place; M lists them all", take, proposed, proposed=True)


class BookmarksDialog(ChangingDialog):
    """Gives the number of the place to go to. `take` names the present place."""

    def __init__(self, marks: Bookmarks, take: Callable[[str], str], proposed: str) -> None:
        self.marks, self.take, self.proposed = marks, take, proposed
        super().__init__("Bookmarks", self._drawn, "none yet: a names this place", "enter goes there")

    def _drawn(self) -> list[str]:
        return [mark.row() for mark in self.marks.all()]

    def enter(self, number: int) -> None:
        self.dismiss(number)

    def action_add(self) -> None:
        self.app.push_screen(BookmarkDialog(self.take, self.proposed), self.show_rows)

    def take_away(self, number: int) -> None:
        self.marks.remove(number)
