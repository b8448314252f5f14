"""How the lines of a pane are shared among the blocks in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

_ENOUGH = 4
"""Lines that a block gets before the next one gets any."""

_GOOD = 6
"""Lines that a block gets before blank lines are thought of."""


@dataclass(frozen=True)
class Want:
    """What a block would like: at least and at most so many lines, then perhaps a blank one.

    Blocks of the same `group` grow together or not at all, so that they stay comparable line by line.
    `first`: it gets its least before all others.
    """

    least: int
    most: int
    gap: bool = True
    group: object = None
    first: bool = False


class Place(NamedTuple):
    """Where a block stands: its first line and its height; height 0 where there is no room for it."""

    top: int
    height: int


def share(wants: Sequence[Want], lines: int) -> list[Place]:
    """Lines for each block: enough for each in order, then fairly a good few, blank lines, and the most."""
    heights = _least(wants, lines)
    left = _grow([replace(want, most=min(want.most, _GOOD)) for want in wants], heights, lines - sum(heights))
    gaps = min(left, sum(want.gap for want in wants[:-1]))
    left = gaps + _grow(wants, heights, left - gaps)
    places: list[Place] = []
    top = 0
    for i, (want, height) in enumerate(zip(wants, heights, strict=True)):
        places.append(Place(top, height))
        top += height
        if want.gap and height and left > 0 and any(heights[i + 1 :]):
            top, left = top + 1, left - 1
    return places


def _least(wants: Sequence[Want], lines: int) -> list[int]:
    """Enough to be of use, for those that come first and then in order; the last ones may get nothing."""
    heights = [0] * len(wants)
    for i, want in enumerate(wants):
        if want.first and want.least <= lines:
            heights[i] = want.least
            lines -= want.least
    for i, want in enumerate(wants):
        height = min(want.most, _ENOUGH, lines)
        if not want.first and height >= want.least:
            heights[i] = height
            lines -= height
        elif not want.first:
            break
    return heights


def _grow(wants: Sequence[Want], heights: list[int], left: int) -> int:
    """Hand out lines one by one, always to the smallest blocks that still want some; what is left over."""
    while left > 0:
        families = _families(wants, heights)
        fitting = [family for family in families if len(family) <= left]
        if not fitting:
            return left
        smallest = min(fitting, key=lambda family: heights[family[0]])
        for i in smallest:
            heights[i] += 1
        left -= len(smallest)
    return left


def _families(wants: Sequence[Want], heights: Sequence[int]) -> list[list[int]]:
    """The blocks that still want lines, those of one group together."""
    families: dict[object, list[int]] = {}
    for i, want in enumerate(wants):
        if 0 < heights[i] < want.most:
            families.setdefault(("alone", i) if want.group is None else want.group, []).append(i)
    return list(families.values())
