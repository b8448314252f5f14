"""Going somewhere: `g`, who wrote this, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convstep.tui.doing.panes import NO_NUMBER
from convstep.tui.doing.predicting import ask, hides

if TYPE_CHECKING:
    from convstep.tui.screens.main import MainScreen


def go(screen: MainScreen) -> None:
    """Ask where to, and go there."""
    from convstep.tui.dialogs.go import GoDialog

    screen.app.push_screen(GoDialog(screen.session.go, screen.session.completions(), screen.move), screen.told)


def writer(screen: MainScreen) -> None:
    """To the step that wrote the number under the cursor."""
    spot = screen.number
    if spot is None and hides(screen):
        ask(screen)
    elif spot is None:
        screen.repaint(NO_NUMBER)
    elif spot.grid.tensor is None:
        screen.repaint(f"{spot.name} is worked out here: no step wrote it")
    else:
        tensor, index = spot.grid.tensor, spot.index
        screen.move(lambda: screen.session.writer(tensor, index))


def back(screen: MainScreen) -> None:
    """Back to where one was before the last jump."""
    screen.move(screen.session.back)


def forth(screen: MainScreen) -> None:
    """Forth again to where one was before one came back."""
    screen.move(screen.session.forth)


def bookmark(screen: MainScreen) -> None:
    """Ask for this place's name."""
    from convstep.debugger.bookmarks import Bookmarks
    from convstep.tui.dialogs.asking import AskingDialog

    session = screen.session
    marks, proposed = Bookmarks(session.extras, session.recording.timeline), " › ".join(session.view().where[-2:])

    def take(name: str) -> str:
        said = marks.set(name, session.spot)
        session.unsaved = True
        return said

    screen.app.push_screen(
        AskingDialog("Bookmark", "a name for this place; M lists them all", take, proposed), screen.told
    )


def bookmarks(screen: MainScreen) -> None:
    """The places with names; to one of them."""
    from convstep.debugger.bookmarks import Bookmarks
    from convstep.debugger.moves import Landing
    from convstep.tui.dialogs.listing import ListDialog

    session = screen.session
    marks = Bookmarks(session.extras, session.recording.timeline)
    if not marks.all():
        screen.repaint("there are no bookmarks yet; m sets one")
        return

    def chosen(number: int | None) -> None:
        if number is None:
            screen.repaint()
        else:
            screen.move(lambda: session.land(Landing(marks.all()[number].spot)))

    def remove(number: int) -> list[str]:
        session.unsaved = True
        return [mark.row() for mark in marks.remove(number)]

    screen.app.push_screen(ListDialog("Bookmarks", [mark.row() for mark in marks.all()], take_away=remove), chosen)
