"""What someone worked out: verdicts, one's own claims, the gradient check."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from convstep.tui.doing.predicting import hidden_here

if TYPE_CHECKING:
    from convstep.debugger.claim_book import Prepared
    from convstep.debugger.moves import Landing
    from convstep.debugger.view import ClaimShown
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
    """Work out in the background what is not known yet about the claims shown, then paint again."""
    pending = next((claim.pending for claim in claims if claim.pending is not None), None)
    if pending is not None:
        _prepare(screen, pending, lambda: screen.repaint(screen.message))


def find_out_all(screen: MainScreen, then: Callable[[], None]) -> None:
    """Judge all claims in the background."""
    book = screen.session.claims
    if len(book.judged) < len(book.entries):
        _prepare(screen, None, then)


def _prepare(screen: MainScreen, at: tuple[int, int] | None, then: Callable[[], None]) -> None:
    if screen.background.job is not None:
        screen.set_timer(0.1, lambda: _prepare(screen, at, then))
        return
    book = screen.session.claims
    prepare = book.preparation(at)

    def found(prepared: Prepared) -> None:
        book.take(prepared)
        then()

    if math.isinf(screen.session.recording.patience):
        found(prepare())
    else:
        screen.background.start("claims", lambda _: prepare(), found, _failed)


def _failed(error: BaseException) -> None:
    raise error
