"""`/`: what to search for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from convstep.tui.dialogs.asking import AskingDialog

_HINT = "a name (conv), a number (0.25), a condition on elements (> 1, grad(w1) < 0), nan, inf"


class SearchDialog(AskingDialog):
    """Asks what for."""

    def __init__(self, take: Callable[[str], str], completions: Sequence[str]) -> None:
        super().__init__("Search", _HINT, take, completions=completions)
