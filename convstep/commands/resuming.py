"""Unsaved sessions that were kept: offered, named on the command line, or there when their file is not."""

from __future__ import annotations

import os
import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from convstep.commands.mine import set_beside
from convstep.errors import ConvstepError
from convstep.progress import Progress

if TYPE_CHECKING:
    from convstep.debugger.keeping.autosave import Autosave
    from convstep.debugger.keeping.kept import Kept
    from convstep.debugger.session import Session


class Begun(NamedTuple):
    """A session for the screen, what keeps it, what is said of it first, and the other one that is offered."""

    session: Session
    keeper: Autosave
    said: str = ""
    offered: Kept | None = None


def named(file: str) -> Kept | None:
    """The session in a file that is an autosave; None where it is something else. Raises ConvstepError."""
    from convstep.debugger.keeping.autosave import SUFFIX
    from convstep.debugger.keeping.kept import read_kept
    from convstep.network.words import printable

    path = Path(file)
    if path.suffix != SUFFIX or not os.path.isfile(path):
        return None
    kept = read_kept(path)
    if kept is None:
        what = "this is no whole autosave, or a convstep that is running keeps it"
        raise ConvstepError(printable(f"{file}:1:1: {what}"))
    return kept


def instead(file: str, error: ConvstepError) -> Kept:
    """The unsaved session on a file that is gone. Raises the error, with what is kept, where it cannot go on."""
    from convstep.debugger.keeping.kept import find

    kept = find(file)
    if kept is None:
        raise error
    if kept.has_network and not os.path.lexists(file):
        return kept
    how = f"convstep {shlex.quote(str(kept.path))} resumes it" if kept.has_network else f"it is in {kept.path}"
    raise ConvstepError(f"{error}; an {kept.name} is kept, and offered once this is mended: {how}") from error


def resume(kept: Kept, mine: tuple[str, list[str]] | None, patience: float) -> Begun:
    """The session again, with the gradients of `mine` (a file, and --as) or those that were held beside it.

    `patience` is that of `Kept.session`.
    """
    from convstep.debugger.keeping.autosave import Autosave

    mine = mine or kept.mine
    with Progress(1, terminal=True) as progress:
        session, said, alone = kept.session(progress.show, patience)
        without = _set_beside(session, kept, mine) if mine else ""
    keeper = Autosave(kept.source, session, kept.iterations, mine=mine, alone=alone)
    if keeper.keep() and (keeper.has_network or not kept.has_network):
        kept.forget()
    return Begun(session, keeper, said or without)


def _set_beside(session: Session, kept: Kept, mine: tuple[str, list[str]]) -> str:
    """The gradients as their file has them now, or else as they were kept; what there is to say."""
    try:
        set_beside(session, *mine)
    except ConvstepError as error:
        with suppress(ConvstepError):
            kept.set_mine(session)
        return f"{'your gradients are as they were kept' if session.mine else 'without your gradients'}: {error}"
    return ""
