"""A finished line of the screen. Textual's strips keep themselves in their own caches, and only a search for garbage
finds them again: that would be felt at every tenth key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.strip import Strip


class Line(Strip):
    """A strip that is gone as soon as nobody shows it any more."""

    __slots__ = ["_filtered"]

    def adjust_cell_length(self, cell_length: int, style: Style | None = None) -> Strip:
        return self if cell_length == self.cell_length else super().adjust_cell_length(cell_length, style)

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        wanted = [cut for cut in cuts if cut <= self.cell_length]
        return [self] if wanted == [self.cell_length] else super().divide(wanted)

    def apply_filter(self, filter: LineFilter, background: Color) -> Strip:
        key, line = getattr(self, "_filtered", (None, self))
        if key != (filter, background):
            line = Line(filter.apply(list(self), background), self.cell_length)
            self._filtered = ((filter, background), line)
        return line
