"""Searches that are one command each: `g nan`, `g last grad(w1)[3]`, `g sum > 5`, `g loss > prev(loss)`.

They may take long: they run beside the screen, and can be given up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from convstep.debugger.goto import tensor
from convstep.debugger.moves import Landing, Spot, Wording
from convstep.debugger.stops.becoming import Becoming
from convstep.debugger.stops.breakpoints import Breakpoint
from convstep.debugger.stops.clock import Clock
from convstep.debugger.stops.stopping import Writes
from convstep.engine.nonfinite import Lookout
from convstep.engine.recording import Recording
from convstep.engine.timeline import Place
from convstep.engine.work import Work
from convstep.errors import ConvstepError
from convstep.explain.language.conditions import parse_condition
from convstep.explain.language.kinds import INSIDE, OF_TERMS, uses
from convstep.explain.language.vocabulary import Vocabulary
from convstep.explain.nonfinite import origin

_FIRST = "this is the first write"
_NAN = ("nan", "inf", "non-finite", "nonfinite")
_LAST = re.compile(r"last\s+(.*)")
_CONDITION = re.compile(r"[<>=≤≥≠!]|\b(isnan|isinf|isfinite|any|all)\s*\(")


def is_search(text: str) -> bool:
    """Whether what was typed after `g` is a search."""
    text = text.strip()
    return text.lower() in _NAN or bool(_LAST.fullmatch(text)) or bool(_CONDITION.search(text))


@dataclass(frozen=True)
class Search:
    """One of them, on a recording, from a spot."""

    recording: Recording
    words: Vocabulary
    lookout: Lookout
    spot: Spot

    def check(self, text: str) -> None:
        """Raises ConvstepError where the text means nothing."""
        text = text.strip()
        if text.lower() in _NAN:
            return
        if match := _LAST.fullmatch(text):
            self._written(match[1])
        else:
            parse_condition(text, self.words)

    def find(self, text: str, work: Work) -> Landing:
        """Where it leads. Raises ConvstepError where there is nothing to be found, and Cancelled."""
        text = text.strip()
        if text.lower() in _NAN:
            return self._nonfinite(work)
        if match := _LAST.fullmatch(text):
            return self._last(match[1], work)
        return self._condition(text, work)

    # -- the first number that is not finite

    def _nonfinite(self, work: Work) -> Landing:
        found = self.lookout.search(work)
        if found is None:
            raise ConvstepError("every number of the run is finite")
        self.recording.iteration(found.iteration, work=work)
        told = origin(self.recording, self.words.names, found)
        line = Wording(*told.wordings())
        if found.step < 0:
            count = self.recording.timeline.count(self.spot.level, self.spot.order)
            return Landing(Spot(self.spot.level, self.spot.order, found.iteration * count - 1), line)
        place = Place(found.iteration, found.step, found.element, told.term)
        return Landing(Spot(place.level, "gather", self.recording.timeline.position("gather", place)), line)

    # -- the last write

    def _written(self, text: str) -> Breakpoint:
        key, index = self.words.names.parse(text)
        breakpoint = Breakpoint(key=key, index=index)
        if not breakpoint.writes(self.recording):
            tensor(self.recording, self.words.names, self.spot, key, index)  # says why
        return breakpoint

    def _last(self, text: str, work: Work) -> Landing:
        """The last step before this one that finished writing it; where there is none, the first after."""
        breakpoint = self._written(text)
        timeline = self.recording.timeline
        spot = Spot("op" if breakpoint.index is None else "element", self.spot.order, 0)
        clock = Clock(self.recording, spot.level, spot.order, work)
        writes = Writes(clock, breakpoint, None)
        here = timeline.place(self.spot.level, self.spot.order, self.spot.position)
        where = breakpoint.where(timeline, self.words.names)
        for iteration in range(here.iteration, -1, -1):
            work.check()
            edge = self._edge(clock, here) if iteration == here.iteration else clock.count
            time = writes.previous(iteration, edge)
            if time is not None:
                position = iteration * clock.count + time
                return Landing(Spot(spot.level, spot.order, position), f"the last write to {where} before")
        time = writes.next(0, -1)
        assert time is not None
        told = Wording(f"nothing wrote {where} before: {_FIRST}", f"nothing wrote it before: {_FIRST}")
        return Landing(Spot(spot.level, spot.order, time), told)

    def _edge(self, clock: Clock, here: Place) -> int:
        """The first time, on the clock's level, whose step is not over at a place of any level, or is that place."""
        if here.step < 0:
            return 0
        first, end = clock.span(here.step)
        if clock.level == "op":
            return first
        return end if here.element is None else first + here.element

    # -- a condition

    def _condition(self, text: str, work: Work) -> Landing:
        node = parse_condition(text, self.words)
        if uses(node, *OF_TERMS) and self.spot.position >= 0:
            return self._in_terms(text, work)
        # Nothing has happened yet: then all of the run is looked through, term by term where it is about terms.
        spot = Spot("term", self.spot.order, -1) if uses(node, *OF_TERMS) else self.spot
        spot = self._inside() if spot.level == "op" and uses(node, *INSIDE) else spot
        clock = Clock(self.recording, spot.level, spot.order, work)
        becoming = Becoming(clock, node)
        timeline = self.recording.timeline
        here = timeline.place(spot.level, spot.order, spot.position)
        for iteration in range(here.iteration, timeline.iterations):
            work.check()
            work.report(f"looking at iteration {iteration}", iteration / timeline.iterations)
            after = spot.position - iteration * clock.count if iteration == here.iteration else -1
            time = becoming.next(iteration, after)
            if time is not None:
                position = iteration * clock.count + time
                return Landing(Spot(spot.level, spot.order, position), f"here {text} becomes true")
        raise ConvstepError(f"after this, {text} never becomes true")

    def _inside(self) -> Spot:
        """Among operations, the element with which the present one ends."""
        timeline, order = self.recording.timeline, self.spot.order
        place = timeline.place("op", order, self.spot.position)
        first = timeline.first(place.step + 1, "element", order) if place.step >= 0 else 0
        return Spot("element", order, place.iteration * timeline.count("element", order) + first - 1)

    def _in_terms(self, text: str, work: Work) -> Landing:
        """The first term of the present element, or operation, of which it holds."""
        timeline, order = self.recording.timeline, self.spot.order
        here = timeline.place(self.spot.level, order, self.spot.position)
        clock = Clock(self.recording, "term", order, work)
        first, end = clock.span(here.step)
        step = timeline.steps[here.step]
        what = self.words.names.tensor(step.writes)
        if here.element is not None:
            terms = step.terms[order]
            first, end = first + here.element * terms, first + (here.element + 1) * terms
            what = "the present element"
        time = Becoming(clock, parse_condition(text, self.words)).next(here.iteration, first - 1, end)
        if time is None:
            raise ConvstepError(f"in {what}, {text} never holds; B takes it as a breakpoint, and c looks everywhere")
        spot = Spot("term", order, here.iteration * clock.count + time)
        return Landing(spot, f"the first term after which {text}")
