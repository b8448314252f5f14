"""How large an axis may be before anything is made of it."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from convstep.memory import available, in_words

_LONGEST_AXIS = 2**25
_LARGEST_PLANE = 2**36
_WORTH_ASKING = 2**18
_BYTES_AN_ENTRY = 56
"""What an entry of a table takes while it is made; half of it stays."""


def check_axis(size: int) -> None:
    """Raises MemoryError where an axis would be longer than any useful network's."""
    if size > _LONGEST_AXIS:
        raise MemoryError


def check_table(outputs: int) -> None:
    """The same for an axis that is kept as a table, also where that is more than there is room for."""
    check_axis(outputs)
    room = available() if outputs > _WORTH_ASKING else None
    if room is not None and outputs * _BYTES_AN_ENTRY > room:
        needed = in_words(outputs * _BYTES_AN_ENTRY)
        raise MemoryError(f"a table of {outputs} places needs {needed} of memory, and {in_words(room)} are free")


def check_plane(outputs: Iterable[int]) -> None:
    """Raises MemoryError where axes together have more outputs than any memory holds."""
    if prod(outputs) > _LARGEST_PLANE:
        raise MemoryError
