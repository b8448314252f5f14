"""The keys m and M: a name for a place, and the way back to it."""

from __future__ import annotations

from pathlib import Path

from convstep.debugger.opening import open_session
from convstep.tui.app import ConvstepApp
from convstep.tui.dialogs.listing import ListDialog
from convstep.tui.widgets.rows import Rows

TWO_CONV = str(Path(__file__).parents[2] / "sample_nets" / "two_conv.yaml")


async def test_a_place_gets_a_name_and_is_found_again() -> None:
    session = open_session(TWO_CONV, at="term 32")
    app = ConvstepApp(session)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("m", "enter")
        await pilot.pause()
        assert "bookmark 'grad(w1)[1] › term 2 of 4' set" in app.main.message
        await pilot.press("home", "m", *"start", "enter", "M", "enter")
        await pilot.pause()
        assert session.spot.position == 32, "what was typed took the place of the proposed name"
        await pilot.press("backspace")
        await pilot.pause()
        assert session.spot.position == -1, "backspace comes back from a bookmark"
        await pilot.press("M", "delete", "d")
        await pilot.pause()
        assert app.screen.query_one(Rows).get_option_at_index(0).prompt == "none yet: a names this place"
        await pilot.press("enter", *"again", "enter", "escape")
        await pilot.pause()
        assert [mark["name"] for mark in session.extras["bookmarks"]] == ["again"]


async def test_paging_in_a_list_without_room_breaks_nothing() -> None:
    app = ConvstepApp(open_session(TWO_CONV))
    async with app.run_test(size=(10, 5)) as pilot:
        app.push_screen(ListDialog("Rows", ["a", "b"]))
        await pilot.pause()
        app.screen.query_one(Rows).styles.height = 0
        await pilot.pause()
        await pilot.press("pagedown", "pageup")
        assert app.is_running
