"""A screen that is laid out once for a size, and painted once when it is put up."""

from __future__ import annotations

from typing import Any

from textual import events
from textual.screen import Screen


class Once(Screen[Any], inherit_bindings=False):
    """Textual would do both again."""

    def on_resize(self, event: events.Resize) -> None:
        # Textual sends what it has just laid out the size that it was laid out for, and would do it again.
        if event.size == self.outer_size:
            event.prevent_default()

    def _compositor_refresh(self) -> None:
        # Drawn behind the curtain, or before the whole screen is painted in any case, it would be drawn in vain.
        if not self.app._batch_count and not (self._layout_required and self._repaint_required):
            super()._compositor_refresh()
