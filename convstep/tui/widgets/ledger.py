"""The ledger of a sum: a row a term, those around the current one, in aligned columns."""

from __future__ import annotations

from textual.strip import Strip

from convstep.debugger.screen.view import Ledger
from convstep.tui.theme.colours import Palette
from convstep.tui.widgets.text import Piece, cell_len, cut, cut_name, pad, rule, strip_of

_NARROWEST = 8
"""A column is not cut below this width."""

_NOTHING = "A sum's terms are listed here, on the levels of elements and terms: s goes in."


def ledger_lines(ledger: Ledger | None, width: int, height: int, palette: Palette) -> list[Strip]:
    """The ledger with its title line; exactly `height` lines."""
    if height <= 0:
        return []
    title = "Ledger" if ledger is None else f"Ledger: {ledger.title}"
    lines = [rule(title, width, palette.line, palette.title, _counted(ledger, height - 2))]
    if ledger is None:
        lines.append(strip_of([(f"  {cut(_NOTHING, width - 2)}", palette.faint)], width, palette.text))
    else:
        lines += _table(ledger, width, height - 1, palette)
    blank = strip_of([], width, palette.text)
    return [*lines[:height], *[blank] * (height - len(lines))]


def _counted(ledger: Ledger | None, rows: int) -> str:
    if ledger is None or ledger.count <= rows:
        return ""
    first = _first(ledger, rows)
    return f"{first + 1} to {min(ledger.count, first + rows)} of {ledger.count}"


def _first(ledger: Ledger, rows: int) -> int:
    """The first visible row: the current one stands in the middle, as far as the ends allow."""
    now = ledger.count - 1 if ledger.now is None else ledger.now
    return min(max(0, now - rows // 2), max(0, ledger.count - rows))


def _table(ledger: Ledger, width: int, height: int, palette: Palette) -> list[Strip]:
    rows = max(0, height - 1)
    first = _first(ledger, rows)
    places = range(first, min(ledger.count, first + rows))
    table = [ledger.row(k) for k in places]
    columns = [_aligned(list(column)) for column in zip(*table, strict=True)] if table else [[] for _ in ledger.header]
    sizes = _fitted(
        [
            max([cell_len(head), *(cell_len(text) for text in column)])
            for head, column in zip(ledger.header, columns, strict=True)
        ],
        width,
    )
    sides = ["right" if _numeric(column) else "left" for column in columns]
    heads = [pad(cut(head, size), size, side) for head, size, side in zip(ledger.header, sizes, sides, strict=True)]
    lines = [strip_of([("    " + "   ".join(heads), palette.faint)], width, palette.text)]
    for r, place in enumerate(places):
        cells = [
            pad(_shortened(column[r], size), size, side)
            for column, size, side in zip(columns, sizes, sides, strict=True)
        ]
        now = place == ledger.now
        ink = palette.now if now else palette.text
        if ledger.now is not None and place > ledger.now:
            ink = palette.faint
        margin: list[Piece] = [("  ▶ " if now else "    ", palette.marker)]
        if place == ledger.differs:
            margin = [(" ▶" if now else "  ", palette.marker), ("✗ ", palette.warning)]
        pieces: list[Piece] = [*margin, ("   ".join(cells), ink)]
        lines.append(strip_of(pieces, width, palette.text))
    return lines


def _shortened(text: str, size: int) -> str:
    """A text in so many cells: of `name = number` the name is cut, not the number."""
    name, equals, number = text.rpartition(" = ")
    room = size - cell_len(number) - len(equals)
    if not equals or cell_len(text) <= size or room < 2:
        return cut(text, size)
    return f"{cut_name(name.rstrip(), room)}{equals}{number}"


def _fitted(sizes: list[int], width: int) -> list[int]:
    """The columns' widths, the widest cut first, so that the result and the sum at the end stay in sight."""
    sizes = [*sizes]
    excess = 5 + sum(sizes) + 3 * (len(sizes) - 1) - width
    while excess > 0 and max(sizes) > _NARROWEST:
        widest = sizes.index(max(sizes))
        others = [size for k, size in enumerate(sizes) if k != widest]
        taken = min(excess, max(1, sizes[widest] - max([*others, _NARROWEST])))
        sizes[widest] -= taken
        excess -= taken
    return sizes


def _numeric(column: list[str]) -> bool:
    """Whether a column holds numbers: those stand at its right."""
    return all(text.lstrip("-+ ")[:1].isdigit() or text in ("·", "", "NaN", "Inf", "-Inf") for text in column)


def _aligned(column: list[str]) -> list[str]:
    """Texts such as `i[1] = 1`, aligned on their `=`."""
    split = [text.rpartition(" = ") for text in column]
    if not column or not all(middle for _, middle, _ in split):
        return column
    names = max(cell_len(name) for name, _, _ in split)
    numbers = max(cell_len(number) for _, _, number in split)
    return [f"{pad(name, names)} = {pad(number, numbers, 'right')}" for name, _, number in split]
