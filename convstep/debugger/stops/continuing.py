"""`c` and `C`: the next and the previous stop, without visiting the steps in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from convstep.debugger.moves import Landing, Spot
from convstep.debugger.stops.breakpoints import Breakpoints
from convstep.debugger.stops.clock import ALWAYS, NEVER, Clock
from convstep.debugger.stops.stopping import Stops, stops_of
from convstep.debugger.stops.watches import Watches
from convstep.engine.recording import Recording
from convstep.engine.work import Work
from convstep.errors import ConvstepError
from convstep.explain.language.conditions import parse_condition, parse_watch
from convstep.explain.language.kinds import OF_TERMS, bare, inside
from convstep.network.words import listed


@dataclass(frozen=True)
class Reason:
    """Why one might stop: a line for the eye, where, and the words in it for what there is inside of operations."""

    text: str
    stops: Stops
    words: frozenset[str] = frozenset()


def reasons(clock: Clock, breakpoints: Breakpoints, watches: Watches) -> list[Reason]:
    """All that is switched on. Raises ConvstepError where there is nothing at all."""
    names, timeline = breakpoints.words.names, breakpoints.recording.timeline
    found = []
    for number, each in enumerate(breakpoints.all):
        if each.enabled:
            condition = parse_condition(each.condition, breakpoints.words) if each.condition else None
            text = f"breakpoint {number + 1}: {each.text(timeline, names)}"
            words = inside(condition) if condition is not None else set()
            found.append(Reason(text, stops_of(clock, each, condition), frozenset(words)))
    found += [
        Reason(
            f"watch {number + 1}: {each.text}",
            watches.stops_of(clock, each),
            frozenset(inside(parse_watch(each.text, watches.words))),
        )
        for number, each in enumerate(watches.all)
        if each.stops
    ]
    if not found:
        raise ConvstepError("there is nothing to stop at: b sets a breakpoint, w watches a condition")
    return found


def continued(recording: Recording, spot: Spot, found: Sequence[Reason], clock: Clock, backwards: bool) -> Landing:
    """Where the next or the previous stop is, and why one stops there. Where there is none, the spot itself.

    Raises Cancelled when the clock's work is given up.
    """
    timeline = recording.timeline
    place = timeline.place(spot.level, spot.order, spot.position)
    here = spot.position - place.iteration * clock.count
    iterations = range(place.iteration, -1, -1) if backwards else range(place.iteration, timeline.iterations)
    for iteration in iterations:
        clock.check()
        if clock.work is not None:
            clock.work.report(f"looking for a stop in iteration {iteration}", iteration / timeline.iterations)
        edge = here if iteration == place.iteration else clock.count if backwards else -1
        # What is inside of operations takes longest: it is looked through as far as to what else there is.
        nearest = ALWAYS if backwards else NEVER
        hits: dict[Reason, int] = {}
        for reason in sorted(found, key=lambda reason: bool(reason.words)):
            if backwards:
                time = reason.stops.previous(iteration, edge, nearest - 1 if hits else nearest)
            else:
                time = reason.stops.next(iteration, edge, nearest + 1 if hits else nearest)
            if time is not None:
                hits[reason] = time
                nearest = max(nearest, time) if backwards else min(nearest, time)
        if hits:
            why = "; ".join(reason.text for reason in found if hits.get(reason) == nearest)
            return Landing(Spot(spot.level, spot.order, iteration * clock.count + nearest), why)
    way = "before this" if backwards else "after this"
    words = frozenset[str]().union(*(reason.words for reason in found))
    if spot.level == "op" and words:
        word = "sums run" if "sum" in words else f"{listed(sorted(words), 'and')} {'are' if len(words) > 1 else 'is'}"
        return Landing(spot, f"no stop comes {way} among operations: {word} inside them; s goes in, then c")
    if spot.level == "element" and (of_terms := {word for word in words if bare(word) in OF_TERMS} - {"sum"}):
        word = f"{listed(sorted(of_terms), 'and')} {'belong' if len(of_terms) > 1 else 'belongs'}"
        return Landing(spot, f"no stop comes {way} among elements: {word} to single terms; s goes in, then c")
    return Landing(spot, f"no stop comes {way}: you are where you were")


def run_to_stop(
    recording: Recording, spot: Spot, breakpoints: Breakpoints, watches: Watches, backwards: bool, work: Work
) -> Landing:
    """`c`, or `C` where it goes `backwards`. Raises ConvstepError where there is nothing to stop at, and Cancelled."""
    clock = Clock(recording, spot.level, spot.order, work)
    return continued(recording, spot, reasons(clock, breakpoints, watches), clock, backwards)
