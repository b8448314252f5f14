"""A dialog that is one drawn page: its lines are made anew for its size whenever something changes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.geometry import Size
from textual.strip import Strip

from convstep.tui.dialogs.asking import dialog_classes, titled
from convstep.tui.dialogs.dialog import Dialog
from convstep.tui.dialogs.hint import keys
from convstep.tui.theme.colours import Palette
from convstep.tui.widgets.lines import Lines
from convstep.tui.widgets.text import strip_of, wrap

if TYPE_CHECKING:
    from convstep.tui.app import ConvstepApp

_MOST_LINES = 3


class _Area(Lines, inherit_bindings=False):
    """The lines of a page; tells its dialog when its size is known or has changed."""

    def on_resize(self) -> None:
        cast(PageDialog, self.screen).draw()


class PageDialog(Dialog[Any], inherit_bindings=False):
    """A subclass says in `lines` what stands on the page, and in KEYS what the keys do. Escape and q close it."""

    AUTO_FOCUS = None
    KEYS: Sequence[str] = ()
    BINDINGS = [Binding("escape,q", "leave", "Close", show=False)]

    def __init__(self, title: str) -> None:
        super().__init__()
        self.dialog_title = title

    @abstractmethod
    def lines(self, size: Size) -> list[Strip]:
        """The page for this size, at most as high."""

    def text(self, texts: list[str], width: int) -> list[Strip]:
        """Paragraphs as lines of this width."""
        folded = [line for text in texts for line in wrap(text, width, _MOST_LINES)]
        return [strip_of([(line, self.palette.text)], width, self.palette.text) for line in folded]

    @property
    def palette(self) -> Palette:
        return cast("ConvstepApp", self.app).main.palette

    @property
    def height(self) -> int:
        """The lines that there are for the page."""
        return self.query_one("#page", _Area).size.height

    def compose(self) -> ComposeResult:
        box = Vertical(classes=f"{dialog_classes()} page")
        box.border_title = titled(self.dialog_title)
        box.border_subtitle = titled(keys(*self.KEYS))
        with box:
            yield _Area("page")

    def draw(self) -> None:
        """Paint what has changed."""
        area = self.query_one("#page", _Area)
        if area.size.width and area.size.height:
            area.show(self.lines(area.size))

    def action_leave(self) -> None:
        self.dismiss(None)
