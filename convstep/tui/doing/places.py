"""Going somewhere: `g`, who wrote this, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convstep.debugger import moves
from convstep.tui.doing.panes import NO_NUMBER
from convstep.tui.doing.predicting import ask, hides

if TYPE_CHECKING:
    from convstep.debugger.moves import Landing
    from convstep.engine.work import Work
    from convstep.tui.screens.main import MainScreen


def go(screen: MainScreen, text: str = "") -> None:
    """Ask where to, and go there. What has to be searched for is searched for beside the screen."""
    from convstep.tui.dialogs.go import GoDialog

    searched: list[str] = []

    def take(text: str) -> str:
        from convstep.debugger.stops.finding import is_search

        if not is_search(text):
            return screen.session.go(text)
        screen.session.desk.search(screen.session.spot).check(text)
        searched.append(text)
        return ""

    def told(message: str | None) -> None:
        if searched:
            find(screen, searched[0])
        else:
            screen.told(message)

    screen.app.push_screen(GoDialog(take, screen.session.completions(), screen.move, text), told)


def find(screen: MainScreen, text: str) -> None:
    """Do a search that may take long, and go to what it finds."""
    session = screen.session
    search = session.desk.search(session.spot)

    def work(work: Work) -> Landing:
        landing = search.find(text, work)
        spot = landing.spot
        session.recording.iteration(moves.place_of(session.recording.timeline, spot).iteration, work=work)
        return landing

    screen.work(f"looking for {text}", work, lambda landing: screen.move(lambda: session.land(landing)))


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
        AskingDialog("Bookmark", "a name for this place; M lists them all", take, proposed, proposed=True),
        screen.told,
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
