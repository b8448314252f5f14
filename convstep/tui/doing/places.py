"""Going somewhere: `g`, who wrote this, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from convstep.debugger import moves
from convstep.tui.doing.panes import NO_NUMBER
from convstep.tui.doing.predicting import ask, hides

if TYPE_CHECKING:
    from convstep.debugger.bookmarks import Bookmarks
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
    search = screen.session.desk.search(screen.session.spot)
    land_where(screen, f"looking for {text}", lambda work: search.find(text, work))


def land_where(screen: MainScreen, doing: str, look: Callable[[Work], Landing]) -> None:
    """Look for a place beside the screen, run its iteration there, too, and go there."""
    session = screen.session

    def work(work: Work) -> Landing:
        landing = look(work)
        session.recording.iteration(moves.place_of(session.recording.timeline, landing.spot).iteration, work=work)
        return landing

    screen.work(doing, work, lambda landing: screen.move(lambda: session.land(landing)))


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
    from convstep.tui.dialogs.bookmarks import BookmarkDialog

    _, take, proposed = _naming(screen)
    screen.app.push_screen(BookmarkDialog(take, proposed), screen.told)


def bookmarks(screen: MainScreen) -> None:
    """The places with names; to one of them."""
    from convstep.debugger.moves import Landing
    from convstep.tui.dialogs.bookmarks import BookmarksDialog

    session = screen.session
    marks, take, proposed = _naming(screen)
    before = marks.all()

    def closed(number: int | None) -> None:
        session.unsaved = session.unsaved or marks.all() != before
        if number is None:
            screen.repaint()
        else:
            screen.move(lambda: session.land(Landing(marks.all()[number].spot)))

    screen.app.push_screen(BookmarksDialog(marks, take, proposed), closed)


def _naming(screen: MainScreen) -> tuple[Bookmarks, Callable[[str], str], str]:
    """The bookmarks, how this place is given a name, and the name that is proposed."""
    from convstep.debugger.bookmarks import Bookmarks

    session = screen.session
    marks = Bookmarks(session.extras, session.recording.timeline)

    def take(name: str) -> str:
        said = marks.set(name, session.spot)
        session.unsaved = True
        return said

    return marks, take, " › ".join(session.view().where[-2:])
