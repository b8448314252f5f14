"""Bookmarks: places with names, kept in snapshots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from convstep.debugger.moves import Spot
from convstep.engine.timeline import LEVELS, ORDERS, Timeline
from convstep.errors import ConvstepError

_LONGEST = 60


@dataclass(frozen=True)
class Bookmark:
    """A spot with a name."""

    name: str
    spot: Spot

    def row(self) -> str:
        """One line of the list of bookmarks."""
        order = " (scatter)" if self.spot.order == "scatter" else ""
        return f"{self.name}  · {self.spot.level.upper()} {self.spot.position}{order}"


class Bookmarks:
    """The bookmarks of a session, in the order in which they were set; `data` is what snapshots keep."""

    def __init__(self, extras: dict[str, Any], timeline: Timeline) -> None:
        self._extras, self._timeline = extras, timeline

    def all(self) -> list[Bookmark]:
        """Every bookmark that leads somewhere in this network."""
        data = self._extras.get("bookmarks", [])
        found = [_bookmark(item) for item in data] if isinstance(data, list) else []
        return [mark for mark in found if mark is not None and self._exists(mark.spot)]

    def _exists(self, spot: Spot) -> bool:
        return -1 <= spot.position < self._timeline.length(spot.level, spot.order)

    def set(self, name: str, spot: Spot) -> str:
        """Name a spot; another bookmark of this name is moved there. Returns what was done."""
        name = " ".join(name.split())
        if not name or len(name) > _LONGEST:
            raise ConvstepError(f"a bookmark has a name of 1 to {_LONGEST} characters")
        others = [mark for mark in self.all() if mark.name != name]
        moved = len(others) < len(self.all())
        self.keep([*others, Bookmark(name, spot)])
        return f"bookmark '{name}' {'moved here' if moved else 'set'}; M lists them"

    def remove(self, number: int) -> list[Bookmark]:
        """Without the bookmark of this number, from 0; those that are left."""
        left = self.all()
        del left[number]
        self.keep(left)
        return left

    def carry(self, over: Callable[[Spot], Spot]) -> None:
        """Put each where its spot is in another timeline."""
        if marks := self.all():
            self.keep([replace(mark, spot=over(mark.spot)) for mark in marks])

    def keep(self, marks: list[Bookmark]) -> None:
        """These, in place of all that there are."""
        self._extras["bookmarks"] = [
            {"name": m.name, "level": m.spot.level, "order": m.spot.order, "position": m.spot.position} for m in marks
        ]


def _bookmark(item: Any) -> Bookmark | None:
    """A bookmark from a snapshot's data; None where it holds something else."""
    if not isinstance(item, dict):
        return None
    name: Any = item.get("name")
    level: Any = item.get("level")
    order: Any = item.get("order")
    position: Any = item.get("position")
    sound = isinstance(name, str) and level in LEVELS and order in ORDERS and type(position) is int
    return Bookmark(name, Spot(level, order, position)) if sound else None
