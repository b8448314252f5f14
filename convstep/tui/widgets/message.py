"""The line between the numbers and the legend: a passing message, or the number under the cursor, or a notice."""

from __future__ import annotations

from collections.abc import Sequence

from textual.strip import Strip

from convstep.debugger.moves import Wording
from convstep.tui.theme.colours import Palette
from convstep.tui.widgets.text import cell_len, rule, wrap


def message_line(message: str, cursor: str, notices: Sequence[str], width: int, palette: Palette) -> Strip:
    """One of them, in this order; a plain box line where there is nothing to say."""
    if message:
        return rule(_one_line(message, width), width, palette.line, palette.now)
    if cursor:
        return rule(_one_line(cursor, width), width, palette.line, palette.strong)
    return rule(_one_line(" · ".join(notices), width), width, palette.line, palette.faint)


def _one_line(text: str, width: int) -> str:
    """The longest wording that has room; what is too long ends after a whole word."""
    if isinstance(text, Wording):
        wordings = (str(text), *text.shorter)
        text = next((wording for wording in wordings if cell_len(wording) <= width - 4), wordings[-1])
    return "".join(wrap(" ".join(text.split()), width - 4, 1))
