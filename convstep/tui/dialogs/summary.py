"""`r`: every layer at a glance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from textual.binding import Binding

from convstep.explain.naming import Names
from convstep.explain.numbers import short
from convstep.explain.summary import KINDS, Row, findings
from convstep.tui.dialogs.sheet import SheetDialog
from convstep.tui.theme.glyphs import LEVELS
from convstep.tui.widgets.sheet import Cell, Column, Sheet

_COLUMNS = (
    Column("tensor", 12),
    Column("norm", 8, right=True),
    Column("log norm", 10),
    Column("mean", 9, right=True, yields=3),
    Column("largest", 8, right=True, yields=2),
    Column("zeros", 5, right=True, yields=1),
    Column("spread", 8),
    Column("÷ weight", 8, right=True, yields=4),
    Column("", 0),
)
_NOTES = 22
"""The cells that notes are given before other columns are."""
_DECADES = 10
"""Cells of a bar: one for each factor of 10 below the largest norm of its kind."""
_NOTHING = "So far no NaN, no vanishing or exploding gradient, no dead channel."
_HINT = "A dot: not computed yet. A cell of a bar: a factor of 10. tab: {}"


class SummaryDialog(SheetDialog):
    """The rows of all layers; tab shows one kind of tensor alone, enter goes to the step that finishes the tensor.

    `alarm` is said where the rows, of finished tensors only, show nothing wrong.
    """

    KEYS = ("tab one kind", "enter goes there")
    BINDINGS = [Binding("tab", "kind(1)", "Kind", show=False), Binding("shift+tab", "kind(-1)", "Kind", show=False)]

    def __init__(self, rows: Sequence[Row], names: Names, key: str = "", alarm: str = "") -> None:
        super().__init__("Layers")
        self.alarm = alarm
        self.rows, self.names = rows, names
        self.kinds = ("", *KINDS)
        self.kind = ""
        self.chosen = next((k for k, row in enumerate(rows) if row.key == key), 0)
        norms = {kind: [row.statistics.norm for row in rows if row.kind == kind and row.statistics] for kind in KINDS}
        self.largest = {kind: max(found, default=0.0) for kind, found in norms.items()}

    @property
    def shown(self) -> list[Row]:
        """The rows of the chosen kind."""
        return [row for row in self.rows if self.kind in ("", row.kind)]

    def heading(self, width: int) -> list[str]:
        found = " · ".join(findings(self.rows)) or self.alarm or _NOTHING
        kinds = " ".join(f"[{kind or 'all'}]" if kind == self.kind else kind or "all" for kind in self.kinds)
        return [found, _HINT.format(kinds)]

    @property
    def sheet(self) -> Sheet:
        shown = self.shown
        notes = Column("", _NOTES if any(row.note for row in shown) else 0)
        return Sheet((*_COLUMNS[:-1], notes), len(shown), lambda k: self._cells(shown[k]))

    def leads_to(self, row: int) -> Any:
        return self.shown[row].key

    def action_kind(self, step: int) -> None:
        self.kind = self.kinds[(self.kinds.index(self.kind) + step) % len(self.kinds)]
        self.chosen = self.first = 0
        self.draw()

    def _cells(self, row: Row) -> list[Cell]:
        name = f"Δ{self.names.tensor(row.key[4:-1])}" if row.kind == "update" else self.names.tensor(row.key)
        role = "strong" if row.kind == "output" else "text"
        found = row.statistics
        if found is None:
            return [(name, "faint"), *[("·", "faint")] * (len(_COLUMNS) - 2), ("", "text")]
        if found.nonfinite == found.size:
            return [(name, role), ("NaN", "warning"), *[("", "text")] * (len(_COLUMNS) - 3), (row.note, "warning")]
        ratio = "" if row.ratio is None else three(row.ratio)
        return [
            (name, role),
            (three(found.norm), "text"),
            (self._bar(row), "now" if row.note else "faint"),
            (three(found.mean), "text"),
            (three(found.largest), "text"),
            (f"{found.zeros:.0%}" if found.zeros else "0", "text"),
            (spark(found.histogram), "faint"),
            (ratio, "text"),
            (row.note, "warning"),
        ]

    def _bar(self, row: Row) -> str:
        norm, largest = row.statistics.norm if row.statistics else 0.0, self.largest[row.kind]
        if not norm or not math.isfinite(norm) or not largest:
            return ""
        below = math.log10(largest / norm)
        return "━" * max(1, _DECADES - math.floor(below + 0.5))


def three(value: float) -> str:
    """A number in three digits: 0.0123, 1.2e-7."""
    return short(float(f"{value:.3g}"))


def spark(counts: Sequence[int]) -> str:
    """A histogram as glyphs of eight heights; a blank where there is nothing."""
    most = max(counts, default=0)
    return "".join(LEVELS[min(7, count * 8 // (most + 1))] if count else " " for count in counts)
