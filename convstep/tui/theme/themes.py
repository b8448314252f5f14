"""Textual's side of a theme: backgrounds, dialogs, inputs."""

from __future__ import annotations

from rich.color import blend_rgb
from rich.color_triplet import ColorTriplet
from textual.theme import Theme

from convstep.tui.theme.colours import Look

_SURFACE, _PANEL = 0.05, 0.1
"""How far dialogs and their fields are from the background, towards the text."""


def textual_theme(name: str, look: Look) -> Theme:
    """The theme of this name, for Textual."""
    inks = look.inks
    return Theme(
        name=name,
        primary=inks.title,
        secondary=inks.negative,
        accent=inks.positive,
        warning=inks.now,
        error=inks.warning,
        success=inks.written,
        foreground=inks.text,
        background=inks.background,
        surface=_towards(inks.background, inks.text, _SURFACE),
        panel=_towards(inks.background, inks.text, _PANEL),
        dark=look.dark,
    )


def _towards(colour: str, other: str, share: float) -> str:
    return blend_rgb(_triplet(colour), _triplet(other), share).hex


def _triplet(text: str) -> ColorTriplet:
    return ColorTriplet(int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16))
