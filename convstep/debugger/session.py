"""A person's session: where one is in the recording, and how each key moves."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from convstep.debugger import goto, moves
from convstep.debugger.keeping import snapshot
from convstep.debugger.keeping.saving import unused_name
from convstep.debugger.keeping.session_snapshot import snapshot_of
from convstep.debugger.moves import Landing, Spot
from convstep.debugger.screen.builder import ScreenBuilder
from convstep.debugger.screen.view import View
from convstep.debugger.stops.outlook import Outlook
from convstep.debugger.whatif.trial import Trial, from_extras
from convstep.engine.recording import Recording
from convstep.engine.start import Start
from convstep.engine.state import State
from convstep.engine.timeline import Place
from convstep.engine.work import QUIET, Work
from convstep.errors import ConvstepError
from convstep.explain.naming import Names
from convstep.network.graph import Graph

if TYPE_CHECKING:
    from convstep.debugger.claims.claim_book import ClaimBook
    from convstep.debugger.claims.claim_view import Answers
    from convstep.debugger.claims.mine import Mine
    from convstep.debugger.prediction import Prediction
    from convstep.debugger.stops.desk import Desk
    from convstep.debugger.training import Course
    from convstep.debugger.whatif.beside import Beside
    from convstep.engine.nonfinite import Lookout

_LONGEST_HISTORY = 500


class Session:
    """One network, one recording, one spot in it. Moves return a passing message, "" where there is none.

    `look` belongs to the screen (theme, slices, focus), `extras` to what a person set up (breakpoints, watches,
    bookmarks …, each under its own name): plain data that snapshots keep.
    """

    def __init__(
        self,
        recording: Recording,
        spot: Spot | None = None,
        look: dict[str, Any] | None = None,
        extras: dict[str, Any] | None = None,
    ) -> None:
        self.trial = from_extras(recording, extras or {})
        self.recording = self.trial.recording
        self.names = Names(recording.graph)
        self.spot = spot or Spot("op", "gather", -1)
        self.look: dict[str, Any] = look or {}
        self.extras: dict[str, Any] = extras or {}
        self.history: list[Spot] = []
        self.future: list[Spot] = []
        self.unsaved = False
        self.mine: Mine | None = None
        """Gradients that someone's own code computed, to be held beside the true ones."""
        self._claims: ClaimBook | None = None
        self._outlook = Outlook(self.names, self.extras)
        self._screen = ScreenBuilder(self.names)
        self._beside: Beside | None = None
        self._near: State | None = None
        """The state at the last step: what belongs to its element is taken over by those beside it."""
        self.courses: list[Course] = []
        """The loss over the iterations, of the recordings that are looked at; `training.courses` keeps them."""

    @property
    def graph(self) -> Graph:
        return self.recording.graph

    @property
    def graph_bytes(self) -> int:
        """How much the network's own numbers take: inputs, parameters and buffers."""
        data = sum(tensor.nbytes for tensor in self.graph.data.values())
        return data + sum(spec.nbytes for spec in self.graph.owned.values())

    @property
    def place(self) -> Place:
        return moves.place_of(self.recording.timeline, self.spot)

    @property
    def standing(self) -> tuple[Spot, tuple[Spot, ...], tuple[Spot, ...]]:
        """Where one is, the way there, and the way on: what `stand` comes back to."""
        return self.spot, tuple(self.history), tuple(self.future)

    @property
    def outset(self) -> tuple[Spot, tuple[Spot, ...], tuple[Spot, ...]]:
        """The start, from which one can go forth to where one is."""
        spot, history, future = self.standing
        return replace(spot, position=-1), history, (*future, spot)

    def stand(self, standing: tuple[Spot, tuple[Spot, ...], tuple[Spot, ...]]) -> None:
        """Be where one was."""
        self.spot, self.history, self.future = standing[0], list(standing[1]), list(standing[2])

    def state(self) -> State:
        """All tensors as they are at the present spot."""
        if self.place.step < 0:
            return Start(self.recording, self.place, self.spot.order)
        self._near = State(self.recording, self.place, self.spot.order, self._near)
        return self._near

    def release(self) -> None:
        """Hold on to no iteration."""
        self._near = None

    def view(self) -> View:
        """The screen at the present spot."""
        if not self.is_fresh:
            self.run()  # what is shown is made when it is drawn: too late to wait
        state = self.state()
        view = self._screen.view(state, self.spot, self._answers())
        view = self._compared(view, state) if self.trial.edits else view
        view = self._outlook.over(view, state, self.spot)
        return self.prediction.over(view, state) if self.extras.get("predict") else view

    @property
    def is_fresh(self) -> bool:
        """Whether there is nothing to be seen but what the network is given: nothing has to be run for it."""
        held = self.trial.edits or self.mine or self.graph.claims or any(self.extras.values())
        return self.place.step < 0 and not held

    def _compared(self, view: View, state: State) -> View:
        """The view of the edited run with what it would be without the edits."""
        from convstep.debugger.whatif.beside import Beside

        self._beside = self._beside or Beside(self.trial, self.names)
        return self._beside.view(view, state, self.spot)

    @property
    def prediction(self) -> Prediction:
        """Whether results are hidden until somebody predicts them."""
        from convstep.debugger.prediction import Prediction

        return Prediction(self.extras, self.names)

    def _answers(self) -> Answers | None:
        """What is held beside the truth, where there is something. Edits change the truth that `mine` is about."""
        if not (self.mine or self.graph.claims or self.extras.get("claims")):
            return None
        from convstep.debugger.claims.claim_view import Answers

        return Answers(self.claims, None if self.trial.edits else self.mine)

    @property
    def claims(self) -> ClaimBook:
        """The claims about this recording, the file's and those kept in the session."""
        from convstep.debugger.claims.claim_book import ClaimBook

        if self._claims is None or self._claims.recording is not self.recording:
            self._claims = ClaimBook(self.recording, self.names, self.extras)
        return self._claims

    @property
    def lookout(self) -> Lookout:
        """Looks out for numbers that are not finite in all that this recording runs."""
        return self._outlook.lookout(self.recording)

    @property
    def desk(self) -> Desk:
        """Breakpoints, watches and searches on this recording."""
        return self._outlook.desk(self.recording)

    # -- a step -----------------------------------------------------------------------------------

    def next(self) -> str:
        """`n`: the next step of this level."""
        return self._land(moves.forward(self.recording, self.spot, self._near))

    def previous(self) -> str:
        """`N`: the previous step of this level."""
        return self._land(moves.backward(self.recording, self.spot, self._near))

    def first_inside(self) -> str:
        """`s`: the first finer step inside this one."""
        return self._land(moves.into(self.recording, self.names, self.spot, last=False))

    def last_inside(self) -> str:
        """`S`: the last finer step inside this one: the same moment, a closer look."""
        return self._land(moves.into(self.recording, self.names, self.spot, last=True))

    def out(self) -> str:
        """`f`: one level coarser, on the step that contains this one."""
        return self._land(moves.out(self.recording, self.spot, before=False))

    def out_before(self) -> str:
        """`F`: one level coarser, on the step before the one that contains this."""
        return self._land(moves.out(self.recording, self.spot, before=True))

    def switch_order(self) -> str:
        """`o`: gather or scatter, on the same product."""
        return self._land(moves.switch_order(self.recording, self.spot))

    # -- a jump -----------------------------------------------------------------------------------

    def home(self) -> str:
        """Before the first step."""
        if self.spot.position < 0:
            return self.previous()  # which says so
        return self._jump(Landing(Spot(self.spot.level, self.spot.order, -1)))

    def end(self) -> str:
        """The last step of all."""
        last = self.recording.timeline.length(self.spot.level, self.spot.order) - 1
        if self.spot.position == last:
            return self.next()
        return self._jump(Landing(Spot(self.spot.level, self.spot.order, last)))

    def go(self, text: str) -> str:
        """`g`: where the text leads, searched for if need be. Raises ConvstepError where it leads nowhere."""
        from convstep.debugger.stops.finding import is_search

        if is_search(text):
            return self._jump(self.desk.search(self.spot).find(text, QUIET))
        return self._jump(goto.find(self.recording, self.names, self.spot, text))

    def go_to_operation(self, operation: int) -> str:
        """The operation step of this position within the present iteration."""
        count = self.recording.timeline.count("op", self.spot.order)
        return self._jump(Landing(Spot("op", self.spot.order, self.place.iteration * count + operation)))

    def go_to_share(self, share: float) -> str:
        """A part, 0.0 to 1.0, of the present iteration."""
        return self._jump(goto.share(self.recording, self.spot, share))

    def writer(self, tensor: str, index: int) -> str:
        """To the step that wrote an element; what cannot be done is said in the message."""
        try:
            return self._jump(goto.writer(self.recording, self.names, self.spot, tensor, index))
        except ConvstepError as error:
            return str(error)

    def go_to_iteration(self, iteration: int) -> str:
        """The same step of another iteration."""
        count = self.recording.timeline.count(self.spot.level, self.spot.order)
        within = max(0, self.spot.position - self.place.iteration * count)
        return self._jump(Landing(replace(self.spot, position=iteration * count + within)))

    def land(self, landing: Landing) -> str:
        """To where a jump leads; its message. `back` returns from there."""
        return self._jump(landing)

    def back(self) -> str:
        """Where one was before the last jump."""
        if not self.history:
            return "there was no jump to come back from"
        self.future.append(self.spot)
        self.spot = self.history.pop()
        return ""

    def forth(self) -> str:
        """Where one was before one came back."""
        if not self.future:
            return "there is nothing to go forth to: < goes back first"
        self.history.append(self.spot)
        self.spot = self.future.pop()
        return ""

    def completions(self) -> list[str]:
        """What may be typed after `g`."""
        return goto.completions(self.names, self.recording)

    def _land(self, landing: Landing) -> str:
        if landing.spot != self.spot:
            self.unsaved = True
        self.spot, self._near = landing.spot, landing.near or self._near
        return landing.message

    def _jump(self, landing: Landing) -> str:
        if landing.spot != self.spot:
            self.history, self.future = [*self.history, self.spot][-_LONGEST_HISTORY:], []
        return self._land(landing)

    def run(self, progress: Callable[[int], None] | None = None) -> None:
        """Run the iteration at hand, and the one that it is compared with: every screen reads them."""
        for recording in dict.fromkeys((self.trial.original, self.recording)):
            recording.iteration(self.place.iteration, progress)

    # -- what if ------------------------------------------------------------------------------------

    def adopt(self, trial: Trial) -> None:
        """Show the numbers of a run with other edits, at the same place. Its iteration at hand must have been run."""
        from convstep.debugger.bookmarks import Bookmarks
        from convstep.debugger.whatif.beside import spot_in

        old, new = self.recording.timeline, trial.recording.timeline
        self.spot = spot_in(self.spot, old, new)
        self.history = [spot_in(spot, old, new) for spot in self.history]
        self.future = [spot_in(spot, old, new) for spot in self.future]
        Bookmarks(self.extras, old).carry(lambda spot: spot_in(spot, old, new))
        self.trial, self.recording = trial, trial.recording
        self.extras.update(trial.extras())
        self._screen = ScreenBuilder(self.names)
        self._beside = None
        self.unsaved = True

    # -- snapshots ----------------------------------------------------------------------------------

    def propose_name(self) -> str:
        """A file name that does not exist yet, in the current directory."""
        stem = "".join(c if c.isalnum() or c in "-_." else "_" for c in self.graph.name) or "session"
        return unused_name(stem, snapshot.SUFFIX)

    def save(self, path: str) -> str:
        """Save a snapshot there. Raises ConvstepError where that is impossible."""
        message = self.saving(path)(QUIET)
        self.unsaved = False
        return message

    def saving(self, path: str) -> Callable[[Work], str]:
        """The work that saves this moment of the session there. Raises ConvstepError, now or then."""
        path = path.strip()
        if not path:
            raise ConvstepError("a snapshot needs a file name")
        kept = snapshot_of(self)

        def write(work: Work) -> str:
            snapshot.write(os.path.expanduser(path), kept)
            work.keep()
            return f"saved to {path}; convstep {path} resumes here"

        return write
