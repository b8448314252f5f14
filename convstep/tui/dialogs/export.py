"""`x`: what to take along as a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from convstep.tui.dialogs.asking import AskingDialog, dialog_classes, said, titled
from convstep.tui.widgets.rows import Rows


class ExportDialog(ModalScreen[int | None], inherit_bindings=False):
    """A choice of what to export; gives its number."""

    BINDINGS = [Binding("escape,q,x", "leave", "Close", show=False)]
    AUTO_FOCUS = "Rows"

    def __init__(self, choices: Sequence[str]) -> None:
        super().__init__()
        self.choices = choices

    def compose(self) -> ComposeResult:
        box = Vertical(classes=dialog_classes())
        box.border_title = "Export"
        box.border_subtitle = titled("↑↓ enter chooses, escape closes")
        with box:
            yield Rows(*(Option(Content(said(choice))) for choice in self.choices), markup=False)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_index)

    def action_leave(self) -> None:
        self.dismiss(None)


class FileNameDialog(AskingDialog):
    """The proposed name, ready to be changed."""

    def __init__(self, what: str, take: Callable[[str], str], proposed: str) -> None:
        super().__init__(f"Export {what}", "enter writes the file, escape leaves", take, value=proposed)
