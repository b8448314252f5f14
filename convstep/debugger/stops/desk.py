"""What a person set up to find things: breakpoints, watches, and the lookout for numbers that are not finite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convstep.debugger.moves import Spot
from convstep.debugger.stops.breakpoints import Breakpoints
from convstep.debugger.stops.finding import Search
from convstep.debugger.stops.watches import Watches
from convstep.engine.nonfinite import Lookout
from convstep.engine.recording import Recording
from convstep.errors import ConvstepError
from convstep.explain.language.vocabulary import vocabulary
from convstep.explain.naming import Names

_BREAKPOINTS, _WATCHES = "breakpoints", "watches"


class Desk:
    """Belongs to one recording; `extras`, the session's, keeps what is on it. What means nothing there is left out."""

    def __init__(self, recording: Recording, names: Names, extras: dict[str, Any], lookout: Lookout) -> None:
        self.recording, self.lookout = recording, lookout
        self.words = vocabulary(recording.graph, recording.timeline, names)
        self.breakpoints = Breakpoints(recording, self.words)
        self.watches = Watches(recording, self.words)
        self._extras = extras
        _take(self.breakpoints.from_data, extras.get(_BREAKPOINTS, []))
        _take(self.watches.from_data, extras.get(_WATCHES, []))

    def keep(self) -> None:
        """Keep what is on the desk for snapshots; called after each change."""
        self._extras[_BREAKPOINTS] = self.breakpoints.as_data()
        self._extras[_WATCHES] = self.watches.as_data()

    def search(self, spot: Spot) -> Search:
        """The one-command searches, from a spot."""
        return Search(self.recording, self.words, self.lookout, spot)


def _take(store: Callable[[Any], None], data: Any) -> None:
    """One entry at a time: what a foreign or an older file has that means nothing here is left out."""
    kept: list[Any] = []
    for entry in data if isinstance(data, list) else []:
        try:
            store([*kept, entry])
        except (ValueError, ConvstepError):
            continue
        kept.append(entry)
