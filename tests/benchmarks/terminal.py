"""A program in a pseudo-terminal of its own, and when its output arrives."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

WIDTH, HEIGHT = 160, 50
FULL_SCREEN = WIDTH * HEIGHT
"""Bytes without which no screen of this size is full: one a cell."""
_PATIENCE = 20.0
_ENVIRONMENT = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONDONTWRITEBYTECODE": ""}


class Terminal:
    """Runs `python ARGUMENTS` at 160×50 in true colour. Questions to the terminal stay unanswered.

    All times are in seconds. A burst of output ends where nothing follows for `quiet`; the time that counts is
    that of its last byte.
    """

    def __init__(self, *arguments: str) -> None:
        master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES")}
        self.output = bytearray()
        self._fd = master
        self._born = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            env=environment | _ENVIRONMENT,
            preexec_fn=lambda: os.login_tty(slave),
        )
        os.close(slave)

    def start(self, quiet: float = 0.15) -> float:
        """From the process's birth to the last byte of the first full screen."""
        last = self._listen(quiet, FULL_SCREEN)
        return last - self._born

    def press(self, keys: str, quiet: float = 0.05, least: int = 1) -> float:
        """From these keys, sent at once, to the last byte of what they bring about: at least so many bytes."""
        self.output.clear()
        pressed = time.perf_counter()
        os.write(self._fd, keys.encode())
        return self._listen(quiet, least) - pressed

    def _listen(self, quiet: float, least: int) -> float:
        """Read until at least `least` bytes are here and nothing follows; the time of the last byte."""
        last, seen = time.perf_counter(), 0
        while True:
            patience = quiet if seen >= least else _PATIENCE
            if not select.select([self._fd], [], [], patience)[0]:
                break
            try:
                read = os.read(self._fd, 1 << 16)
            except OSError:  # Linux says so where the other end is closed.
                read = b""
            if not read:
                break
            last, seen = time.perf_counter(), seen + len(read)
            self.output += read
        if seen < least:
            raise SystemExit(f"no answer from the program; it wrote:\n{self.output.decode(errors='replace')}")
        return last

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        with suppress(OSError):
            os.close(self._fd)
