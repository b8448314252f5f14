"""An unsaved session is kept on its own; `kept` finds it again when the same file is opened.

What is kept at every change is where one stood and what one had set up: that is small, whatever the network. By which
content the files are known is kept, too, and beside it, once, the network itself where it is not too large: so the
session comes back although a file is gone by then. Each session is kept in files of its own.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from convstep.debugger.keeping import snapshot
from convstep.debugger.keeping.container import pack
from convstep.debugger.keeping.saving import start_of, write_whole
from convstep.debugger.keeping.session_snapshot import copied, entry, network_of
from convstep.debugger.landmarks import landmarks
from convstep.debugger.session import Session

KIND, FORMAT = "convstep autosave", 1
SUFFIX, NETWORK = ".autosave", ".network"
_LARGEST_HASHED = 16 * 2**20
_LARGEST_NETWORK = 16 * 2**20
"""Bytes of numbers that are kept with a session, those aside that are drawn from their seed again."""


def directory() -> Path:
    """Where autosaves and the reports of crashes are."""
    from platformdirs import user_state_path

    return user_state_path("convstep", appauthor=False)


class Autosave:
    """Keeps one session, which was opened on the file `source`, with the gradients of `mine` (a file, and --as).

    `alone`: the session goes on with a network that was kept, whatever the file holds now.
    """

    def __init__(
        self,
        source: str,
        session: Session,
        iterations: int | None = None,
        where: Path | None = None,
        mine: tuple[str, list[str]] | None = None,
        alone: bool = False,
    ) -> None:
        self.session = session
        self.where = directory() if where is None else where
        self.path = self.where / f"{key_of(source)}-{secrets.token_hex(4)}{SUFFIX}"
        self.source = source
        self._iterations = iterations
        self._alone = alone
        self._source = os.path.abspath(source)
        self._mine = None if mine is None else [os.path.abspath(mine[0]), list(mine[1])]
        read: list[Path | str] = [*session.trial.original.graph.files, *([mine[0]] if mine else [])]
        self._mark = mark_of(Path(self._source))
        self._files = {os.path.abspath(path): mark_of(Path(path)) for path in read}
        self._network = network_of(session)
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
        try:
            self.where.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self.has_network and self._network.nbytes <= _LARGEST_NETWORK:
                with suppress(OSError, MemoryError):  # where only what is small has room, that is kept
                    write_whole(network_beside(self.path), snapshot.encode(self._network, sparing=True))
            write_whole(self.path, data)
        except OSError:
            self._kept = None  # what is to be kept next has to be written, though it may be nothing new
            raise

    def keep(self) -> Path | None:
        """Keep the session as it is now; where. None where there is nothing unsaved, or it cannot be kept."""
        with suppress(Exception):  # on the way out of a crash: whatever fails now must not hide it
            data = self.changed()
            if data is not None:
                self.write(data)
        return self.path if self.session.unsaved and self.path.exists() else None

    @property
    def has_network(self) -> bool:
        """Whether the session comes back without its files."""
        return network_beside(self.path).exists()

    def forget(self) -> None:
        """The session was saved, or left on purpose."""
        self._kept = None
        forget(self.path)

    def _data(self) -> dict[str, Any]:
        session = self.session
        return {
            "kind": KIND,
            "format": FORMAT,
            "source": self._source,
            "mark": self._mark,
            "files": self._files,
            "alone": self._alone,
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


def forget(path: Path) -> None:
    """Take an autosave and the network beside it away."""
    for each in (path, network_beside(path)):
        with suppress(OSError):
            each.unlink(missing_ok=True)


def network_beside(path: Path) -> Path:
    """Where the network of an autosave is."""
    return path.with_suffix(NETWORK)


def key_of(source: str) -> str:
    """The start of an autosave's name: the file's, and a number for its whole path."""
    path = os.path.realpath(source)
    stem = "".join(c if c.isascii() and c.isalnum() else "_" for c in Path(path).stem)[:40]
    return f"{stem}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"


def mark_of(path: Path) -> dict[str, Any]:
    """By what a file is known to be the same: its size, when it was changed, and, unless it is large, its content."""
    try:
        found = path.stat()
        content = ""
        if found.st_size <= _LARGEST_HASHED:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, ValueError):
        return {}
    return {"size": found.st_size, "content": content} if content else {"size": found.st_size, "at": found.st_mtime_ns}
