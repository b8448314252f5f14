"""The question what a step writes: a right answer closes it, a wrong one is told what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable

from textual.widgets import Input

from convstep.tui.dialogs.asking import AskingDialog

_HINT = "a number, to as many digits as you like, or a formula: i[2]*18. Enter on nothing shows it, too."


class PredictDialog(AskingDialog):
    """Asks for one result."""

    def __init__(self, name: str, take: Callable[[str], str], begun: str) -> None:
        super().__init__(f"{name} = ?", _HINT, take, value=begun, enter="tries it", escape="shows it")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        # An answer is taken by the handler of the class above, which Textual calls, too.
        if not event.value.strip():
            self.dismiss(None)
