"""`/`: names and values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convstep.tui.doing.places import find, go

if TYPE_CHECKING:
    from convstep.debugger.search import Finder, Hits
    from convstep.tui.screens.main import MainScreen


def search(screen: MainScreen) -> None:
    """Ask what for, look for it beside the screen, and list what was found."""
    from convstep.debugger.search import Finder
    from convstep.tui.dialogs.search import SearchDialog

    session = screen.session
    finder = Finder(session.recording, session.desk.words, session.spot)

    def read(text: str) -> str:
        finder.check(text)
        return text

    def answered(text: str | None) -> None:
        if text is None:
            return
        screen.work(
            f"looking for {text}", lambda work: finder.find(text, work), lambda hits: _list(screen, finder, hits, text)
        )

    screen.app.push_screen(SearchDialog(read, list(session.names.all())), answered)


def find_nonfinite(screen: MainScreen) -> None:
    """To the first number that is not finite."""
    find(screen, "nan")


def find_last_write(screen: MainScreen) -> None:
    """To the last step before this one that wrote a number."""
    number = screen.number
    go(screen, f"last {number.name}" if number and number.grid.tensor else "last ")


def find_sum(screen: MainScreen) -> None:
    """To the first term after which the running sum is so."""
    go(screen, "sum > ")


def _list(screen: MainScreen, finder: Finder, found: Hits, text: str) -> None:
    from convstep.tui.dialogs.listing import ListDialog

    hits = found.hits
    width = max(len(hit.name) for hit in hits)
    rows = [f"{hit.name:{width}}  {hit.about}" for hit in hits]
    title = f"{text}: {'the first ' if found.more else ''}{len(hits)} found"

    def chosen(number: int | None) -> None:
        if number is None:
            screen.repaint()
        else:
            screen.move(lambda: screen.session.land(finder.landing(hits[number])))

    screen.app.push_screen(ListDialog(title, rows, "enter goes to the step that wrote it"), chosen)
