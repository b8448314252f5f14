"""`e`: why a number is what it is, as a list whose links lead to other numbers and to steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from convstep.debugger.origins import Explained, Row
from convstep.engine.timeline import Place
from convstep.engine.work import TooLong
from convstep.errors import ConvstepError
from convstep.explain.provenance.provenance import Address
from convstep.tui.dialogs.asking import dialog_classes, said, titled
from convstep.tui.dialogs.dialog import Dialog
from convstep.tui.dialogs.hint import keys
from convstep.tui.jobs import Jobs
from convstep.tui.widgets.rows import Rows
from convstep.tui.widgets.text import hanging

_HINT = keys("enter its step", "e explains", "< > back, forth", "y copies")

Walk = Callable[[Address, Callable[[Explained], None]], None]
"""Works a number out beside the screen and hands it over twice: what is read first, then everything."""

_WIDEST, _AROUND = 100, 10
"""The dialog's width, and how much of it border, padding and scroll bar take."""


class _Explanation(Rows):
    """Seen from its beginning: Textual would scroll to the first link."""

    @on(events.Show)
    def stay(self, event: events.Show) -> None:
        event.prevent_default()


class ExplainDialog(Dialog[Place | None], inherit_bindings=False):
    """Walks from number to number; gives the step to go to, None where it was left."""

    BINDINGS = [
        Binding("escape,q", "leave", "Close", show=False),
        Binding("e,right", "explain", "Explain the chosen number", show=False),
        Binding("less_than_sign,backspace,left", "back", "Back", show=False),
        Binding("greater_than_sign", "forth", "Forth", show=False),
        Binding("y", "copy", "Copy", show=False),
    ]
    AUTO_FOCUS = "Rows"

    def __init__(self, check: Callable[[Address], Any], walk: Walk, jobs: Jobs) -> None:
        super().__init__()
        self._check, self._walk, self._jobs = check, walk, jobs
        self.shown: Explained | None = None
        self._before: list[Explained] = []
        self._after: list[Explained] = []

    def compose(self) -> ComposeResult:
        self._box = Vertical(classes=dialog_classes())
        with self._box:
            yield _Explanation(markup=False)

    def on_resize(self, event: events.Resize) -> None:
        if self.shown is not None:
            self._draw(self.shown)

    def show(self, explained: Explained) -> None:
        """Show this number; where its beginning is shown already, the rest is added below it."""
        before, self.shown = self.shown, explained
        if not self.is_mounted:
            return
        if before is None or before.address != explained.address:
            self._draw(explained)
        else:
            self._add(explained.rows[len(before.rows) :])
            self.paint_now()

    def _draw(self, explained: Explained) -> None:
        self._box.border_title = titled(f"Explain {explained.name}")
        self._box.border_subtitle = titled(_HINT)
        listed = self.query_one(OptionList)
        listed.clear_options()
        self._add(explained.rows)
        self.call_after_refresh(listed.scroll_home, animate=False)

    def _add(self, rows: Sequence[Row]) -> None:
        listed = self.query_one(OptionList)
        width = min(_WIDEST, self.app.size.width * 96 // 100) - _AROUND
        listed.add_options(
            [Option(_drawn(row, width), disabled=row.address is None and row.place is None) for row in rows]
        )
        if listed.highlighted is None and self.shown is not None:
            # Highlighted without being scrolled to: the formula is seen first, also where it is long.
            first = next((k for k, row in enumerate(self.shown.rows) if row.address or row.place), None)
            listed.set_reactive(OptionList.highlighted, first)

    @property
    def _chosen(self) -> Row | None:
        """The chosen row; None where there is none, and while the numbers are being worked on."""
        at = self.query_one(OptionList).highlighted
        return None if at is None or self.shown is None or self._jobs.job is not None else self.shown.rows[at]

    def _say(self, text: str) -> None:
        self._box.border_subtitle = titled(text)

    def on_option_list_option_selected(self) -> None:
        row = self._chosen
        if row is None:
            return
        if row.place is None:
            self._say("no step writes it: it is there from the start")
        else:
            self.dismiss(row.place)

    def action_explain(self) -> None:
        row, shown = self._chosen, self.shown
        if row is None or row.address is None or shown is None or row.address == shown.address:
            return
        try:
            self._check(row.address)
        except (ConvstepError, TooLong) as error:
            self._say(f"{error}; enter goes to its step")
            return

        def show(explained: Explained) -> None:
            if self.shown is shown:
                self._before.append(shown)
                self._after = []
            self.show(explained)

        self._walk(row.address, show)

    def action_back(self) -> None:
        self._turn(self._before, self._after)

    def action_forth(self) -> None:
        self._turn(self._after, self._before)

    def _turn(self, source: list[Explained], target: list[Explained]) -> None:
        if source and self.shown is not None and self._jobs.job is None:
            target.append(self.shown)
            self.shown = source.pop()
            self._draw(self.shown)

    def action_leave(self) -> None:
        if not self._jobs.give_up():
            self.dismiss(None)

    def action_copy(self) -> None:
        if self.shown is not None:
            self.app.copy_to_clipboard(self.shown.text)
            self._say(keys("copied"))


def _drawn(row: Row, width: int) -> Content:
    """A title stands out; a link is indented below it; a further line of what is longer is indented more."""
    if row.style == "title":
        return Content.styled(said(row.text), "bold $primary")
    indent = "  " if row.address or row.place or row.style == "caption" else ""
    style = "$foreground 70%" if row.style == "caption" else "$foreground"
    return Content.styled(said(hanging(f"{indent}{row.text}", width)), style)
