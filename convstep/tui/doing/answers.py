"""Why a number is what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convstep.errors import ConvstepError

if TYPE_CHECKING:
    from convstep.tui.screens.main import MainScreen


def explain(screen: MainScreen) -> None:
    """The formula of the number under the cursor, or of the one that this step is about."""
    spot = screen.number
    try:
        if spot is None:
            text = screen.session.explain()
        elif spot.grid.tensor is None:
            raise ConvstepError(f"{spot.name} is worked out here; the formula above has it")
        else:
            text = screen.session.explain(spot.grid.tensor, spot.index)
    except ConvstepError as error:
        screen.repaint(str(error))
        return
    from convstep.tui.dialogs.explain import ExplainDialog

    screen.app.push_screen(ExplainDialog(text))
