"""An unsaved session is kept on its own, and offered when the same file is opened again.

What is kept is where one stood and what one had set up, not the network: that is read from its files again, and
numbers are computed again. So it is small, whatever the network. By which content they are known is kept, too: where a
file has changed since, the offer says so, and what one had set up is found again by name. Each process keeps its
sessions in a file of its own; one that a living process keeps is offered to nobody.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from convstep.debugger.keeping import snapshot
from convstep.debugger.keeping.container import ContainerError, pack, unpack
from convstep.debugger.keeping.saving import is_alive, start_of, write_whole
from convstep.debugger.keeping.session_snapshot import copied, entry
from convstep.debugger.landmarks import landmarks, relocate
from convstep.debugger.opening import resume, set_mine
from convstep.debugger.session import Session
from convstep.engine.recording import TrainingState
from convstep.network import load
from convstep.network.words import listed

_KIND, _FORMAT, _SUFFIX = "convstep autosave", 1, ".autosave"
_LONGEST_KEPT = 30 * 24 * 3600.0
_LARGEST_HASHED = 16 * 2**20


def directory() -> Path:
    """Where autosaves and the reports of crashes are."""
    from platformdirs import user_state_path

    return user_state_path("convstep", appauthor=False)


class Autosave:
    """Keeps one session, which was opened on the file `source`, with the gradients of `mine` (a file, and --as)."""

    def __init__(
        self,
        source: str,
        session: Session,
        iterations: int | None = None,
        where: Path | None = None,
        mine: tuple[str, list[str]] | None = None,
    ) -> None:
        self.session = session
        self.where = directory() if where is None else where
        self.path = self.where / f"{_key(source)}-{os.getpid()}{_SUFFIX}"
        self.source = source
        self._iterations = iterations
        self._source = os.path.abspath(source)
        self._mine = None if mine is None else [os.path.abspath(mine[0]), list(mine[1])]
        read: list[Path | str] = [*session.trial.original.graph.files, *([mine[0]] if mine else [])]
        self._mark = _mark(Path(self._source))
        self._files = {os.path.abspath(path): _mark(Path(path)) for path in read}
        self._kept: dict[str, Any] | None = None

    def changed(self) -> bytes | None:
        """What is to be kept now; None where that is nothing new. Quick: nothing is read or computed."""
        if not self.session.unsaved:
            return None
        data = self._data()
        if data == self._kept:
            return None
        self._kept = data
        return pack({**data, "when": time.time()})

    def write(self, data: bytes) -> None:
        """Keep it, on the disk. Raises OSError where that is impossible."""
        self.where.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self.path, data)

    def keep(self) -> Path | None:
        """Keep the session as it is now; where. None where there is nothing unsaved, or it cannot be kept."""
        with suppress(Exception):  # on the way out of a crash: whatever fails now must not hide it
            data = self.changed()
            if data is not None:
                self.write(data)
        return self.path if self.session.unsaved and self.path.exists() else None

    def forget(self) -> None:
        """The session was saved, or left on purpose."""
        self._kept = None
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def _data(self) -> dict[str, Any]:
        session = self.session
        return {
            "kind": _KIND,
            "format": _FORMAT,
            "source": self._source,
            "mark": self._mark,
            "files": self._files,
            "mine": self._mine,
            "process": [os.getpid(), start_of(os.getpid())],
            "iterations": self._iterations,
            "spot": list(entry(session.spot)),
            "history": [list(entry(spot)) for spot in session.history],
            "future": [list(entry(spot)) for spot in session.future],
            "look": copied(session.look),
            "extras": copied(session.extras),
            "landmarks": landmarks(session),
        }


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

    def offer(self) -> str:
        """The line that says so."""
        level, _, position = self.data["spot"]
        then, now = time.localtime(self.when), time.localtime()
        day = "" if then[:3] == now[:3] else time.strftime("%d %b ", then)
        changed = f" ({self._changed_files()} changed since)" if self.changed else ""
        return f"an unsaved session from {day}{time.strftime('%H:%M', then)} stands at {level} {position}{changed}"

    def _changed_files(self) -> str:
        if self.source in self.changed:
            return "the file has"
        names = [os.path.basename(path) for path in self.changed]
        return f"{listed(names, 'and')} {'has' if len(names) == 1 else 'have'}"

    def session(self, progress: Callable[[int], None] | None = None) -> Session:
        """The session again: its file read, its numbers computed. Raises ConvstepError where the file is bad now."""
        data = self.data
        saved = snapshot.read_if_snapshot(self.source)
        if saved is None:
            graph = load(self.source)
            saved = snapshot.Snapshot(graph, "op", "gather", -1, 0, TrainingState(graph.parameters, graph.buffers))
        moved = saved.moved(data["spot"], data["history"], data["future"], data["look"], data["extras"])
        session = resume(moved, self.iterations)
        if self.changed:
            relocate(session, data.get("landmarks"))
        session.run(progress)
        set_mine(session, saved)
        session.unsaved = True
        return session

    def forget(self) -> None:
        """It was taken up again, or is wanted no more."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


def find(source: str, where: Path | None = None) -> Kept | None:
    """The latest unsaved session on a file that no living process keeps. Older ones are taken away."""
    where = directory() if where is None else where
    found = []
    with suppress(OSError):
        for path in where.glob(f"{_key(source)}-*{_SUFFIX}"):
            kept = _read(path)
            if kept is not None:
                found.append(kept)
    found.sort(key=lambda kept: kept.when, reverse=True)
    for kept in found[1:]:
        if time.time() - kept.when > _LONGEST_KEPT:
            kept.forget()
    return found[0] if found else None


def _read(path: Path) -> Kept | None:
    """What is kept there; None where it is damaged, or another process keeps it at this moment."""
    try:
        data = unpack(path)
        if data["kind"] != _KIND or data["format"] != _FORMAT:
            return None
        process, start = data["process"]
        if is_alive(int(process)) and start == start_of(int(process)):
            return None
        snapshot.check_places(data["spot"], *data["history"], *data["future"])
        if not all(isinstance(data[key], dict) for key in ("look", "extras")):
            return None
        marks = {data["source"]: data["mark"], **data.get("files", {})}
        changed = tuple(file for file, mark in marks.items() if mark != _mark(Path(file)))
        mine = data.get("mine")
        of = None if mine is None else (str(mine[0]), [str(pair) for pair in mine[1]])
        return Kept(path, str(data["source"]), float(data["when"]), data, changed, of)
    except (ContainerError, OSError, KeyError, TypeError, ValueError):
        return None


def _key(source: str) -> str:
    """The start of an autosave's name: the file's, and a number for its whole path."""
    path = os.path.realpath(source)
    stem = "".join(c if c.isascii() and c.isalnum() else "_" for c in Path(path).stem)[:40]
    return f"{stem}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"


def _mark(path: Path) -> dict[str, Any]:
    """By what a file is known to be the same: its size, when it was changed, and, unless it is large, its content."""
    try:
        found = path.stat()
        content = ""
        if found.st_size <= _LARGEST_HASHED:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, ValueError):
        return {}
    return {"size": found.st_size, "content": content} if content else {"size": found.st_size, "at": found.st_mtime_ns}
