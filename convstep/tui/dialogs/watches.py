"""`w`: what to watch; `W`: the watches with their values and histories."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.binding import Binding
from textual.widgets import OptionList

from convstep.debugger.moves import Spot
from convstep.debugger.screen.alarms import told
from convstep.debugger.stops.desk import Desk
from convstep.errors import ConvstepError
from convstep.tui.dialogs.asking import AskingDialog
from convstep.tui.dialogs.changing import ChangingDialog

_KEYS = "space: c stops at changes · d removes · a adds · escape closes"
_HINT = "a tensor (o1), an element (grad(w1)[3]), a number (max(o1)), or a condition (loss > prev(loss))"


class WatchDialog(AskingDialog):
    """Asks what to watch."""

    def __init__(self, take: Callable[[str], str], completions: Sequence[str], name: str) -> None:
        super().__init__("Watch", _HINT, take, value=name, completions=completions)


class WatchesDialog(ChangingDialog):
    """What is watched, and whether `c` stops when it changes."""

    BINDINGS = [
        Binding("space", "stop", "Stop when it changes", show=False),
        Binding("a", "add", "Add", show=False),
    ]

    def __init__(self, desk: Desk, spot: Spot) -> None:
        self.desk, self.spot = desk, spot
        desk.watches.catch_up()
        super().__init__("Watches", self._drawn, _KEYS, "none yet: a adds one")

    def _drawn(self) -> list[str]:
        watches = self.desk.watches
        return [
            f"{number + 1} {watch.text} = {told(watches.seen(watch, self.spot))}"
            + ("  (c stops when it changes)" if watch.stops else "")
            for number, watch in enumerate(watches.all)
        ]

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.prevent_default()  # the list stays
        self.action_stop()

    def action_stop(self) -> None:
        if (number := self.number) is None:
            self.action_add()
            return
        try:
            self.desk.watches.stop(number, not self.desk.watches.all[number].stops)
        except ConvstepError as error:
            self.show_rows(str(error))
            return
        self.show_rows()

    def action_remove(self) -> None:
        if (number := self.number) is not None:
            self.desk.watches.remove(number)
            self.show_rows("removed")

    def action_add(self) -> None:
        names = list(self.desk.words.names.all())
        dialog = WatchDialog(self.desk.watches.add, names, "")
        self.app.push_screen(dialog, self.show_rows)
