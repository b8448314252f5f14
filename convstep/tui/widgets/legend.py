"""What the marks and the colours mean; always visible."""

from __future__ import annotations

from itertools import product

from rich.style import Style
from textual.strip import Strip

from convstep.debugger.screen.view import Mark, Status
from convstep.explain.numbers import short
from convstep.tui.theme.colours import STEPS, Palette
from convstep.tui.widgets.cells import CHANGED, DIFFERS
from convstep.tui.widgets.text import Piece, cell_len, strip_of

_WORDINGS = (
    ("this step", "rest of this sum", "written now", "partial", "not yet"),
    ("this step", "this sum", "written", "partial", "not yet"),
    ("step", "sum", "written", "partial", "not yet"),
    ("step", "sum", "new", "part", "blank"),
)
_SHORTER = ((_WORDINGS[:-1], "yours differs"), (_WORDINGS[-1:], "yours differs"), (_WORDINGS[-1:], "yours"))
"""What is tried one after the other: words of the marks, and of the sign of one's own numbers."""
_SIGNS = ("[x]", "(x)", "<x>", "x…", "·")


def legend_line(
    scale: float | None, width: int, palette: Palette, of: str = "", edited: bool = False, compared: bool = False
) -> Strip:
    """The marks, and the colour scale's two ends: those of `of`.

    Whose colours they are is said rather than the marks in more words; but marks keep words of their own.
    Of changed numbers where some are `edited`, of differing ones where numbers of one's own are `compared`.
    """
    changed = _sign(CHANGED, "changed", palette.changed, palette) if edited else []
    ends = (_scale(scale, palette, of), _scale(scale, palette, ""))
    signs: list[Piece] = changed
    for wordings, differs in _SHORTER:
        signs = [*changed, *(_sign(DIFFERS, differs, palette.warning, palette) if compared else [])]
        for end, words in product(ends, wordings):
            left = [*_marks(words, palette), *signs]
            room = width - _length(left) - _length(end) - 1
            if room >= 2:
                return strip_of([*left, (" " * room, palette.text), *end], width, palette.text)
    return strip_of([*signs, (" ", palette.text), *_marks(_WORDINGS[-1], palette)], width, palette.text)


def _marks(words: tuple[str, ...], palette: Palette) -> list[Piece]:
    inks: list[Style] = [
        palette.bracket(0, Mark.NOW, False),
        palette.bracket(0, Mark.REST, False),
        palette.bracket(0, Mark.WRITTEN, False),
        palette.text,
        palette.cell(0, Mark.NONE, Status.BLANK, False),
    ]
    pieces: list[Piece] = [(" ", palette.text)]
    for i, (sign, word, ink) in enumerate(zip(_SIGNS, words, inks, strict=True)):
        pieces += [("  " if i else "", palette.text), (sign, ink), (f" {word}", palette.faint)]
    return pieces


def _sign(sign: str, word: str, ink: Style, palette: Palette) -> list[Piece]:
    return [("  x", palette.text), (sign, ink), (f" {word}", palette.faint)]


def _scale(scale: float | None, palette: Palette, of: str) -> list[Piece]:
    if not scale or palette.kind == "plain":
        return []
    swatches: list[Piece] = [
        (" ", palette.cell(level, Mark.NONE, Status.DONE, False)) for level in (-STEPS, -STEPS // 2, STEPS // 2, STEPS)
    ]
    if palette.kind == "ansi":
        swatches = [("-", palette.cell(-1, 0, Status.DONE, False)), ("+", palette.cell(1, 0, Status.DONE, False))]
    lead = f"{of}  " if of else ""
    end = short(float(f"{scale:.3g}"))
    ends = [(f"{lead}-{end} ", palette.faint), (f" {end} ", palette.faint)]
    return [ends[0], *swatches, ends[1]]


def _length(pieces: list[Piece]) -> int:
    return sum(cell_len(text) for text, _ in pieces)
