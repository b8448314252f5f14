"""A list to choose from: arrows and enter choose a row."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.widgets import OptionList

from convstep.tui.dialogs.asking import dialog_classes, said, titled
from convstep.tui.dialogs.dialog import Dialog
from convstep.tui.dialogs.hint import keys
from convstep.tui.widgets.rows import Rows


class ListDialog(Dialog[int | None], inherit_bindings=False):
    """Shows rows and gives the number of the chosen one, None when it was left with escape.

    `hints` say what its keys do.
    """

    BINDINGS = [Binding("escape,q", "leave", "Close", show=False)]
    AUTO_FOCUS = "Rows"

    def __init__(self, title: str, rows: Sequence[str], *hints: str) -> None:
        super().__init__()
        self.dialog_title, self.hints, self.rows = title, hints, list(rows)

    def compose(self) -> ComposeResult:
        box = Rows(*self._options(), classes=f"{dialog_classes()} list")
        box.border_title = titled(self.dialog_title)
        box.border_subtitle = titled(keys(*self.hints))
        yield box

    def _options(self) -> list[Content]:
        return [Content(said(row)) for row in self.rows]

    def on_mount(self) -> None:
        self.query_one(OptionList).highlighted = 0 if self.rows else None

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_index)

    def action_leave(self) -> None:
        self.dismiss(None)

    def list_anew(self, rows: Sequence[str]) -> None:
        """Show other rows; the same number stays chosen, or else the last."""
        options = self.query_one(OptionList)
        at = options.highlighted or 0
        self.rows = list(rows)
        options.clear_options()
        options.add_options(self._options())
        options.highlighted = min(at, len(self.rows) - 1)
