"""Text as lines of a given width: cut, pad, wrap, and strips made of styled pieces."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from functools import lru_cache

from rich import cells as rich_cells
from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from convstep.tui.widgets.line import Line

Piece = tuple[str, Style]

_HANG = "    "
_NARROWEST = 16
_SHORTEST_NAME = 4
_KEPT_LINES = 2048
"""Finished lines that are kept: most of a screen is the same a step later, and what Textual made of it is, too."""

_SINGLE = re.compile("[ -~·×∂Σ→√…─-╿▀-▟]*")
"""A text each character of which takes one cell, as nearly all do: that is seen more quickly than measured."""
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


def cell_len(text: str) -> int:
    """The cells that a text takes."""
    return len(text) if text.isascii() or _SINGLE.fullmatch(text) else rich_cells.cell_len(text)


def visible(text: str) -> str:
    """The text without what could steer a terminal or turn the direction of writing: names come from files."""
    return text if text.isprintable() else _STEERING.sub("?", text)


def cut(text: str, width: int) -> str:
    """At most `width` cells; what was cut off is told by `…`."""
    if cell_len(text) <= width:
        return text
    return _first(text, width - 1) + "…" if width > 0 else ""


def cut_name(text: str, width: int) -> str:
    """At most `width` cells of a name such as `∂loss/∂conv1.weight[0,1]`: it is the name that is cut, not its index."""
    name, bracket, index = text.rpartition("[")
    room = width - cell_len(bracket + index)
    if not bracket or room < _SHORTEST_NAME or cell_len(text) <= width:
        return cut(text, width)
    return f"{cut(name, room)}{bracket}{index}"


def _first(text: str, width: int) -> str:
    """The first so many cells of a longer text."""
    return text[:width] if _SINGLE.fullmatch(text) else set_cell_size(text, width)


def pad(text: str, width: int, align: str = "left") -> str:
    """At least `width` cells; `align` says where the text stands: left, right or centre."""
    room = width - cell_len(text)
    if room <= 0:
        return text
    if align == "right":
        return " " * room + text
    if align == "centre":
        return " " * (room // 2) + text + " " * (room - room // 2)
    return text + " " * room


def wrap(text: str, width: int, lines: int) -> list[str]:
    """The text in at most `lines` lines of `width` cells; a longer one ends after a whole word, in ` …`."""
    if width <= 0 or lines <= 0:
        return []
    folded = textwrap.wrap(text, width, break_on_hyphens=False)
    if len(folded) > lines:
        rest = " ".join(folded[lines - 1 :])
        end = textwrap.wrap(rest, width, break_on_hyphens=False, max_lines=1, placeholder=" …")[0]
        folded = [*folded[: lines - 1], cut(rest, width) if end.strip() == "…" else end]
    return [cut(line, width) for line in folded]


def hanging(text: str, width: int) -> str:
    """The text in lines of at most `width` cells; those after the first stand further in than it."""
    indent = " " * (len(text) - len(text.lstrip()))
    return "\n".join(
        textwrap.wrap(text, max(_NARROWEST, width), subsequent_indent=indent + _HANG, break_on_hyphens=False)
    )


def strip_of(pieces: Iterable[Piece], width: int, fill: Style) -> Strip:
    """One line of exactly `width` cells: cut at its right end, or filled up. The same pieces give the same object."""
    return _line(tuple(pieces), width, fill)


@lru_cache(maxsize=_KEPT_LINES)
def _line(pieces: tuple[Piece, ...], width: int, fill: Style) -> Line:
    segments: list[Segment] = []
    used = 0
    for raw, style in pieces:
        text = visible(raw)
        length = cell_len(text)
        if used + length > width:
            text = _first(text, width - used)
            length = width - used
        if length:
            segments.append(Segment(text, style))
            used += length
        if used >= width:
            break
    if used < width:
        segments.append(Segment(" " * (width - used), fill))
    return Line(segments, width)


def rule(title: str, width: int, line: Style, ink: Style, right: str = "") -> Strip:
    """A box line with a title: `─ Formula ────── g = ∂C/∂o1 ─`."""
    pieces: list[Piece] = []
    used = 0
    if title:
        title = cut(f" {title} ", max(0, width - 2))
        pieces += [("─", line), (title, ink)]
        used = 1 + cell_len(title)
    if right and used + cell_len(right) + 5 <= width:
        pieces += [("─" * (width - used - cell_len(right) - 3), line), (f" {right} ", ink), ("─", line)]
    else:
        pieces.append(("─" * max(0, width - used), line))
    return strip_of(pieces, width, line)
