"""A list of rows to choose from."""

from __future__ import annotations

from typing import Literal

from textual.widgets import OptionList


class Rows(OptionList):
    """Textual's list, which a page up or down before its first layout does not break."""

    def _move_page(self, direction: Literal[-1, 1]) -> None:
        if self.size.height:
            super()._move_page(direction)
