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
from typing import TYPE_CHECKING

from convstep.commands import BAD_INPUT, resuming, say
from convstep.commands.mine import set_beside
from convstep.commands.resuming import Begun
from convstep.errors import ConvstepError

if TYPE_CHECKING:
    from convstep.debugger.keeping.autosave import Autosave
    from convstep.debugger.keeping.kept import Kept
    from convstep.tui.show import Ending

_PATIENCE = 0.05
"""Seconds for which the first screen waits for the iterations that it shows."""


def run(options: argparse.Namespace) -> int:
    """Do it; the exit status."""
    # Milliseconds after which an escape is the key, and not the beginning of another key's sequence.
    os.environ.setdefault("ESCDELAY", "25")
    with _no_collections():
        from convstep.tui.settings import read_settings

        if options.renamed and not options.mine:
            raise ConvstepError("--as names an array of MINE: it goes with --mine MINE")
        mine = (options.mine, options.renamed) if options.mine else None
        kept = resuming.named(options.file)
        begun = _go_on(kept, mine) if kept else _begin(options, mine)
        settings = read_settings()
    from convstep.tui.show import show

    ending = show(begun.session, settings, begun.keeper, begun.said, begun.offered is not None)
    if ending.resume and begun.offered:
        begun = _go_on(begun.offered, mine)
        ending = show(begun.session, settings, begun.keeper, begun.said)
    return _ended(ending, begun.keeper)


def _begin(options: argparse.Namespace, mine: tuple[str, list[str]] | None) -> Begun:
    """The session on the file; where that is gone, the unsaved one that was kept. Raises ConvstepError."""
    from convstep.debugger.opening import open_session
    from convstep.progress import Progress

    meanwhile = _import_the_screen if _on_a_terminal() else None
    patience = math.inf if mine else _PATIENCE
    try:
        with Progress(1, terminal=True) as progress:
            session = open_session(options.file, options.iterations, options.at, progress.show, meanwhile, patience)
    except ConvstepError as error:
        return _go_on(resuming.instead(options.file, error), mine)
    if mine:
        with Progress(1, terminal=True):
            set_beside(session, *mine)
    _need_a_terminal()
    from convstep.debugger.keeping.autosave import Autosave
    from convstep.debugger.keeping.kept import find

    keeper = Autosave(options.file, session, options.iterations, mine=mine)
    offered = find(options.file) if options.at is None else None
    return Begun(session, keeper, offered.offer() if offered else "", offered)


def _go_on(kept: Kept, mine: tuple[str, list[str]] | None) -> Begun:
    """An unsaved session again: it is taken from where it was kept, so there has to be a screen for it."""
    _need_a_terminal()
    return resuming.resume(kept, mine, _PATIENCE)


def _import_the_screen() -> None:
    """It takes as long as an iteration of a large network."""
    import convstep.tui.show  # noqa: F401


def _on_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()


def _need_a_terminal() -> None:
    if not _on_a_terminal():
        raise ConvstepError("the debugger needs a terminal; the other commands do without (convstep --help)")


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
    if not os.path.exists(keeper.source) and not keeper.has_network:
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
