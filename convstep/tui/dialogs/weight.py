"""One weight through its updates: `w = initial − lr·g₁ − lr·g₂ …`, each g a row that leads to the step that made it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich.cells import cell_len

from convstep.explain.numbers import short
from convstep.explain.weights import Moved, sum_text
from convstep.tui.dialogs.asking import AskingDialog
from convstep.tui.dialogs.sheet import SheetDialog
from convstep.tui.widgets.sheet import Cell, Column, Sheet

_HINT = "an element of a parameter, such as {}; its updates are listed, and where each gradient came from"


class WeightDialog(SheetDialog):
    """A row an iteration; answers the iteration whose gradient is to be seen."""

    KEYS = ("enter goes to the step that made g",)

    def __init__(self, name: str, gradient: str, moves: Sequence[Moved], iteration: int) -> None:
        super().__init__(name, next((k for k, move in enumerate(moves) if move.iteration == iteration), 0))
        self.name_, self.gradient, self.moves = name, gradient, moves

    def heading(self, width: int) -> list[str]:
        rule = "− lr·g" if self.moves[0].plain else "the update that the optimizer applied"
        return [
            sum_text(self.moves, self.name_, lambda text: cell_len(text) <= 2 * width),
            f"each term is {rule}; g is {self.gradient} of that iteration",
        ]

    @property
    def sheet(self) -> Sheet:
        kept = list(self.moves[0].kept)
        columns = [
            Column("iteration", right=True),
            Column("before", 9, right=True, yields=9),
            Column("g", 9, right=True),
        ]
        columns += [Column("lr", 5, right=True, yields=8)]
        columns += [Column(name, 9, right=True, yields=1 + k) for k, name in enumerate(kept)]
        columns += [Column("update", 12, right=True), Column("after", 9, right=True), Column("", 0)]
        return Sheet(tuple(columns), len(self.moves), lambda k: self._row(k, kept))

    def _row(self, k: int, kept: Sequence[str]) -> list[Cell]:
        move = self.moves[k]
        by_hand = k > 0 and move.before != self.moves[k - 1].after
        numbers = [move.before, move.gradient, move.rate, *(move.kept[name] for name in kept)]
        return [
            (str(move.iteration), "text"),
            *((short(number), "text") for number in numbers),
            (move.text(), "strong"),
            (short(move.after), "text"),
            ("set by hand before" if by_hand else "", "now"),
        ]

    def leads_to(self, row: int) -> Any:
        return self.moves[row].iteration


class FollowDialog(AskingDialog):
    """Asks which element of a parameter to follow."""

    def __init__(self, take: Callable[[str], str], names: Sequence[str], example: str) -> None:
        super().__init__("Follow a weight", _HINT.format(example), take, completions=names)
