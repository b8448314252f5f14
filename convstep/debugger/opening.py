"""Sessions are opened here: on a network file, or on a snapshot exactly where it was saved."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import replace

from convstep.debugger.keeping import snapshot
from convstep.debugger.keeping.session_snapshot import MINE
from convstep.debugger.moves import Spot
from convstep.debugger.session import Session
from convstep.engine.recording import Recording

_ALONE = 0.1
"""Seconds for which a network is opened with nothing else beside it: two threads of Python hinder each other."""


def open_session(
    source: snapshot.Source,
    iterations: int | None = None,
    at: str | None = None,
    progress: Callable[[int], None] | None = None,
    meanwhile: Callable[[], None] | None = None,
    patience: float = math.inf,
) -> Session:
    """A session on a network file, or on a snapshot exactly where it was saved; `at` goes elsewhere first.

    `meanwhile` is called while the file is read and the iteration is run; that is `begin`'s, with its `patience`.
    Raises ConvstepError for bad input.
    """

    def opened() -> Session:
        saved = snapshot.read_if_snapshot(source)
        session = resume(saved, iterations) if saved else Session(Recording(snapshot.open_graph(source, iterations)))
        if at is not None:
            session.go(at)
            session.unsaved = False
        begin(session, progress, patience, asked=at is not None)
        set_mine(session, saved)
        return session

    return opened() if meanwhile is None else _both(opened, meanwhile)


def begin(
    session: Session, progress: Callable[[int], None] | None = None, patience: float = math.inf, asked: bool = False
) -> None:
    """Run the iteration at hand, unless that is expected to take more than `patience` seconds.

    One iteration alone is run whatever it takes, where something of it is to be seen at once or was `asked` for. What
    is not run is left to the screen, which says how far it is and can give it up.
    """
    both = session.trial.original, session.recording
    expected = max(recording.expected_until(session.place.iteration) for recording in both)
    if asked or not session.is_fresh:
        patience = max(patience, session.recording.expected)
    if expected <= patience:
        session.run(progress)


def set_mine(session: Session, saved: snapshot.Snapshot | None) -> None:
    """What was given by --mine when the snapshot was saved."""
    if saved is not None and MINE in saved.extras:
        from convstep.debugger.claims.mine import from_data

        session.mine = from_data(session.trial.original.beside(), saved.extras[MINE])


def _both(opened: Callable[[], Session], meanwhile: Callable[[], None]) -> Session:
    """The session, opened in a thread of its own; where that takes longer, something else is done meanwhile."""
    sessions: list[Session] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            sessions.append(opened())
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(_ALONE)
    meanwhile()
    thread.join()
    if failures:
        raise failures[0]
    return sessions[0]


def resume(saved: snapshot.Snapshot, iterations: int | None = None) -> Session:
    """The session that was saved; its iteration is not run yet."""
    graph = saved.graph if iterations is None else snapshot.with_iterations(saved.graph, iterations)
    original = Recording(graph, checkpoints={saved.iteration: saved.state})
    original.losses.update(saved.losses)
    extras = {name: value for name, value in saved.extras.items() if name != MINE}
    session = Session(original, look=dict(saved.look), extras=extras)
    recording = session.recording

    def within(spot: Spot) -> Spot:
        last = recording.timeline.length(spot.level, spot.order) - 1
        return replace(spot, position=max(-1, min(spot.position, last)))

    session.spot = within(Spot(saved.level, saved.order, saved.position))
    session.history = [within(Spot(*entry)) for entry in saved.history]
    session.future = [within(Spot(*entry)) for entry in saved.future]
    return session
