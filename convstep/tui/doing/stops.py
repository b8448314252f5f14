"""Breakpoints, watches, and running to where they stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convstep.errors import ConvstepError
from convstep.tui.doing.places import land_where

if TYPE_CHECKING:
    from convstep.debugger.moves import Landing
    from convstep.engine.work import Work
    from convstep.tui.screens.main import MainScreen


def toggle_breakpoint(screen: MainScreen) -> None:
    """On the number under the cursor, or on the element or operation at this position."""
    from convstep.debugger.stops.standing import breakpoint_here

    desk, number = screen.session.desk, screen.number
    try:
        here = breakpoint_here(screen.session.state(), number.grid.tensor if number else None, _index(screen))
        desk.breakpoints.checked(here)
    except ConvstepError as error:
        screen.repaint(str(error))
        return
    message = desk.breakpoints.toggle(here)
    _kept(screen, message)


def _index(screen: MainScreen) -> int:
    return screen.number.index if screen.number else 0


def _kept(screen: MainScreen, message: str) -> None:
    screen.session.desk.keep()
    screen.session.unsaved = True
    screen.repaint(message)


def list_breakpoints(screen: MainScreen) -> None:
    """The list of breakpoints, to change and remove them."""
    from convstep.tui.dialogs.breakpoints import BreakpointsDialog

    screen.app.push_screen(BreakpointsDialog(screen.session.desk), lambda _: _kept(screen, ""))


def add_watch(screen: MainScreen) -> None:
    """Ask what to watch; what is under the cursor stands there already."""
    from convstep.tui.dialogs.watches import WatchDialog

    desk, number = screen.session.desk, screen.number
    name = number.name if number is not None and number.grid.tensor is not None else ""

    def done(message: str | None) -> None:
        if message is not None:
            _kept(screen, message)

    screen.app.push_screen(WatchDialog(desk.watches.add, screen.session.completions(), name), done)


def list_watches(screen: MainScreen) -> None:
    """The list of watches with their values and histories."""
    from convstep.tui.dialogs.watches import WatchesDialog

    screen.app.push_screen(WatchesDialog(screen.session.desk, screen.session.spot), lambda _: _kept(screen, ""))


def run_on(screen: MainScreen) -> None:
    """`c`: to the next stop."""
    _run(screen, backwards=False)


def run_back(screen: MainScreen) -> None:
    """`C`: to the stop before."""
    _run(screen, backwards=True)


def _run(screen: MainScreen, backwards: bool) -> None:
    from convstep.debugger.stops.continuing import run_to_stop

    session, spot, desk = screen.session, screen.session.spot, screen.session.desk

    def look(work: Work) -> Landing:
        return run_to_stop(session.recording, spot, desk.breakpoints, desk.watches, backwards, work)

    land_where(screen, "looking for a stop", look)
