"""`g`: go to a position, a tensor, an element, a term or a share of the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.content import Content
from textual.widgets import Input, Static

from convstep.tui.dialogs.asking import AskingDialog, said

_HINT = (
    "a position (12), a tensor (o1, grad(o1)), an element (o1[3]), a term (term 32), a share (35%), iteration 2, "
    "backward o1, last grad(w1), nan (the first NaN or Inf), a condition (sum > 5, product > 9, loss > prev(loss))"
)
_LISTED = 6


class GoDialog(AskingDialog):
    """The question, with the names that begin with what was typed; tab or → takes the grey one."""

    def __init__(
        self,
        take: Callable[[str], str],
        completions: Sequence[str],
        later: Callable[[Callable[[], str]], None],
        text: str = "",
    ) -> None:
        super().__init__("Go to", _HINT, take, value=text, completions=completions, later=later, enter="goes there")

    def on_input_changed(self, event: Input.Changed | None = None) -> None:
        super().on_input_changed()
        text = self.query_one(Input).value.strip().lower()
        fitting = [name for name in self.completions if text and text in name.lower()]
        more = "  …" if len(fitting) > _LISTED else ""
        listed = "   ".join(fitting[:_LISTED]) + more
        self.query_one(".hint", Static).update(Content(said(listed or _HINT)))
