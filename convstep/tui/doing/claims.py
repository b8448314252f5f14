"""What someone worked out: verdicts, one's own claims, the gradient check."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convstep.debugger.claim_book import Prepared
    from convstep.debugger.view import ClaimShown
    from convstep.tui.screens.main import MainScreen


def find_out(screen: MainScreen, claims: Sequence[ClaimShown]) -> None:
    """Work out in the background what is not known yet about the claims shown, then paint again."""
    pending = next((claim.pending for claim in claims if claim.pending is not None), None)
    if pending is None or screen.background.job is not None:
        return
    book = screen.session.claims
    prepare = book.preparation(pending)

    def found(prepared: Prepared) -> None:
        book.take(prepared)
        screen.repaint(screen.message)

    if math.isinf(screen.session.recording.patience):
        found(prepare())
    else:
        screen.background.start("claims", lambda _: prepare(), found, _failed)


def _failed(error: BaseException) -> None:
    raise error
