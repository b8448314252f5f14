"""A screen that is laid out once for a size, and painted once when it is put up."""

from __future__ import annotations

from typing import Any

from textual.geometry import Size
from textual.screen import Screen


class Once(Screen[Any], inherit_bindings=False):
    """Textual would do both again."""

    def _screen_resized(self, size: Size) -> None:
        # Textual sends what it has just laid out the size that it was laid out for, and would do it again.
        if size != self.outer_size:
            super()._screen_resized(size)

    def _compositor_refresh(self) -> None:
        # Drawn behind the curtain, or before the whole screen is painted in any case, it would be drawn in vain.
        if not self.app._batch_count and not (self._layout_required and self._repaint_required):
            super()._compositor_refresh()
