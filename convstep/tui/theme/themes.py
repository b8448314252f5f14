"""Textual's side of the two themes: backgrounds, dialogs, inputs."""

from __future__ import annotations

from textual.theme import Theme

from convstep.tui.theme.colours import DARK, LIGHT, Inks


def _theme(name: str, inks: Inks, surface: str, panel: str, dark: bool) -> Theme:
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
        surface=surface,
        panel=panel,
        dark=dark,
    )


THEMES = (
    _theme("convstep-dark", DARK, "#1c2128", "#262d36", True),
    _theme("convstep-light", LIGHT, "#f1efe9", "#e6e3da", False),
)
