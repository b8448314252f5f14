"""What if: change a number, see what follows, take it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from convstep.errors import ConvstepError
from convstep.tui.widgets.pane import Spot

if TYPE_CHECKING:
    from convstep.debugger.whatif.trial import Trial
    from convstep.engine.work import Work
    from convstep.tui.screens.main import MainScreen


def what_if(screen: MainScreen) -> None:
    """Ask for a change, of the number under the cursor where there is one, and show the run with it."""
    from convstep.debugger.whatif.edits import Edit, changeable, read_edit
    from convstep.tui.dialogs.whatif import WhatIfDialog

    session = screen.session
    try:
        name = _changeable(screen.number)
    except ConvstepError as error:
        screen.repaint(str(error))
        return
    session.run()
    iteration = session.recording.iteration(session.place.iteration)  # work in the background may need its place

    def edit(text: str) -> Edit:
        return read_edit(text, session.graph, session.names, iteration)

    def read(text: str) -> str:
        edit(text)
        return text

    def answered(text: str | None) -> None:
        if text is not None:
            typed = edit(text)
            _try(screen, lambda: session.trial.with_edit(typed))

    screen.app.push_screen(WhatIfDialog(read, changeable(session.graph, session.names), name), answered)


def undo(screen: MainScreen) -> None:
    """Without the last edit."""
    _try(screen, screen.session.trial.undo)


def redo(screen: MainScreen) -> None:
    """With the edit that was undone last."""
    _try(screen, screen.session.trial.redo)


def _changeable(spot: Spot | None) -> str:
    """The name of the number under the cursor, "" where there is none. Raises ConvstepError where it follows."""
    if spot is None:
        return ""
    if spot.grid.tensor is None or spot.grid.tensor.startswith(("grad(", "new(")):
        raise ConvstepError(f"{spot.name} follows from other numbers: change an input, a parameter or an output")
    return spot.name


def _try(screen: MainScreen, attempt: Callable[[], Trial]) -> None:
    """Run the iteration at hand with other edits, beside the screen, then show that."""
    session, iteration = screen.session, screen.session.place.iteration

    def work(work: Work) -> tuple[Trial, str]:
        trial = attempt()
        trial.run(iteration, work)
        return trial, trial.outcome(session.names, iteration)

    def done(result: tuple[Trial, str]) -> None:
        session.adopt(result[0])
        screen.repaint(result[1])

    screen.work("the run with this edit", work, done)
