"""Progress of a long run, on standard error."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TextIO

_AFTER = 1.0
_EVERY = 0.5


class Progress:
    """A line on standard error once the work inside a `with` takes longer than a second.

    It is told which iteration (or what else it `counts`) is done (`show`), and says in between how long it has been
    going on, from a thread of its own: one iteration alone may take long. On a terminal the line is rewritten and then
    removed; elsewhere each is a line of its own, unless it is for a `terminal` alone.
    """

    def __init__(
        self,
        count: int,
        stream: TextIO | None = None,
        after: float = _AFTER,
        every: float = _EVERY,
        counts: str = "iterations",
        terminal: bool = False,
    ) -> None:
        self._count, self._counts, self._stream = count, counts, stream or sys.stderr
        self._after, self._every = after, every
        self._silent = terminal and not self._stream.isatty()
        self._lock = threading.Lock()
        self._done = 0
        self._start = time.monotonic()
        self._shown = False
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._report, daemon=True)

    def __enter__(self) -> Progress:
        self._thread.start()
        return self

    def show(self, iteration: int) -> None:
        """Iteration `iteration`, from 0, is done."""
        self._done = iteration + 1

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Meanwhile the line is away, so that something else can be printed."""
        with self._lock:
            self._clear()
            yield

    def _clear(self) -> None:
        if self._shown and self._stream.isatty():
            print("\r\x1b[K", end="", file=self._stream, flush=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._finished.set()
        self._thread.join()
        self._clear()

    def _report(self) -> None:
        wait = self._after
        while not self._silent and not self._finished.wait(wait):
            wait = self._every
            with self._lock:
                self._shown = True
                if self._stream.isatty():
                    print(f"\r\x1b[K{self._text()}", end="", file=self._stream, flush=True)
                else:
                    print(self._text(), file=self._stream, flush=True)

    def _text(self) -> str:
        seconds = time.monotonic() - self._start
        text = f"convstep: {self._done} of {self._count} {self._counts} done after {seconds:.0f} s"
        if self._done:
            text += f", about {seconds / self._done * (self._count - self._done):.0f} s to go"
        return text
