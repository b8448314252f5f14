"""A screen with long work beside it: a thread does it, the keys pressed meanwhile come afterwards."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from textual.timer import Timer

from convstep.engine.work import Cancelled, TooLong, Work
from convstep.errors import ConvstepError
from convstep.tui.actions import STEPS, Action, action
from convstep.tui.jobs import Jobs
from convstep.tui.screens.painted import Painted

if TYPE_CHECKING:
    from convstep.debugger.session import Session

_TICK = 0.1
_SILENT = 1.0
"""Seconds for which nothing is said of work that nobody has asked for, nor waits for."""
AT_ONCE = 0.03
"""Seconds for which a dialog's content is waited for: what comes later is put up at a frame of its own."""
A_MOMENT = 0.008
"""Seconds for which what is to be added to a dialog is waited for, to paint both together."""
_MOST_QUEUED = 500

Result = TypeVar("Result")


class Working(Painted, inherit_bindings=False):
    """Subclasses say in `paint_progress` how it is told, and in `action_do` what a key does."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.jobs = Jobs(self.app)
        self.background = Jobs(self.app)
        """Work that nobody has to wait for."""
        self._queued: list[str] = []
        self._ticks: Timer | None = None
        self._for_dialog = False
        self.unasked = False
        """Whether the work that begins is something that nobody has asked for: every key waits for its end."""

    def work(
        self,
        text: str,
        work: Callable[[Work], Result],
        done: Callable[[Result], None],
        back: Any = None,
        for_dialog: bool = False,
        wait: float = AT_ONCE,
    ) -> None:
        """Do long work beside the screen, then `done` with its result.

        Escape gives it up, and one stands where one stood before it, or at `back`. What is typed meanwhile is meant
        `for_dialog` that `done` puts up or fills; then its result is waited for, so many seconds at most.
        """
        back = back or self.session.standing
        self._for_dialog = for_dialog

        def end(result: Result) -> None:
            if self._ticks is not None:
                self.repaint()  # in the place of how far it was
            self._work_ended()
            done(result)
            queued, self._queued = self._queued, []
            for identity in queued:
                self.action_do(identity)

        def failed(error: BaseException) -> None:
            hopeless = self.unasked and not isinstance(error, Cancelled)
            self._work_ended()
            if isinstance(error, TooLong):
                self.wait_for(error.index, lambda: self.work(text, work, done, back, for_dialog, wait), back)
            elif hopeless:
                raise error
            else:
                self._work_failed(error, back)

        job = self.jobs.start(text, work, end, failed, wait if for_dialog else 0.0)
        if self.jobs.job is not job:
            return
        self._ticks = self.set_interval(_TICK, self.paint_progress, pause=self.unasked)
        if self.unasked:
            self.set_timer(_SILENT, self._ticks.resume)

    def _work_ended(self) -> None:
        self._for_dialog = False
        self.unasked = False
        if self._ticks is not None:
            self._ticks.stop()
            self._ticks = None

    def _work_failed(self, error: BaseException, back: Any) -> None:
        self._queued = []
        if not isinstance(error, (Cancelled, ConvstepError)):
            raise error
        self.session.stand(back)
        where = "at the start" if self.session.spot.position < 0 else "where you were"
        self.repaint(f"stopped: you are {where}" if isinstance(error, Cancelled) else str(error))

    def meanwhile(self, chosen: Action) -> None:
        """A key during long work: escape ends it, q leaves; steps are taken afterwards."""
        if chosen.id == "let_go":
            self.jobs.give_up()
        elif chosen.id == "quit":
            self.app.exit()
        elif (chosen.group == STEPS or self.unasked) and len(self._queued) < _MOST_QUEUED:
            self._queued.append(chosen.id)
            if self._ticks is not None:
                self._ticks.resume()

    @property
    def awaits_dialog(self) -> bool:
        """Whether the end of long work may put up a dialog."""
        return self._for_dialog or any(action(identity).group != STEPS for identity in self._queued)

    @abstractmethod
    def wait_for(self, index: int, then: Callable[[], None], back: Any) -> None:
        """Run an iteration beside the screen, then go on."""

    @abstractmethod
    def paint_progress(self) -> Any:
        """How far the work is."""

    @abstractmethod
    def action_do(self, identity: str) -> Any:
        """What a key asks for."""
