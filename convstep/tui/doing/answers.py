"""Why a number is what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convstep.engine.work import TooLong
from convstep.errors import ConvstepError
from convstep.tui.doing.predicting import hidden_here

if TYPE_CHECKING:
    from convstep.debugger.origins import Explained
    from convstep.engine.timeline import Place
    from convstep.tui.screens.main import MainScreen


def explain(screen: MainScreen) -> None:
    """The number under the cursor, or the one that this step is about: its formula, origins, uses and paths."""
    from convstep.debugger import goto
    from convstep.debugger.origins import Explainer
    from convstep.explain.provenance.provenance import Address
    from convstep.tui.dialogs.explain import ExplainDialog

    if hidden_here(screen):
        return
    session, spot = screen.session, screen.number
    if spot is not None:
        session.run()
    explainer = Explainer(session.state(), session.names)
    try:
        if spot is None:
            address = explainer.subject
        elif spot.grid.tensor is None:
            raise ConvstepError(f"{spot.name} is worked out here; the formula above has it")
        else:
            address = Address(session.place.iteration, spot.grid.tensor, spot.index)
        explainer.check(address)
    except (ConvstepError, TooLong) as error:
        screen.repaint(str(error))
        return

    def jump(place: Place | None) -> None:
        if place is not None:
            screen.move(lambda: session.land(goto.element(session.recording, session.spot, place)))

    def show(first: Explained) -> None:
        screen.app.push_screen(ExplainDialog(explainer.explained, first), jump)

    screen.work(f"why {explainer.name(address)}", lambda work: explainer.explained(address), show, for_dialog=True)


def views(screen: MainScreen) -> None:
    """The same step in its other views."""
    from convstep.debugger.screen.correspondence import pages
    from convstep.tui.screens.views import ViewsScreen

    session = screen.session
    if hidden_here(screen):
        return
    shown = pages(session.state(), session.names)
    if shown is None:
        screen.repaint("no other views here: they are of forward and backward steps")
        return

    def left(step: str | None) -> None:
        screen.repaint()
        if step is not None:
            screen.paint()  # what escape comes back to is the place of the last view
            screen.action_do(step)

    screen.app.push_screen(ViewsScreen(session, screen.palette, shown, screen.actions), left)
