"""One number as text: aligned on its decimal point, its role told by the shape of what stands around it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from convstep.debugger.screen.view import HIDDEN, Mark, Status
from convstep.explain.numbers import NumberFormat

_BRACKETS = {Mark.NOW: ("[", "]"), Mark.REST: ("(", ")"), Mark.WRITTEN: ("<", ">"), Mark.NONE: (" ", " ")}
CHANGED = "*"
DIFFERS = "≠"
"""Behind a number that is another than without edits."""
_WANTED_COLUMNS = 3
_FEWEST_DECIMALS = 2
_SCIENTIFIC_RIGHT = len(".23e-5")


@dataclass(frozen=True)
class Column:
    """The cells before a decimal point and from it on, for `…` and `*` behind the number, and a gap after each cell."""

    left: int
    right: int
    tail: int
    gap: bool

    @property
    def pitch(self) -> int:
        """The cells from one column to the next: bracket, number, `…`, bracket, gap."""
        return 2 + self.left + self.right + self.tail + self.gap


def number_text(value: float, status: int, form: NumberFormat) -> str:
    """The number; `·` before it is written, `p` on the padding, `?` where it is to be predicted."""
    if status == Status.BLANK:
        return "·"
    if status == Status.PADDING:
        return "p"
    if status == HIDDEN:
        return "?"
    return form.text(value)


def is_word(value: float, status: int) -> bool:
    """NaN and infinities, which no colour scale reaches."""
    return status not in (Status.BLANK, Status.PADDING, HIDDEN) and not math.isfinite(value)


def split_text(text: str) -> tuple[int, int]:
    """How many characters stand before the decimal point, and how many from it on."""
    stop = len(text)
    for i, character in enumerate(text):
        if character in ".e" and text[0] not in "NI" and text[1:2] not in ("N", "I"):
            stop = i
            break
    return stop, len(text) - stop


def column_of(texts: list[str], form: NumberFormat, tail: int, gap: bool) -> Column:
    """Wide enough for the format and for every visible text."""
    right = _SCIENTIFIC_RIGHT if form.decimals is None else form.decimals + 1 if form.decimals else 0
    left = form.width - right - (form.decimals is None)
    for text in texts:
        before, after = split_text(text)
        left, right = max(left, before), max(right, after)
    return Column(max(1, left), right, tail, gap)


def fitted(form: NumberFormat, cols: int, width: int) -> NumberFormat:
    """The format with as few decimals less as let three columns, or all, stand in this width."""
    wanted = min(cols, _WANTED_COLUMNS)
    while (form.decimals or 0) > _FEWEST_DECIMALS and wanted * (form.width + 2) > width:
        form = replace(form, width=form.width - 1, decimals=(form.decimals or 0) - 1)
    return form


def parts(text: str, status: int, mark: int, column: Column, sign: str = "") -> tuple[str, str, str, str, str, str]:
    """A cell of exactly `column.pitch` characters: padding, bracket, number, its sign, bracket, padding."""
    before, after = split_text(text)
    opening, closing = _BRACKETS[Mark(mark)]
    more = "…" if status == Status.PARTIAL else ""
    rest = column.right - after + column.tail - len(more) - len(sign) + column.gap
    return " " * (column.left - before), opening, text + more, sign, closing, " " * max(0, rest)
