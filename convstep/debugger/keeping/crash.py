"""What is left of a failure of the program itself: a report in a file, and one line that says where."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path

from convstep.debugger.keeping.autosave import directory
from convstep.network.words import shortened


def report(error: BaseException, where: Path | None = None) -> Path | None:
    """Write the traceback to a file of its own; None where that is impossible."""
    with suppress(Exception):
        where = directory() if where is None else where
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = where / time.strftime(f"crash-%Y%m%d-%H%M%S-{os.getpid()}.log")
        about = f"convstep {' '.join(map(shlex.quote, sys.argv[1:]))}\nPython {sys.version}\n{platform.platform()}\n\n"
        text = about + "".join(traceback.format_exception(error))
        path.write_text(text, "utf-8", "backslashreplace")
        return path
    return None


def line(error: BaseException, log: Path | None, kept: str = "") -> str:
    """The one line: what failed, that the session is kept, and where the report is."""
    first = (str(error).splitlines() or [""])[0]
    what = f"convstep itself failed: {type(error).__name__}" + (f": {shortened(first)}" if first else "")
    parts = [what, *([kept] if kept else []), *([f"the report is in {log}"] if log else [])]
    return "; ".join(parts)
