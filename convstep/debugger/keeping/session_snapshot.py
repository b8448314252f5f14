"""A session as a snapshot: where one stands, the way there, and what one has set up, as it is at this moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convstep.debugger.keeping.snapshot import Snapshot
from convstep.engine.timeline import Level, Order

if TYPE_CHECKING:
    from convstep.debugger.moves import Spot
    from convstep.debugger.session import Session

MINE = "mine"
"""Under this name snapshots keep what --mine gave."""


def snapshot_of(session: Session) -> Snapshot:
    """The snapshot, of which nothing changes with the session. It must not have to run its iteration."""
    original = session.trial.original
    iteration = original.iteration(session.place.iteration)
    mine = {MINE: session.mine.as_data()} if session.mine else {}
    return Snapshot(
        original.graph,
        *entry(session.spot),
        iteration.index,
        iteration.start,
        dict(original.losses),
        tuple(entry(spot) for spot in session.history),
        tuple(entry(spot) for spot in session.future),
        copied(session.look),
        {**copied(session.extras), **mine},
    )


def network_of(session: Session) -> Snapshot:
    """The network that a session was opened on, before its first step; nothing is run or drawn for it."""
    original = session.trial.original
    at, state = original.given_state
    mine = {MINE: session.mine.as_data()} if session.mine else {}
    return Snapshot(original.graph, "op", "gather", -1, at, state, extras=mine)


def entry(spot: Spot) -> tuple[Level, Order, int]:
    """A spot as it is kept."""
    return spot.level, spot.order, spot.position


def copied(value: Any) -> Any:
    """Plain data that stays as it is, whatever happens to the original."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, (list, tuple)) else value
