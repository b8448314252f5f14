"""What a plain scalar means in YAML 1.2's core schema: `1e-3` is a number, `y` and `on` are names."""

from __future__ import annotations

import re
from math import isinf

Scalar = str | int | float | bool | None

_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("null", "Null", "NULL", "~", "")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((sign + word for sign in ("", "+") for word in (".inf", ".Inf", ".INF")), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_LONGEST_INTEGER = 400
_TOO_LARGE = 2**63


def plain(text: str) -> Scalar:
    """The value of an unquoted scalar. Raises ValueError, in plain words, for numbers that nothing can hold."""
    if _NUMBER.fullmatch(text):
        return integer(text) if _INTEGER.fullmatch(text) else number(text)
    if text in _WORDS:
        return _WORDS[text]
    return integer(text) if _BASED.fullmatch(text) else text


def integer(text: str) -> int:
    """An integer in one of the core schema's spellings, within 64 bits."""
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    value = int(text[2:] if base != 10 else text, base) if len(text) <= _LONGEST_INTEGER else _TOO_LARGE
    if not -_TOO_LARGE <= value < _TOO_LARGE:
        shown = text if len(text) <= 30 else text[:29] + "…"
        raise ValueError(f"{shown} is too large for an integer (64 bits); a number of this size is written 1.0e+20")
    return value


def number(text: str) -> float:
    """A decimal number within the range of float64."""
    value = float(text)
    if isinf(value):
        raise ValueError(f"{text[:30]} is too large for a number (float64 ends at 1.8e+308); infinity is written .inf")
    return value


def tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar with an explicit core tag (`int`, `float`, `bool`, `null`, `str`).

    Raises ValueError where text and tag do not go together.
    """
    if tag == "str":
        return text
    value = plain(text)
    if tag == "float" and type(value) is int:
        return float(value)
    if type(value).__name__ != {"null": "NoneType"}.get(tag, tag):
        raise ValueError(f"'{text[:30]}' is not what the tag !!{tag} says; leave the tag out")
    return value
