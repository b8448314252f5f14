"""What is looked out for besides the step that one is at: stops, watches, numbers that are not finite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convstep.debugger.moves import Spot
from convstep.debugger.screen.view import View
from convstep.engine.nonfinite import Lookout
from convstep.engine.recording import Iteration, Recording
from convstep.engine.state import State
from convstep.explain.naming import Names

if TYPE_CHECKING:
    from convstep.debugger.stops.desk import Desk


class Outlook:
    """Of a session, whatever its recording is at the time; `extras`, the session's, keeps what snapshots need."""

    def __init__(self, names: Names, extras: dict[str, Any]) -> None:
        self.names, self.extras = names, extras
        self._lookout: Lookout | None = None
        self._desk: Desk | None = None

    def lookout(self, recording: Recording) -> Lookout:
        """It has seen the iterations at hand, and sees those that will be run."""
        if self._lookout is None or self._lookout.recording is not recording:
            self._lookout = Lookout(recording)
            for iteration in recording.at_hand():
                self._lookout.look(iteration)
            recording.looked_at = self._look
        return self._lookout

    def _look(self, iteration: Iteration) -> None:
        """An iteration was run."""
        if self._lookout is not None:
            self._lookout.look(iteration)
            if self._desk is not None and self._desk.recording is self._lookout.recording:
                self._desk.watches.note(iteration.index)

    def desk(self, recording: Recording) -> Desk:
        """The breakpoints and watches."""
        from convstep.debugger.stops.desk import Desk

        if self._desk is None or self._desk.recording is not recording:
            self._desk = Desk(recording, self.names, self.extras, self.lookout(recording))
        return self._desk

    def over(self, view: View, state: State, spot: Spot) -> View:
        """The view with the watches, and with the first number that is not finite."""
        lookout = self.lookout(state.recording)
        if state.step is not None or state.recording.has(state.place.iteration):
            lookout.look_whole(state.iteration)
        if lookout.found is None and not self.extras.get("watches"):
            return view
        from convstep.debugger.screen.alarms import announced

        return announced(view, self.desk(state.recording), spot)
