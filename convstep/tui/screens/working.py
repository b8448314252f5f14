"""A screen with long work beside it: a thread does it, the keys pressed meanwhile come afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from textual.timer import Timer

from convstep.engine.work import Cancelled, Work
from convstep.errors import ConvstepError
from convstep.tui.actions import STEPS, Action
from convstep.tui.jobs import Jobs
from convstep.tui.screens.painted import Painted

if TYPE_CHECKING:
    from convstep.debugger.session import Session

_TICK = 0.1
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

    def work(
        self,
        text: str,
        work: Callable[[Work], Result],
        done: Callable[[Result], None],
        back: Any = None,
    ) -> None:
        """Do long work beside the screen, then `done` with its result.

        Escape gives it up, and one stands where one stood before it, or at `back`.
        """
        back = back or self.session.standing

        def end(result: Result) -> None:
            self._work_ended()
            done(result)
            queued, self._queued = self._queued, []
            for identity in queued:
                self.action_do(identity)

        self.jobs.start(text, work, end, lambda error: self._work_failed(error, back))
        self._ticks = self.set_interval(_TICK, self.paint_progress)

    def _work_ended(self) -> None:
        if self._ticks is not None:
            self._ticks.stop()
            self._ticks = None

    def _work_failed(self, error: BaseException, back: Any) -> None:
        self._work_ended()
        self._queued = []
        if not isinstance(error, (Cancelled, ConvstepError)):
            raise error
        self.session.stand(back)
        self.repaint("stopped: you are where you were" if isinstance(error, Cancelled) else str(error))

    def meanwhile(self, chosen: Action) -> None:
        """A key during long work: escape ends it, q leaves; steps are taken afterwards; all else waits."""
        if chosen.id == "let_go":
            self.jobs.give_up()
        elif chosen.id == "quit":
            self.app.exit()
        elif chosen.group == STEPS and len(self._queued) < _MOST_QUEUED:
            self._queued.append(chosen.id)

    def paint_progress(self) -> Any:
        """How far the work is."""
        raise NotImplementedError

    def action_do(self, identity: str) -> Any:
        """What a key asks for."""
        raise NotImplementedError
