"""`B`: the breakpoints, to switch, change, remove and add."""

from __future__ import annotations

from textual.binding import Binding

from convstep.debugger.stops.desk import Desk
from convstep.tui.dialogs.asking import AskingDialog
from convstep.tui.dialogs.changing import ChangingDialog

_HINT = (
    "a place (o1, grad(w1)[3]), a condition (loss > prev(loss)), or both (grad(w1) if loss > 5); "
    "then perhaps: after 10 hits"
)


class BreakpointsDialog(ChangingDialog):
    """Shows what stops, and where."""

    BINDINGS = [
        Binding("space", "switch", "On or off", show=False),
        Binding("e", "edit", "Change", show=False),
    ]

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        nothing = "none yet: a adds one; b on the main screen sets one there"
        super().__init__("Breakpoints", self._drawn, nothing, "space on/off", "enter changes")

    def keep(self) -> None:
        self.desk.keep()

    def _drawn(self) -> list[str]:
        timeline, names = self.desk.recording.timeline, self.desk.words.names
        return [f"{k + 1} {each.text(timeline, names)}" for k, each in enumerate(self.desk.breakpoints.all)]

    def enter(self, number: int) -> None:
        timeline, names = self.desk.recording.timeline, self.desk.words.names
        self._ask(self.desk.breakpoints.all[number].text(timeline, names, switch=False), number)

    def action_edit(self) -> None:
        if (number := self.number) is not None:
            self.enter(number)

    def action_add(self) -> None:
        self._ask("", None)

    def action_switch(self) -> None:
        if (number := self.number) is not None:
            self.desk.breakpoints.enable(number, not self.desk.breakpoints.all[number].enabled)
            self.show_rows()

    def take_away(self, number: int) -> None:
        self.desk.breakpoints.remove(number)

    def _ask(self, text: str, number: int | None) -> None:
        points = self.desk.breakpoints

        def take(typed: str) -> str:
            like = None if number is None else points.all[number]
            point = points.read(typed, like)
            if number is None:
                points.add(point)
            else:
                points.change(number, point)
            return "set"

        names = list(self.desk.words.names.all())
        dialog = AskingDialog("Breakpoint", _HINT, take, value=text, completions=names)
        self.app.push_screen(dialog, self.show_rows)
