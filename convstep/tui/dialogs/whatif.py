"""`i`: what if a number were another one?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from convstep.tui.dialogs.asking import AskingDialog

_HINT = (
    "an input, a parameter, a layer's output, or a setting: w1[3] = 0.5, o1[2] = 2*o1[2], lr = 0.01. "
    "What changes is marked *; u takes it back."
)


class WhatIfDialog(AskingDialog):
    """Asks for `name = value`; the name is there already where a number is under the cursor."""

    def __init__(self, take: Callable[[str], str], completions: Sequence[str], name: str) -> None:
        super().__init__("What if", _HINT, take, value=f"{name} = " if name else "", completions=completions)
