"""Predict results, or hide them from an audience; pin the slice of a tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convstep.tui.screens.main import MainScreen

_IS_HIDDEN = "the result is hidden: type it, or escape shows it"


def predict(screen: MainScreen) -> None:
    """In a pane: pin the slice under the cursor, or let it go; else results are to be predicted, or no longer."""
    if screen.pane is not None:
        screen.repaint(screen.pane.pin())
        return
    session = screen.session
    screen.repaint(session.prediction.switch("predict", session.state()))


def hide(screen: MainScreen) -> None:
    """Results are hidden until a key shows each, or no longer."""
    session = screen.session
    screen.repaint(session.prediction.switch("hide", session.state()))


def hides(screen: MainScreen) -> bool:
    """Whether the result of the present step is hidden."""
    session = screen.session
    return bool(session.extras.get("predict")) and session.prediction.hides(session.state())


def hidden_here(screen: MainScreen) -> bool:
    """Whether what would give the result away must wait; it says so."""
    hidden = hides(screen)
    if hidden:
        screen.repaint(_IS_HIDDEN)
    return hidden


def reveal(screen: MainScreen) -> None:
    """Show the result."""
    session = screen.session
    session.prediction.reveal(session.state())
    screen.repaint()


def ask(screen: MainScreen, begun: str = "") -> None:
    """Ask for the result, which is shown once it is right, or given up; of what is merely hidden, show it."""
    session = screen.session
    if session.prediction.mode == "hide":
        reveal(screen)
        return
    from convstep.tui.dialogs.predict import PredictDialog

    state = session.state()

    def answered(message: str | None) -> None:
        session.prediction.reveal(state)
        screen.repaint(message or "")

    prediction = session.prediction
    dialog = PredictDialog(prediction.question(state), lambda text: prediction.answer(state, text), begun)
    screen.app.push_screen(dialog, answered)
