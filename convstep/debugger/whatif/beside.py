"""The screen of an edited run, with what each number would be without the edits."""

from __future__ import annotations

from dataclasses import replace

from convstep.debugger.moves import Spot, place_of
from convstep.debugger.screen.builder import ScreenBuilder
from convstep.debugger.screen.view import View
from convstep.debugger.whatif.comparing import same_place, told_at
from convstep.debugger.whatif.comparison import compared
from convstep.debugger.whatif.trial import Trial
from convstep.engine.state import State
from convstep.engine.timeline import Timeline
from convstep.explain.naming import Names


def spot_in(spot: Spot, old: Timeline, new: Timeline) -> Spot:
    """The same place in the timeline of another trial."""
    place = same_place(place_of(old, spot), new, spot.order)
    return replace(spot, position=new.position(spot.order, place))


class Beside:
    """Shows a view of the edited run beside the original one's; keeps number formats, as any builder of screens."""

    def __init__(self, trial: Trial, names: Names) -> None:
        self._trial, self._names = trial, names
        self._screen = ScreenBuilder(names)

    def view(self, view: View, state: State, spot: Spot) -> View:
        """The view with what each number was, what was set by hand, and the list of edits."""
        trial, original = self._trial, self._trial.original
        there = spot_in(spot, trial.recording.timeline, original.timeline)
        before = State(original, place_of(original.timeline, there), there.order)
        told = told_at(state, self._names)
        return replace(
            compared(view, self._screen.view(before, there)),
            name=f"{view.name}, what if",
            sentence=f"{told} {view.sentence}".strip(),
            shorter=(*(f"{told} {text}" for text in view.shorter), told) if told else view.shorter,
            notices=[trial.notice(self._names, state.place.iteration), *view.notices],
            edited=True,
        )
