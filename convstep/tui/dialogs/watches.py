"""`w`: what to watch; `W`: the watches with their values and histories."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.binding import Binding

from convstep.debugger.moves import Spot
from convstep.debugger.screen.alarms import told
from convstep.debugger.stops.desk import Desk
from convstep.errors import ConvstepError
from convstep.tui.dialogs.asking import AskingDialog
from convstep.tui.dialogs.changing import ChangingDialog

_HINT = "a tensor (o1), an element (grad(w1)[3]), a number (max(o1), product), or a condition (loss > prev(loss))"


class WatchDialog(AskingDialog):
    """Asks what to watch."""

    def __init__(self, take: Callable[[str], str], completions: Sequence[str], name: str) -> None:
        super().__init__("Watch", _HINT, take, value=name, completions=completions)


class WatchesDialog(ChangingDialog):
    """What is watched, and whether `c` stops there: when it changes, a condition when it becomes true."""

    BINDINGS = [Binding("space", "stop", "Stop there", show=False)]

    def __init__(self, desk: Desk, spot: Spot) -> None:
        self.desk, self.spot = desk, spot
        desk.watches.catch_up()
        super().__init__("Watches", self._drawn, "none yet: a adds one", "space: c stops there")

    def keep(self) -> None:
        self.desk.keep()

    def _drawn(self) -> list[str]:
        watches = self.desk.watches
        return [
            f"{number + 1} {watch.text} = {told(watches.seen(watch, self.spot))}"
            + (f"  ({watches.stopping(watch)})" if watch.stops else "")
            for number, watch in enumerate(watches.all)
        ]

    def action_stop(self) -> None:
        if (number := self.number) is None:
            self.action_add()
        else:
            self.enter(number)

    def enter(self, number: int) -> None:
        try:
            self.desk.watches.stop(number, not self.desk.watches.all[number].stops)
        except ConvstepError as error:
            self.show_rows(str(error))
            return
        self.show_rows()

    def take_away(self, number: int) -> None:
        self.desk.watches.remove(number)

    def action_add(self) -> None:
        names = list(self.desk.words.names.all())
        dialog = WatchDialog(self.desk.watches.add, names, "")
        self.app.push_screen(dialog, self.show_rows)
