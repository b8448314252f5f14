"""Why a number is what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from convstep.engine.work import TooLong
from convstep.errors import ConvstepError
from convstep.tui.doing.predicting import hidden_here

if TYPE_CHECKING:
    from convstep.debugger.origins import Explained
    from convstep.engine.timeline import Place
    from convstep.engine.work import Work
    from convstep.tui.screens.main import MainScreen


def explain(screen: MainScreen) -> None:
    """The number under the cursor, or the one that this step is about: its formula, origins, uses and paths."""
    from convstep.debugger import goto
    from convstep.debugger.origins import Explainer
    from convstep.explain.provenance.provenance import Address
    from convstep.tui.dialogs.explain import ExplainDialog
    from convstep.tui.screens.working import A_MOMENT

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

    def walk(address: Address, show: Callable[[Explained], None]) -> None:
        """Show what is read first as soon as it is there, then everything."""
        parts: Iterator[Explained] = iter(())

        def begin(work: Work) -> Explained:
            nonlocal parts
            parts = explainer.parts(address)
            return next(parts)

        def shown(first: Explained) -> None:
            show(first)
            screen.work(
                why,
                lambda work: next(parts, None) or explainer.explained(address),
                show,
                for_dialog=True,
                wait=A_MOMENT,
            )

        why = f"why {explainer.name(address)}"
        screen.work(why, begin, shown, for_dialog=True)

    dialog = ExplainDialog(explainer.check, walk, screen.jobs)

    def show(explained: Explained) -> None:
        if dialog.shown is None:
            screen.app.push_screen(dialog, jump)
        dialog.show(explained)

    walk(address, show)


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
