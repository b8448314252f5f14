"""Glyphs, and what stands for them where a terminal cannot show them or draws them two cells wide."""

from __future__ import annotations

import os
import re
import unicodedata

_PRODUCT = re.compile(r"(?<=[\w)\]])·(?=[\w(\[])")
"""The dot of a product: as a full stop it would make 2·18 a number."""

_ASCII = str.maketrans(
    {
        "…": "~",
        "·": ".",
        "─": "-",
        "│": "|",
        "┊": "|",
        "÷": "/",
        "┬": "+",
        "┴": "+",
        "━": "=",
        "┄": ".",
        "●": "O",
        "▶": ">",
        "✓": "+",
        "✗": "!",
        "○": "o",
        "›": ">",
        "×": "x",
        "∂": "d",
        "Σ": "S",
        "→": ">",
        "←": "<",
        "↑": "^",
        "↓": "v",
        "−": "-",
        "≥": ">",
        "≤": "<",
        "≈": "~",
        "≠": "!",
        "■": "#",
        "√": "r",
        "²": "2",
        "°": " ",
        "′": "'",
        "ε": "e",
        "σ": "s",
        "μ": "u",
        "β": "b",
        **dict(zip("▁▂▃▄▅▆▇█", "._-:=+*#", strict=True)),
    }
)

LEVELS = "▁▂▃▄▅▆▇█"
"""Eight heights, for a channel's magnitude."""


def ascii_only() -> bool:
    """Whether to keep to ASCII: CONVSTEP_ASCII=1, or a locale that names another encoding than UTF-8."""
    wish = os.environ.get("CONVSTEP_ASCII", "")
    if wish:
        return wish != "0"
    for variable in ("LC_ALL", "LC_CTYPE", "LANG"):
        if locale := os.environ.get(variable, ""):
            return "utf" not in locale.lower()
    return False


def to_ascii(text: str) -> str:
    """The same text in ASCII, of the same width: columns stay where they are, and the hat of m̂ takes no cell."""
    if text.isascii():
        return text
    text = _PRODUCT.sub("*", text).translate(_ASCII)
    if text.isascii():
        return text
    flat = (c for c in text if not unicodedata.combining(c))
    return "".join(c if c.isascii() or c.isalpha() else "?" for c in flat)
