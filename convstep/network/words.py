"""How messages speak: values as a person would write them, lists, and "did you mean"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import PurePath
from typing import Any

import numpy as np

_LONG_WORD = re.compile(r"\S{120,}|(?<=\[)[^\[\]]{120,}(?=\])")
_LONGEST_VALUE = 40
_LONGEST_LIST = 14
_LONGEST_WORD = 200
_MOST_BITS = 1024


def printable(text: str) -> str:
    """The text on one line: control characters and their like are escaped, so that no file can steer a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def shortened(message: str) -> str:
    """The message with the middle left out of words and lists that nobody would read to the end."""
    return _LONG_WORD.sub(lambda word: f"{word[0][:40]}…{word[0][-30:]}", message)


def show(value: Any) -> str:
    """A value as the file would say it, shortened."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, np.ndarray):
        return f"an array of shape {list(value.shape)}"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)) and any(isinstance(v, (list, tuple, dict)) for v in value[:4]):
        return "a nested list"
    text = "[" + ", ".join(_scalar(v) for v in value[:20]) + "]" if isinstance(value, (list, tuple)) else _scalar(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return f"'{printable(value)}'"
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return "an integer beyond all measure"
    return show(value) if value is None or isinstance(value, bool) else printable(str(value))


def listed(words: Iterable[Any], last: str = "or") -> str:
    """`a, b or c`, shortened where there are many."""
    texts = [printable(str(word)) for word in words]
    if len(texts) > _LONGEST_LIST:
        return ", ".join(texts[:_LONGEST_LIST]) + " …"
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} {last} {texts[-1]}" if texts else "none"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    if len(word) > _LONGEST_WORD:
        return None  # likeness is sought in time that grows with the square of the length
    lower = {k.lower(): k for k in known if len(k) <= _LONGEST_WORD}
    found = get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    return lower[found[0]] if found else None


def nearest_file(name: str, known: Iterable[str]) -> str | None:
    """The file that was probably meant: the ending alone makes no likeness."""
    by_stem = {PurePath(k).stem: k for k in known}
    meant = nearest(PurePath(name).stem, by_stem)
    return None if meant is None else by_stem[meant]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown word: the nearest one, or which ones there are."""
    known = list(known)
    meant = nearest(word, known)
    if meant is not None:
        return f"; did you mean '{printable(meant)}'?"
    return f"; there {'is' if len(known) == 1 else 'are'} {listed(known, 'and')}" if known else ""


def about(subject: str, message: str) -> str:
    """Subject and predicate in one sentence: `stride takes …`, or `stride: the window spans …`."""
    verb = message.partition(" ")[0] in {"takes", "is", "must", "needs", "has", "goes", "does", "holds", "cannot"}
    return f"{subject} {message}" if verb else f"{subject}: {message}"
