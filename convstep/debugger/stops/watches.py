"""Watches: tensors, elements, numbers and conditions whose values one keeps in sight, and may stop at.

A watch is evaluated once an iteration, on whole arrays; its value at a position follows from when it is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from convstep.debugger.moves import Spot
from convstep.debugger.stops.becoming import Becoming
from convstep.debugger.stops.clock import NEVER, Clock
from convstep.debugger.stops.histories import (
    NONE,
    OF_STEPS,
    Histories,
    History,
    held_over_steps,
    over_steps,
    over_terms,
)
from convstep.debugger.stops.inside import words_at
from convstep.debugger.stops.stopping import Changes, Stops
from convstep.debugger.stops.timed import Evaluation, Timed
from convstep.debugger.stops.truth import Truth
from convstep.engine.recording import Recording
from convstep.engine.state import State, Status
from convstep.engine.timeline import Level, Order, Place
from convstep.engine.work import TooLong
from convstep.errors import ConvstepError
from convstep.explain.language.conditions import parse_watch, taken
from convstep.explain.language.kinds import INSIDE, inside, kind_of, uses
from convstep.explain.language.nodes import Before, Node, Reference, walk
from convstep.explain.language.vocabulary import Vocabulary
from convstep.explain.numbers import short

_FEW = 6
_NOT_YET = "·"
_TRUE = "true"
_MANY = 10_000
_MOST_HISTORY = 10_000
_MOST_AT_HAND = 200


@dataclass(frozen=True)
class Watch:
    """What was typed, and whether `c` stops when it changes (a condition: when it becomes true)."""

    text: str
    stops: bool = False


@dataclass(frozen=True)
class Seen:
    """A watch at a position: its value in words, and what is behind the sparkline."""

    value: str
    history: History = NONE


@dataclass
class Watches:
    """The watches of a session, in the order in which they were set."""

    recording: Recording
    words: Vocabulary
    all: list[Watch] = field(default_factory=list)
    _evaluated: dict[tuple[str, Level, Order], _Evaluated] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._histories = Histories(self.recording, self.words.names, self.words.loss)

    def add(self, text: str, stops: bool | None = None) -> str:
        """Watch something; what was done, in words. Raises ConvstepError where it cannot be read.

        Where nothing is said about stopping, `c` stops at conditions: one asks for them to find where they hold.
        """
        text = text.strip()
        watch = self._checked(Watch(text, self._is_condition(text) if stops is None else stops))
        self.all = [each for each in self.all if each.text != text] + [watch]
        self.catch_up()
        stopping = f"; {self.stopping(watch)}" if watch.stops else ""
        return f"watching {text}{stopping}{taken(text, self.words)}; W lists the watches"

    def stopping(self, watch: Watch) -> str:
        """When `c` stops because of a watch, in words."""
        return f"c stops when it {'becomes true' if self._is_condition(watch.text) else 'changes'}"

    def _is_condition(self, text: str) -> bool:
        return kind_of(parse_watch(text, self.words)) == "truth"

    def remove(self, number: int) -> None:
        """Remove the one with this number, from 0."""
        del self.all[number]

    def stop(self, number: int, stops: bool) -> None:
        """Whether `c` is to stop when it changes. Raises ConvstepError where that cannot be."""
        self.all[number] = self._checked(replace(self.all[number], stops=stops))

    def _checked(self, watch: Watch) -> Watch:
        node = parse_watch(watch.text, self.words)
        if watch.stops and kind_of(node) != "truth" and uses(node, "position", *INSIDE, "iteration"):
            raise ConvstepError("this changes all the time: to stop, compare it, as in sum > 5")
        return watch

    def stops_of(self, clock: Clock, watch: Watch) -> Stops:
        """Where `c` stops because of a watch."""
        node = parse_watch(watch.text, self.words)
        return Becoming(clock, node) if kind_of(node) == "truth" else Changes(clock, node)

    # -- what is seen

    def seen(self, watch: Watch, spot: Spot) -> Seen:
        """A watch at a spot of an iteration that is at hand."""
        node = parse_watch(watch.text, self.words)
        place = self.recording.timeline.place(spot.level, spot.order, spot.position)
        self._histories.note(watch.text, node, place.iteration)
        key = (watch.text, spot.level, spot.order)
        try:
            if isinstance(node, Reference) and node.index is not None:
                return self._element(watch, node, State(self.recording, place, spot.order))
            if key not in self._evaluated:
                self._evaluated[key] = _Evaluated(Clock(self.recording, spot.level, spot.order), node)
            value = self._evaluated[key].text(spot.position)
            return Seen(value, self._history(watch, self._evaluated[key], place, spot.position, value))
        except TooLong:
            return Seen("… (its iteration is not at hand)")

    def _element(self, watch: Watch, node: Reference, state: State) -> Seen:
        assert node.index is not None
        values, status = state.read(node.key, np.array([node.index]))
        history = self._histories.noted(watch.text, node, state.place.iteration + 1)
        if status[0] == Status.BLANK:
            history = self._histories.noted(watch.text, node, state.place.iteration)
            return Seen(_NOT_YET, History(history))
        value = short(float(values[0]))
        if partial := self._sums(state, node):
            return Seen(f"{value}…", History(partial, "terms"))
        return Seen(f"{value}{'…' if status[0] == Status.PARTIAL else ''}", History(history))

    def _sums(self, state: State, node: Reference) -> tuple[float, ...]:
        """The running sums of the watched element while it is being made."""
        step, term = state.step, state.place.term
        if step is None or term is None or state.target != node.index:
            return ()
        written = f"new({step.tensor})" if step.phase == "update" else step.writes
        if written != node.key or state.complete:
            return ()
        if state.collected is not None:
            return tuple(state.collected.sums[0, : (state.column_term or 0) + 1].tolist())
        assert state.terms is not None
        sums = (state.terms[k].sum for k in range(min(term + 1, _MOST_HISTORY)))
        return tuple(total for total in sums if total is not None)

    def _history(self, watch: Watch, evaluated: _Evaluated, place: Place, position: int, value: str) -> History:
        clock, node = evaluated.clock, evaluated.node
        time = position - place.iteration * clock.count
        if uses(node, *INSIDE):
            return over_terms(clock, node, place)
        before = self._histories.noted(watch.text, node, place.iteration)
        if (truth := evaluated.truth(place.iteration)) is not None:
            if uses(node, *OF_STEPS) or not before:
                return held_over_steps(truth, time)
            return History((*before, float(value == _TRUE)), truths=True)
        if uses(node, *OF_STEPS):
            return over_steps(clock, node, place.iteration, time)
        until = place.iteration + (value != _NOT_YET)
        return History(self._histories.noted(watch.text, node, until), of=self._histories.of(node))

    def note(self, iteration: int) -> None:
        """An iteration was run: what it ends with is kept. What needs an earlier one that is gone is left to `seen`."""
        for watch in self.all:
            node = parse_watch(watch.text, self.words)
            back = sum(isinstance(each, Before) for each in walk(node))
            if {*range(max(0, iteration - back), iteration)} <= {each.index for each in self.recording.at_hand()}:
                self._histories.note(watch.text, node, iteration)

    def catch_up(self) -> None:
        """Take note of the iterations at hand that no watch has seen."""
        for iteration in self.recording.at_hand()[-_MOST_AT_HAND:]:
            self.note(iteration.index)

    # -- snapshots

    def as_data(self) -> list[dict[str, Any]]:
        """Plain data, for a snapshot."""
        return [{"text": watch.text, "stops": watch.stops} for watch in self.all]

    def from_data(self, data: Any) -> None:
        """Take over what `as_data` gave. Raises ValueError for anything else, ConvstepError for what means nothing."""
        if not isinstance(data, list):
            raise ValueError("watches")
        watches = []
        for entry in data:
            if not isinstance(entry, Mapping) or not isinstance(entry.get("text"), str):
                raise ValueError("watch")
            if not isinstance(entry.get("stops", False), bool):
                raise ValueError("watch")
            watches.append(self._checked(Watch(entry["text"], entry.get("stops", False))))
        self.all = watches


class _Evaluated:
    """A number or a condition on one level and in one order; one iteration's tensors are looked at once."""

    def __init__(self, clock: Clock, node: Node) -> None:
        self.clock, self.node = clock, node
        self._becoming = Becoming(clock, node) if kind_of(node) == "truth" else None
        self._kept: tuple[int, Timed, int, str] | None = None

    def truth(self, iteration: int) -> Truth | None:
        """The condition in one iteration; None where it is a number."""
        return None if self._becoming is None else self._becoming.truth(iteration)

    def text(self, position: int) -> str:
        """The value at a position, in words."""
        place = self.clock.timeline.place(self.clock.level, self.clock.order, position)
        time = position - place.iteration * self.clock.count
        if self._becoming is not None:
            return _TRUE if position >= 0 and self._becoming.holds(place.iteration, time) else "false"
        if uses(self.node, "position", *INSIDE):
            return self._here(position, place, time)
        if self._kept is None or self._kept[0] != place.iteration:
            timed = Evaluation(self.clock, place.iteration).timed(self.node)
            self._kept = (place.iteration, timed, int(timed.known.max(initial=-1)), _told(timed, NEVER))
        _, timed, last, whole = self._kept
        return whole if last <= time else _told(timed, time)

    def _here(self, position: int, place: Place, time: int) -> str:
        always = np.array(-1)
        here = {"position": Timed(np.array(float(position)), always)}
        if words := inside(self.node):
            there = words_at(self.clock, place, words)
            if words - there.keys():
                return _NOT_YET
            here |= {word: Timed(told.values, always) for word, told in there.items()}
        return _told(Evaluation(self.clock, place.iteration).timed(self.node, here), time)


def _told(timed: Timed, time: int) -> str:
    """Numbers as far as they are known at a time: all of a few, the extremes of many."""
    values, known = np.broadcast_arrays(timed.values, timed.known)
    if values.size > _MANY and time < NEVER:
        return "is being written" if bool((known.reshape(-1)[:1] <= time).any()) else _NOT_YET
    there = known <= time
    count = int(there.sum())
    if not count:
        return _NOT_YET
    if values.size <= _FEW:
        shown = zip(values.reshape(-1).tolist(), there.reshape(-1).tolist(), strict=True)
        return " ".join(short(value) if is_there else _NOT_YET for value, is_there in shown)
    written = values[there]
    finite = written[np.isfinite(written)]
    extremes = f"{short(float(finite.min()))} … {short(float(finite.max()))}" if finite.size else "no finite number"
    strange = f", {count - finite.size:,} not finite" if finite.size < count else ""
    return f"{extremes}{strange}" + (f" ({count:,} of {values.size:,})" if count < values.size else "")
