"""`convstep FILE`: the debugger on a network file or a snapshot, and what is said when it ends."""

from __future__ import annotations

import argparse
import gc
import math
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from convstep.commands import BAD_INPUT, say
from convstep.commands.mine import read_gradients, read_renamed
from convstep.errors import ConvstepError

if TYPE_CHECKING:
    from convstep.debugger.keeping.autosave import Autosave
    from convstep.debugger.session import Session
    from convstep.tui.show import Ending

_PATIENCE = 0.05
"""Seconds for which the first screen waits for the first iteration."""


def run(options: argparse.Namespace) -> int:
    """Do it; the exit status."""
    # pydantic would look for plugins in every installed package's metadata.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # Milliseconds after which an escape is the key, and not the beginning of another key's sequence.
    os.environ.setdefault("ESCDELAY", "25")
    with _no_collections():
        from convstep.debugger.opening import open_session
        from convstep.progress import Progress

        if options.renamed and not options.mine:
            raise ConvstepError("--as names an array of MINE: it goes with --mine MINE")
        with Progress(1, terminal=True) as progress:
            meanwhile = _import_the_screen if _on_a_terminal() else None
            patience = _PATIENCE if meanwhile and not options.mine else math.inf
            session = open_session(options.file, options.iterations, options.at, progress.show, meanwhile, patience)
            if options.mine:
                _set_beside(session, options.mine, options.renamed)
        if not _on_a_terminal():
            raise ConvstepError("the debugger needs a terminal; the other commands do without (convstep --help)")
        from convstep.debugger.keeping.autosave import Autosave, find
        from convstep.tui.settings import read_settings
        from convstep.tui.show import show

        settings = read_settings()
        mine = (options.mine, options.renamed) if options.mine else None
        keeper = Autosave(options.file, session, options.iterations, mine=mine)
        kept = find(options.file) if options.at is None else None
    ending = show(session, settings, keeper, f"{kept.offer()}; ctrl+r resumes it" if kept else "")
    if ending.resume and kept:
        with Progress(1, terminal=True) as progress:
            session = kept.session(progress.show)
            mine = mine or kept.mine
            said = _set_beside_again(session, mine) if mine else ""
        keeper = Autosave(options.file, session, kept.iterations, mine=mine)
        if keeper.keep():
            kept.forget()
        ending = show(session, settings, keeper, said)
    return _ended(ending, keeper)


def _import_the_screen() -> None:
    """It takes as long as an iteration of a large network."""
    import convstep.tui.show  # noqa: F401


def _on_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()


def _set_beside(session: Session, file: str, renamed: list[str]) -> None:
    """--mine: the gradients of a file beside the session's. Raises ConvstepError for what cannot be compared."""
    from convstep.debugger.claims.mine import read_mine

    path = Path(file)
    given = read_gradients(path)
    try:
        session.mine = read_mine(session.trial.original.beside(), path.name, given, read_renamed(renamed))
    except ConvstepError as error:
        raise ConvstepError(f"{path}:1:1: {error}") from error


def _set_beside_again(session: Session, mine: tuple[str, list[str]]) -> str:
    """The same for a session that is resumed, which goes on without; what there is to say."""
    try:
        _set_beside(session, *mine)
    except ConvstepError as error:
        return f"without your gradients: {error}"
    return ""


def _ended(ending: Ending, keeper: Autosave) -> int:
    """Say what ended the debugger, unless it was the person; the exit status."""
    if ending.error is None and not ending.signal:
        keeper.forget()
        return 0
    if isinstance(ending.error, (ConvstepError, MemoryError)):
        raise ending.error  # bad input that the first run has found
    from convstep.debugger.keeping import crash

    path = keeper.keep()
    where = f"convstep {shlex.quote(keeper.source)} offers it"
    if not os.path.exists(keeper.source):
        where += " once that file is there again"
    again = f"the session is kept in {path}, and {where}" if path else ""
    if ending.error is not None:
        say(crash.line(ending.error, crash.report(ending.error), again))
        return BAD_INPUT
    with suppress(OSError):  # the terminal may be gone
        say(f"convstep was ended by signal {ending.signal}" + (f"; {again}" if again else ""))
    return 128 + ending.signal


@contextmanager
def _no_collections() -> Iterator[None]:
    """What a start makes, stays: looking through it for garbage costs time now, and a pause at a key later."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
