"""The styles of everything drawn: one palette for dark, for light, for 16 colours and for none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from rich.color import blend_rgb
from rich.color_triplet import ColorTriplet
from rich.style import Style

from convstep.debugger.screen.view import Mark, Status

STEPS = 12
"""A heat colour is one of STEPS shades on either side of zero."""


@dataclass(frozen=True)
class Inks:
    """The colours of a theme. Negative and positive are told apart by colour-blind eyes: blue and orange."""

    background: str
    text: str
    faint: str
    line: str
    title: str
    now: str
    rest: str
    written: str
    warning: str
    changed: str
    negative: str
    positive: str


DARK = Inks(
    background="#14171c",
    text="#dde1e7",
    faint="#808a97",
    line="#3d4652",
    title="#9fc1f0",
    now="#ffe066",
    rest="#b9c4d0",
    written="#7fe3b0",
    warning="#ff8f8f",
    changed="#e59bff",
    negative="#2d7fd3",
    positive="#cf7415",
)
LIGHT = Inks(
    background="#fbfaf7",
    text="#1d2229",
    faint="#69727d",
    line="#bfc4ca",
    title="#1f4f93",
    now="#7a3d00",
    rest="#3c4650",
    written="#00663a",
    warning="#b00020",
    changed="#8a1fa8",
    negative="#79b1ee",
    positive="#f2a552",
)


class Look(NamedTuple):
    """A theme: its colours, and whether they are light on dark."""

    inks: Inks
    dark: bool


BUILT_IN = {"dark": Look(DARK, True), "light": Look(LIGHT, False)}
_ROLES = ("text", "faint", "line", "title", "now", "rest", "written", "warning", "changed")
_ANSI = {
    "faint": "bright_black",
    "line": "bright_black",
    "title": "bright_cyan",
    "now": "bright_yellow",
    "written": "bright_green",
    "warning": "bright_red",
    "changed": "bright_magenta",
}
_ANSI_LIGHT = {"title": "blue", "now": "magenta", "written": "green", "warning": "red", "changed": "cyan"}
_BOLD = frozenset({"title", "now", "written", "strong", "changed"})


class Palette:
    """The styles of one theme.

    `kind` is `full` (true or 256 colours), `ansi` (16 colours: the terminal's own, no heat behind the numbers)
    or `plain` (NO_COLOR: bold, dim, underline and reverse alone).
    """

    def __init__(self, dark: bool = True, kind: str = "full", inks: Inks | None = None) -> None:
        self.dark = dark
        self.kind = kind
        self.inks = inks or (DARK if dark else LIGHT)
        for role in (*_ROLES, "strong"):
            setattr(self, role, self._role(role))
        self.reverse = self.text + Style(reverse=True)
        self.marker = self.now + Style(bold=True)

    text: Style
    faint: Style
    line: Style
    title: Style
    now: Style
    rest: Style
    written: Style
    warning: Style
    changed: Style
    strong: Style

    def _role(self, role: str) -> Style:
        bold = role in _BOLD or None
        if self.kind == "plain":
            return Style(bold=bold, dim=True if role in ("faint", "line") else None)
        if self.kind == "ansi":
            names = _ANSI if self.dark else {**_ANSI, **_ANSI_LIGHT}
            return Style(color=names.get(role, "default"), bgcolor="default", bold=bold)
        ink = self.inks.text if role == "strong" else getattr(self.inks, role)
        return Style(color=ink, bgcolor=self.inks.background, bold=bold)

    def level(self, value: float, scale: float) -> int:
        """The shade of a value: 0 at zero, ±STEPS at the scale and beyond."""
        if value == 0 or value != value:
            return 0
        share = 1.0 if scale <= 0 or math.isinf(value) else min(1.0, abs(value) / scale)
        shade = math.ceil(share * STEPS)
        return shade if value > 0 else -shade

    @lru_cache(maxsize=4096)  # noqa: B019 (a palette lives as long as the app)
    def cell(self, level: int, mark: int, status: int, cursor: bool, word: bool = False) -> Style:
        """The style of a number: `level` its shade, `word` for NaN and Inf."""
        style = self._cell_ink(mark, status, word)
        if self.kind == "full" and level and not word:
            style += Style(bgcolor=self.shade(level))
        elif self.kind == "ansi" and level and not word and mark == Mark.NONE:
            style += Style(color="blue" if level < 0 else "yellow")
        return style + Style(reverse=True, bold=True) if cursor else style

    def _cell_ink(self, mark: int, status: int, word: bool) -> Style:
        if word:
            return self.warning + Style(bold=True, underline=True)
        if mark == Mark.NOW:
            return self.text + Style(bold=True)
        if mark == Mark.WRITTEN:
            return self.text + Style(bold=True, underline=True)
        return self.faint if status in (Status.BLANK, Status.PADDING) else self.text

    @lru_cache(maxsize=1024)  # noqa: B019
    def bracket(self, level: int, mark: int, cursor: bool) -> Style:
        """The style of the brackets around a number."""
        style = {Mark.NOW: self.now, Mark.REST: self.rest, Mark.WRITTEN: self.written}.get(Mark(mark), self.text)
        if self.kind == "full" and level:
            style += Style(bgcolor=self.shade(level))
        return style + Style(reverse=True, bold=True) if cursor else style

    @lru_cache(maxsize=64)  # noqa: B019
    def sign(self, level: int, cursor: bool, differs: bool) -> Style:
        """The style of the sign behind a number that edits have changed, or that differs from one's own."""
        style = self.warning + Style(bold=True) if differs else self.changed
        if self.kind == "full" and level:
            style += Style(bgcolor=self.shade(level))
        return style + Style(reverse=True) if cursor else style

    @lru_cache(maxsize=256)  # noqa: B019
    def shade(self, level: int) -> str:
        """The heat colour of a shade, as `#rrggbb`."""
        pole = self.inks.negative if level < 0 else self.inks.positive
        share = 0.07 + (0.63 if self.dark else 0.83) * abs(level) / STEPS
        return blend_rgb(_triplet(self.inks.background), _triplet(pole), share).hex

    @lru_cache(maxsize=256)  # noqa: B019
    def spark(self, level: int, current: bool) -> Style:
        """The style of a channel's glyph."""
        if self.kind == "full" and level:
            pole = self.inks.negative if level < 0 else self.inks.positive
            share = 0.45 + 0.55 * abs(level) / STEPS
            ink = blend_rgb(_triplet(self.inks.faint), _triplet(pole), share).hex
            style = Style(color=ink, bgcolor=self.inks.background)
        elif self.kind == "ansi" and level:
            style = Style(color="blue" if level < 0 else "yellow", bgcolor="default")
        else:
            style = self.faint
        return style + Style(reverse=True, bold=True) if current else style


def _triplet(text: str) -> ColorTriplet:
    return ColorTriplet(int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16))
