"""`ctrl+s`: save a snapshot under a proposed name."""

from __future__ import annotations

from collections.abc import Callable

from convstep.tui.dialogs.asking import AskingDialog

_HINT = "The snapshot opens exactly here, with the same digits."


class SaveDialog(AskingDialog):
    """The proposed name, ready to be changed."""

    def __init__(self, take: Callable[[str], str], proposed: str) -> None:
        super().__init__("Save a snapshot", _HINT, take, value=proposed, enter="saves")
