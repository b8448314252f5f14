"""What someone worked out: verdicts, one's own claims, the gradient check."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from convstep.debugger.screen.view import MINE
from convstep.engine.work import QUIET, Work
from convstep.tui.doing.predicting import hidden_here

if TYPE_CHECKING:
    from convstep.debugger.moves import Landing
    from convstep.debugger.screen.view import ClaimShown
    from convstep.tui.screens.main import MainScreen


def claims(screen: MainScreen) -> None:
    """All claims, one's own gradients, and the gradient check."""
    from convstep.tui.screens.claims import ClaimsScreen

    if hidden_here(screen):
        return

    def closed(where: Callable[[], Landing] | None) -> None:
        if where is None:
            screen.repaint()
        else:
            screen.move(lambda: screen.session.land(where()))

    screen.app.push_screen(ClaimsScreen(screen), closed)


def find_out(screen: MainScreen, claims: Sequence[ClaimShown]) -> None:
    """Work out in the background what is not known yet about what is shown, then paint again, and go on."""
    pending = next((claim.pending for claim in claims if claim.pending is not None), None)
    if pending is not None:
        _in_background(screen, pending, lambda: screen.repaint(screen.message))


def find_out_all(screen: MainScreen, then: Callable[[], None]) -> bool:
    """Judge all claims, then look for the mistakes in one's own gradients; whether anything is still to be done."""
    session = screen.session
    pending = len(session.claims.judged) < len(session.claims.entries)
    explain = session.mine is not None and not session.mine.explained
    if pending or explain:
        _in_background(screen, None if pending else (MINE, 0), then)
    return pending or explain


def _in_background(screen: MainScreen, pending: tuple[int, int] | None, then: Callable[[], None]) -> None:
    """Do work and take what it comes to; with a recording that lets wait, at once. Nothing while other work is done."""
    session = screen.session
    if screen.background.job is not None:
        return
    work: Callable[[Work], Any]
    take: Callable[[Any], None]
    if pending is not None and pending[0] == MINE and session.mine is not None:
        work, take = session.mine.explaining(session.trial.original.beside()), partial(setattr, session, "mine")
    else:
        work, take = session.claims.preparation(pending), session.claims.take

    def done(result: Any) -> None:
        take(result)
        then()

    if math.isinf(session.recording.patience):
        done(work(QUIET))
    else:
        screen.background.start("claims", work, done, _failed)


def _failed(error: BaseException) -> None:
    raise error
