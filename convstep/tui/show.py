"""Puts a session on the screen, and tells how that ended, whatever happened."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from convstep.tui.app import RESUME, ConvstepApp

if TYPE_CHECKING:
    from convstep.debugger.keeping.autosave import Autosave
    from convstep.debugger.session import Session
    from convstep.tui.settings import Settings

_MODES = (1000, 1002, 1003, 1006, 1015, 1004, 2004, 1049)
_PLAIN = "".join(f"\x1b[?{mode}l" for mode in _MODES) + "\x1b[<u\x1b[?25h\x1b[0m"
"""No mouse, no focus and paste reports, the usual keys, the main screen, a visible cursor, no colours."""


class Ending(NamedTuple):
    """`resume`: the person wants the session that was offered. `error` is what the app failed with."""

    resume: bool = False
    signal: int = 0
    error: BaseException | None = None


def show(
    session: Session, settings: Settings, autosave: Autosave | None = None, greeting: str = "", offers: bool = False
) -> Ending:
    """Show the session until the person quits, or something ends it; with `offers`, another one can be resumed."""
    terminal = _terminal()
    app = ConvstepApp(session, settings, autosave, greeting, offers)
    error: BaseException | None = None
    result = None
    try:
        result = app.run()
    except Exception as raised:  # what Textual could not catch: a driver's, or one while it shut down
        error = raised
    name = app.keeping.ended_by if app.keeping is not None else ""
    error = app.failure or error
    if name:
        return Ending(signal=int(getattr(signal, name)))
    if error is not None:
        _restore(terminal)
    return Ending(resume=result == RESUME, error=error)


def _terminal() -> Any:
    """How the terminal takes keys now, where it can be asked."""
    with suppress(Exception):
        import termios

        return termios.tcgetattr(sys.stdin.fileno())
    return None


def _restore(terminal: Any) -> None:
    """The terminal as it was: once more, for the case that Textual could not."""
    with suppress(Exception):
        sys.__stderr__.write(_PLAIN)  # type: ignore[union-attr]
        sys.__stderr__.flush()  # type: ignore[union-attr]
    if terminal is not None:
        with suppress(Exception):
            import termios

            termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, terminal)
