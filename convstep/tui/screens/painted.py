"""A screen that is painted once a frame, however often something changes between two frames."""

from __future__ import annotations

from abc import abstractmethod

from textual.geometry import Size

from convstep.tui.screens.once import Once


class Painted(Once, inherit_bindings=False):
    """A subclass says in `draw` what stands on it; whoever changes something calls `repaint`."""

    message = ""
    """What is told in passing, until the next change."""
    pending = False
    """Whether it is still to be painted."""
    _painted = Size(0, 0)
    """The size that it was painted for."""

    def repaint(self, message: str = "") -> None:
        """Something changed: paint before the next frame."""
        self.message = message
        if not self.pending:
            self.pending = True
            self.call_after_refresh(self.paint)

    def paint(self) -> None:
        """Paint now, where there is a screen to paint on."""
        self.pending = False
        if self.is_mounted or self.is_attached:
            self._painted = self.app.size
            self.draw()

    def on_resize(self) -> None:
        if self._painted != self.app.size:
            self.paint()

    @abstractmethod
    def draw(self) -> None:
        """Draw what there is now."""
