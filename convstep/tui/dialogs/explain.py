"""`e`: the formula of a number."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from convstep.tui.dialogs.asking import dialog_classes, said


class ExplainDialog(ModalScreen[None], inherit_bindings=False):
    """Shows a formula; scrolls with the arrows, y copies it, escape or e closes."""

    BINDINGS = [
        Binding("escape,e,q,enter", "leave", "Close", show=False),
        Binding("y", "copy", "Copy", show=False),
    ]
    AUTO_FOCUS = "VerticalScroll"

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def compose(self) -> ComposeResult:
        box = VerticalScroll(classes=dialog_classes())
        box.border_title = "Explain"
        box.border_subtitle = "y copies, escape closes"
        with box:
            yield Static(Content(said(self.text)))

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self.text)
        self.query_one(VerticalScroll).border_subtitle = "copied; escape closes"
