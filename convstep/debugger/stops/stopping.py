"""Where `c` and `C` may stop, iteration by iteration: found by arithmetic and on whole arrays, never by stepping."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

import numpy as np

from convstep.debugger.stops.becoming import Becoming
from convstep.debugger.stops.breakpoints import Breakpoint
from convstep.debugger.stops.clock import ALWAYS, NEVER, Clock
from convstep.debugger.stops.timed import Evaluation
from convstep.explain.language.nodes import Node
from convstep.ops.base import IntArray


class Stops(Protocol):
    """Times within an iteration at which to stop. A second time says how far it is worth looking."""

    def next(self, iteration: int, after: int, before: int = NEVER) -> int | None:
        """The first one after a time; where there is none in this iteration before the other, None or a later one."""
        ...

    def previous(self, iteration: int, before: int, after: int = ALWAYS) -> int | None:
        """The last one before a time; where there is none after the other, None or an earlier one."""
        ...

    def count(self, iteration: int, until: int = NEVER, enough: int = NEVER) -> int:
        """How many there are up to a time; or, where that are more than `enough`, at least so many."""
        ...


class Counted(Stops, Protocol):
    """Stops of which one is found by its number."""

    def nth(self, iteration: int, n: int) -> int | None:
        """The one of an iteration before which there are n; None where there are no more."""
        ...


class _Listed:
    """Stops that are few enough to be listed."""

    @abstractmethod
    def times(self, iteration: int) -> IntArray:
        """All of them in one iteration, ascending."""

    def next(self, iteration: int, after: int, before: int = NEVER) -> int | None:
        times = self.times(iteration)
        later = times[times > after]
        return int(later[0]) if len(later) else None

    def previous(self, iteration: int, before: int, after: int = ALWAYS) -> int | None:
        times = self.times(iteration)
        earlier = times[times < before]
        return int(earlier[-1]) if len(earlier) else None

    def count(self, iteration: int, until: int = NEVER, enough: int = NEVER) -> int:
        return int((self.times(iteration) <= until).sum())

    def nth(self, iteration: int, n: int) -> int | None:
        times = self.times(iteration)
        return int(times[n]) if n < len(times) else None


class Writes(_Listed):
    """The steps that finish writing what a breakpoint is on, where its condition holds."""

    def __init__(self, clock: Clock, breakpoint: Breakpoint, condition: Node | None) -> None:
        self.clock = clock
        self.targets = breakpoint.writes(clock.recording)
        self.condition = None if condition is None else Becoming(clock, condition)
        self._kept: tuple[int, IntArray] = (-1, np.zeros(0, np.intp))

    def times(self, iteration: int) -> IntArray:
        if self._kept[0] != iteration:
            times = sorted({self._time(k, index, iteration) for k, index in self.targets})
            if self.condition is not None:
                times = [time for time in times if self.condition.holds(iteration, time)]
            self._kept = (iteration, np.array(times, dtype=np.intp))
        return self._kept[1]

    def _time(self, step: int, index: int | None, iteration: int) -> int:
        if index is None or self.clock.level == "op":
            return self.clock.span(step)[1] - 1
        return self.clock.exact(self.clock.finished_element(step, index, iteration), iteration)

    def count(self, iteration: int, until: int = NEVER, enough: int = NEVER) -> int:
        if self.condition is None and until == NEVER:
            return len(self.targets)
        return super().count(iteration, until)


class Changes(_Listed):
    """The steps that write what a number is made of."""

    def __init__(self, clock: Clock, node: Node) -> None:
        self.clock, self.node = clock, node
        self._kept: tuple[int, IntArray] = (-1, np.zeros(0, np.intp))

    def times(self, iteration: int) -> IntArray:
        if self._kept[0] != iteration:
            known = np.unique(Evaluation(self.clock, iteration, updated=True).timed(self.node).known)
            known = known[(known > ALWAYS) & (known < NEVER)]
            self._kept = (iteration, known)
        return self._kept[1]

    def next(self, iteration: int, after: int, before: int = NEVER) -> int | None:
        # Empty terms may follow the step that finishes an element: that one may lie before `after`.
        for time in (times := self.times(iteration))[times > after]:
            exact = self.clock.exact(int(time), iteration)
            if exact > after:
                return exact
        return None

    def previous(self, iteration: int, before: int, after: int = ALWAYS) -> int | None:
        for time in self.times(iteration)[::-1]:
            exact = self.clock.exact(int(time), iteration)
            if exact < before:
                return exact
        return None


class Later:
    """Stops without the first `ignore` of the whole run. Once so many have been counted, no more are."""

    def __init__(self, stops: Counted, ignore: int) -> None:
        self.stops, self.ignore = stops, ignore
        self._counts: list[int] = []

    def next(self, iteration: int, after: int, before: int = NEVER) -> int | None:
        left = self._left(iteration)
        if left and self.stops.count(iteration, after, left) < left:
            return self.stops.nth(iteration, left)
        return self.stops.next(iteration, after, before)

    def previous(self, iteration: int, before: int, after: int = ALWAYS) -> int | None:
        time, left = self.stops.previous(iteration, before, after), self._left(iteration)
        if time is None or (left and self.stops.count(iteration, time, left + 1) <= left):
            return None
        return time

    def count(self, iteration: int, until: int = NEVER, enough: int = NEVER) -> int:
        left = self._left(iteration)
        return max(0, self.stops.count(iteration, until, min(enough, NEVER - left) + left) - left)

    def _left(self, iteration: int) -> int:
        """How many of an iteration are still passed over."""
        left = self.ignore
        for earlier in range(iteration):
            if not left:
                break
            if earlier == len(self._counts):
                self._counts.append(self.stops.count(earlier, enough=left))
            left -= min(left, self._counts[earlier])
        return left


def stops_of(clock: Clock, breakpoint: Breakpoint, condition: Node | None) -> Stops:
    """Where a breakpoint stops; `condition` is its condition, read."""
    stops: Counted
    if breakpoint.target == (None, None, None):
        assert condition is not None
        stops = Becoming(clock, condition)
    else:
        stops = Writes(clock, breakpoint, condition)
    return Later(stops, breakpoint.ignore) if breakpoint.ignore else stops
