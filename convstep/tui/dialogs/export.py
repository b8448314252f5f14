"""`x`: what to take along as a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.binding import Binding

from convstep.tui.dialogs.asking import AskingDialog
from convstep.tui.dialogs.listing import ListDialog


class ExportDialog(ListDialog):
    """A choice of what to export; gives its number."""

    BINDINGS = [Binding("x", "leave", "Close", show=False)]

    def __init__(self, choices: Sequence[str]) -> None:
        super().__init__("Export", choices, "enter chooses")


class FileNameDialog(AskingDialog):
    """The proposed name, ready to be changed."""

    def __init__(self, what: str, take: Callable[[str], str], proposed: str) -> None:
        super().__init__(f"Export {what}", "", take, value=proposed, enter="writes the file")
