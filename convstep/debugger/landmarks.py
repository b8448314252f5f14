"""Places by name, so that a spot is found again in a network whose file has changed since."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from convstep.debugger.bookmarks import Bookmark, Bookmarks
from convstep.debugger.moves import Spot, place_of
from convstep.engine.timeline import Place, Step, Timeline

if TYPE_CHECKING:
    from convstep.debugger.session import Session


def landmarks(session: Session) -> dict[str, Any]:
    """What the spots, bookmarks and breakpoints of a session are on, as plain data."""
    timeline = session.recording.timeline
    return {
        "spot": _landmark(timeline, session.spot),
        "history": [_landmark(timeline, spot) for spot in session.history],
        "future": [_landmark(timeline, spot) for spot in session.future],
        "bookmarks": [[mark.name, _landmark(timeline, mark.spot)] for mark in _bookmarks(session).all()],
        "steps": {str(k): _name(timeline.steps[k]) for k in _steps(session) if k in range(len(timeline.steps))},
    }


def relocate(session: Session, known: Any) -> bool:
    """Have everything in a session stand where its landmarks stand now; what has none left goes.

    False where the place at which one stood is there no more: the present spot stays where it is then. What is no
    landmarks changes nothing.
    """
    with suppress(KeyError, TypeError, ValueError):
        spots = _Spots(session.recording.timeline)
        spot = spots.find(known["spot"])
        history, future = spots.all(known["history"]), spots.all(known["future"])
        marks = [Bookmark(str(name), found) for name, mark in known["bookmarks"] if (found := spots.find(mark))]
        steps = {int(k): spots.step(name) for k, name in known["steps"].items()}
        session.spot, session.history, session.future = spot or session.spot, history, future
        if marks or "bookmarks" in session.extras:
            _bookmarks(session).keep(marks)
        if steps:
            session.extras["breakpoints"] = [
                {**stop, "step": step}
                for stop in _stops(session)
                if (step := steps.get(stop["step"])) is not None or stop["step"] is None
            ]
        return spot is not None
    return False


class _Spots:
    """The spots of a timeline by their landmarks."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._steps = {tuple(_name(step)): k for k, step in enumerate(timeline.steps)}

    def step(self, name: Iterable[Any]) -> int | None:
        """The operation of that name."""
        return self._steps.get(tuple(name))

    def find(self, landmark: Any) -> Spot | None:
        """The spot that a landmark stands for; None where its operation is there no more."""
        level, order, place = landmark
        if place is None:
            return Spot(level, order, -1)
        name, iteration, element, term = place
        k = self.step(name)
        if k is None:
            return None
        step = self._timeline.steps[k]
        iteration = min(iteration, self._timeline.iterations - 1)
        element = None if level == "op" else min(element, step.elements[order] - 1)
        term = min(term, step.terms[order] - 1) if level == "term" else None
        return Spot(level, order, self._timeline.position(order, Place(iteration, k, element, term)))

    def all(self, landmarks: Iterable[Any]) -> list[Spot]:
        """The spots of those that are there still."""
        return [spot for landmark in landmarks if (spot := self.find(landmark))]


def _landmark(timeline: Timeline, spot: Spot) -> list[Any]:
    """Level, order, and None for the start, or else the operation's name, the iteration, element and term."""
    place = place_of(timeline, spot)
    if place.step < 0:
        return [spot.level, spot.order, None]
    name = _name(timeline.steps[place.step])
    return [spot.level, spot.order, [name, place.iteration, place.element, place.term]]


def _name(step: Step) -> list[Any]:
    """By what an operation is known again: its layer, what it writes, and from which of the layer's operands."""
    return [step.phase, step.layer, step.writes, step.slot]


def _bookmarks(session: Session) -> Bookmarks:
    return Bookmarks(session.extras, session.recording.timeline)


def _stops(session: Session) -> list[dict[str, Any]]:
    stops = session.extras.get("breakpoints")
    return [stop for stop in stops if isinstance(stop, dict) and "step" in stop] if isinstance(stops, list) else []


def _steps(session: Session) -> list[int]:
    """The operations on which there are breakpoints."""
    return [stop["step"] for stop in _stops(session) if type(stop["step"]) is int]
