"""Unsaved sessions that were kept: found, offered, and taken up again.

Numbers are computed again from the session's files. Where these have changed since, the offer says so, and what one had
set up is found again by name; where they are gone or bad, or where the place is no more at which one stood, the
session goes on with the network that was kept beside it. One that a living process keeps is offered to nobody.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from convstep.debugger.keeping import snapshot
from convstep.debugger.keeping.autosave import (
    FORMAT,
    KIND,
    NETWORK,
    SUFFIX,
    directory,
    forget,
    key_of,
    mark_of,
    network_beside,
)
from convstep.debugger.keeping.container import ContainerError, unpack
from convstep.debugger.keeping.saving import is_alive, start_of
from convstep.debugger.landmarks import relocate
from convstep.debugger.opening import begin, resume, set_mine
from convstep.debugger.session import Session
from convstep.engine.recording import TrainingState
from convstep.errors import ConvstepError
from convstep.network import load
from convstep.network.words import listed

_LONGEST_KEPT = 30 * 24 * 3600.0
_SURELY_LEFT = 3600.0


class Again(NamedTuple):
    """A session that was taken up again, what there is to say of it, and whether it goes on without its files."""

    session: Session
    said: str
    alone: bool


class Kept(NamedTuple):
    """A session that nobody saved: where it stood, when, and which of its files have `changed` since.

    `mine` is the file that --mine named, and what --as said.
    """

    path: Path
    source: str
    when: float
    data: dict[str, Any]
    changed: tuple[str, ...]
    mine: tuple[str, list[str]] | None

    @property
    def iterations(self) -> int | None:
        """What --iterations said, if anything."""
        count = self.data["iterations"]
        return count if type(count) is int else None

    @property
    def has_network(self) -> bool:
        """Whether the session comes back without its files."""
        return network_beside(self.path).exists()

    @property
    def name(self) -> str:
        """Of when it is."""
        then, now = time.localtime(self.when), time.localtime()
        day = "" if then[:3] == now[:3] else time.strftime("%d %b ", then)
        return f"unsaved session from {day}{time.strftime('%H:%M', then)}"

    def offer(self) -> str:
        """The line that says so, with what matters first: of a long line the end is not seen."""
        level, _, position = self.data["spot"]
        what = "the file has changed" if self.source in self.changed else self._files()
        changed = f"; {what} since" if self.changed else ""
        return f"ctrl+r resumes the {self.name} at {level} {position}{changed}"

    def _files(self) -> str:
        """Those that are gone, or else those that have changed."""
        gone = [path for path in self.changed if not os.path.exists(path)]
        names = [os.path.basename(path) for path in gone or self.changed]
        is_one = len(names) == 1
        verb = ("is gone" if is_one else "are gone") if gone else ("has changed" if is_one else "have changed")
        return f"{listed(names, 'and')} {verb}"

    def session(self, progress: Callable[[int], None] | None = None, patience: float = math.inf) -> Again:
        """The session again, its numbers computed as `begin` does. Raises ConvstepError where they cannot be."""
        alone = self.has_network and (bool(self.data.get("alone")) or not self._is_in_files())
        saved = snapshot.read(network_beside(self.path)) if alone else self._file()
        session, _ = self._on(saved, relocated=not alone and bool(self.changed))
        begin(session, progress, patience, asked=True)
        set_mine(session, saved)
        session.unsaved = True
        return Again(session, self._said(alone), alone)

    def _is_in_files(self) -> bool:
        """Whether its files can be read, and the place at which one stood is in them."""
        if not self.changed:
            return True
        try:
            return self._on(self._file(), relocated=True)[1]
        except ConvstepError:
            return False

    def _file(self) -> snapshot.Snapshot:
        """What the session was opened on, as it is now. Raises ConvstepError."""
        saved = snapshot.read_if_snapshot(self.source)
        if saved is None:
            graph = load(self.source)
            saved = snapshot.Snapshot(graph, "op", "gather", -1, 0, TrainingState(graph.parameters, graph.buffers))
        return saved

    def _on(self, saved: snapshot.Snapshot, relocated: bool) -> tuple[Session, bool]:
        """The session on a network, not run yet, and whether its place is there; `relocated` finds places by name."""
        data = self.data
        moved = saved.moved(data["spot"], data["history"], data["future"], data["look"], data["extras"])
        session = resume(moved, self.iterations)
        return session, not relocated or relocate(session, data.get("landmarks"))

    def _said(self, alone: bool) -> str:
        if alone:
            kept = "this is the network as it was kept; ctrl+s saves it"
            return f"{self._files()}: {kept}" if self.changed else kept
        return f"{self._files()}: the session goes on with what is there now" if self.changed else ""

    def set_mine(self, session: Session) -> None:
        """The gradients that were held beside the session, as they were kept. Raises ConvstepError."""
        if self.has_network:
            set_mine(session, snapshot.read(network_beside(self.path)))

    def forget(self) -> None:
        """It was taken up again, or is wanted no more."""
        forget(self.path)


def find(source: str, where: Path | None = None) -> Kept | None:
    """The latest unsaved session on a file that no living process keeps. Older ones are taken away."""
    where = directory() if where is None else where
    found = []
    with suppress(OSError):
        for path in where.glob(f"{key_of(source)}-*{SUFFIX}"):
            kept = read_kept(path)
            if kept is not None:
                found.append(kept)
        _tidy(where, source)
    found.sort(key=lambda kept: kept.when, reverse=True)
    for kept in found[1:]:
        if time.time() - kept.when > _LONGEST_KEPT:
            kept.forget()
    return found[0] if found else None


def read_kept(path: Path) -> Kept | None:
    """What is kept there; None where it is damaged, or another process keeps it at this moment."""
    try:
        data = unpack(path)
        if data["kind"] != KIND or data["format"] != FORMAT:
            return None
        process, start = data["process"]
        if is_alive(int(process)) and start == start_of(int(process)):
            return None
        snapshot.check_places(data["spot"], *data["history"], *data["future"])
        if not all(isinstance(data[key], dict) for key in ("look", "extras")):
            return None
        marks = {data["source"]: data["mark"], **data.get("files", {})}
        changed = tuple(file for file, mark in marks.items() if not mark or mark != mark_of(Path(file)))
        mine = data.get("mine")
        of = None if mine is None else (str(mine[0]), [str(pair) for pair in mine[1]])
        return Kept(path, str(data["source"]), float(data["when"]), data, changed, of)
    except (ContainerError, OSError, KeyError, TypeError, ValueError):
        return None


def _tidy(where: Path, source: str) -> None:
    """Takes away networks whose sessions were never kept: their process was killed in between."""
    for path in where.glob(f"{key_of(source)}-*{NETWORK}"):
        if not path.with_suffix(SUFFIX).exists() and time.time() - path.stat().st_mtime > _SURELY_LEFT:
            path.unlink(missing_ok=True)
