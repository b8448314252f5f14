"""Every key, on a session of fixed numbers."""

from __future__ import annotations

from typing import Any

import pytest
from gate import until
from playing import opened, press, settled
from textual import events

from convstep.debugger.screen.view import Note
from convstep.tui.actions import ACTIONS, STEPS
from convstep.tui.app import ConvstepApp
from convstep.tui.widgets.pane import Pane
from convstep.tui.widgets.rows import Rows

SIZE = (80, 24)


def text_of(app: ConvstepApp) -> list[str]:
    return [strip.text for strip in app.screen._compositor.render_strips()]


def message_of(app: ConvstepApp) -> str:
    return app.main.message


@pytest.mark.parametrize(
    ("key", "method"),
    [(key, action.id) for action in ACTIONS if action.group == STEPS for key in action.keys],
)
async def test_every_step_key_moves_the_session(session: Any, key: str, method: str) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, key)
        assert session.calls == [method]


@pytest.mark.parametrize("key", ["n", "N", "s", "S", "f", "F", "home", "end", "o", "g", "y", "Y", "t", "q", "pagedown"])
async def test_letters_home_and_end_work_with_a_focused_pane_too(session: Any, key: str) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "tab")
        before = (list(session.calls), app.theme, len(app.screen_stack), message_of(app))
        session.unsaved = True
        await press(pilot, key)
        assert (list(session.calls), app.theme, len(app.screen_stack), message_of(app)) != before


async def test_nothing_has_the_focus_at_the_start(session: Any) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=SIZE):
        assert app.screen.focused is None


async def test_a_held_key_drops_frames_but_no_steps(session: Any) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=SIZE) as pilot:
        painted = session.views
        for _ in range(40):
            app.main.action_do("next")
        await settled(pilot)
        assert session.position == 72
        assert session.views - painted < 5
        assert "TERM 72 of 91" in text_of(app)[0]


async def test_tab_goes_round_and_escape_lets_go(session: Any) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=SIZE) as pilot:
        seen = []
        for key in ("tab", "tab", "tab", "tab", "shift+tab", "escape"):
            await press(pilot, key)
            seen.append(app.screen.focused.id if app.screen.focused else None)
        assert seen == ["tensors", "local", "gradients", "tensors", "gradients", None]


async def test_arrows_move_the_cursor_through_the_grids(session: Any) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "tab", "down", "down", "right")
        assert "i[8] = 8.0" in text_of(app)[-4]
        await press(pilot, "down")
        assert "w1[2] = 1.0" in text_of(app)[-4]
        await press(pilot, "up")
        assert "i[8] = 8.0" in text_of(app)[-4]
        assert session.calls == []
        x, y = app.cursor_position
        assert text_of(app)[y][x] == "8"
        await press(pilot, "escape", "right")
        assert session.calls == ["next"]


async def test_the_terminals_cursor_sits_on_the_number_written_now(session: Any) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "n")
        x, y = app.cursor_position
        assert text_of(app)[y][x - 2 : x + 3] == "<48…>"


async def test_enter_goes_to_the_writer_and_backspace_comes_back(session: Any) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "enter")
        assert "no number is chosen" in message_of(app)
        await press(pilot, "tab", "tab", "tab", "right", "enter", "backspace")
        assert session.calls == [("writer", "grad(w1)", 1), "back"]


async def test_enter_on_a_product_says_that_no_step_wrote_it(session: Any) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "tab", "tab", "enter")
        assert "no step wrote it" in message_of(app)
        assert session.calls == []


async def test_copying_shows_the_text_too(session: Any) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "tab", "down", "y")
        assert app.clipboard == "4.0"
        assert message_of(app) == "copied 4.0"
        await press(pilot, "Y")
        assert app.clipboard == "[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]"
        assert app.clipboard in text_of(app)[-4]
        await press(pilot, "tab", "tab", "right", "y")
        assert app.clipboard == "None"


async def test_channels_change_and_say_which(large_session: Any) -> None:
    app = ConvstepApp(large_session)
    async with app.run_test(size=(120, 50)) as pilot:
        assert any("[0, 12, " in line for line in text_of(app))
        await press(pilot, "pagedown")
        assert any("[0, 13, " in line for line in text_of(app))
        await press(pilot, "pageup", "pageup")
        assert any("[0, 11, " in line for line in text_of(app))
        await press(pilot, "n")
        assert any("[0, 12, " in line for line in text_of(app))


async def test_the_wheel_scrolls_the_grid_under_the_mouse(large_session: Any) -> None:
    app = ConvstepApp(large_session)
    async with app.run_test(size=(120, 50)) as pilot:
        pane = app.screen.query_one("#tensors", Pane)
        before = pane.drawn.placed[0].window
        wheel = (pane, 5, 5, 0, 1, 0, False, False, False)
        pane.post_message(events.MouseScrollDown(*wheel))
        await pilot.pause()
        assert pane.drawn.placed[0].window.row == before.row + 1
        pane.post_message(events.MouseScrollUp(*wheel))
        await pilot.pause()
        assert pane.drawn.placed[0].window == before


async def test_the_wheel_stops_where_the_rest_of_a_pane_is_seen() -> None:
    app = ConvstepApp(opened("two_conv", "term 30"))
    async with app.run_test(size=SIZE) as pilot:
        pane = app.main.query_one("#gradients", Pane)

        async def first_line_after(event: type[events.MouseEvent]) -> str:
            pane.post_message(event(pane, 5, 1, 0, 0, 0, False, False, False))
            await settled(pilot)
            return pane.drawn.strips[1].text

        seen = [pane.drawn.strips[1].text]
        while (line := await first_line_after(events.MouseScrollDown)) != seen[-1]:
            seen.append(line)
        assert "more" not in pane.drawn.strips[-1].text and isinstance(pane.blocks[-1], Note)
        assert any(strip.text[2:].startswith(pane.blocks[-1].text[:9]) for strip in pane.drawn.strips)
        for _ in range(5):
            await first_line_after(events.MouseScrollDown)
        assert [await first_line_after(events.MouseScrollUp) for _ in seen[1:]] == seen[-2::-1]


async def test_go_to(session: Any) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "g", "z", "enter")
        assert any("there is no z" in line for line in text_of(app))
        await press(pilot, "backspace", "1", "2", "enter")
        assert session.position == 12
        assert message_of(app) == "at 12"
        await press(pilot, "g", "escape")
        assert len(app.screen_stack) == 1


async def test_go_to_completes_names(session: Any) -> None:
    from textual.widgets import Input

    app = ConvstepApp(session)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "g", "g", "r")
        await pilot.pause(0.1)
        await press(pilot, "tab")
        assert app.screen.query_one(Input).value == "grad(o1)"


async def test_save_takes_the_proposed_name_and_an_error_loses_nothing(session: Any) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "n", "ctrl+s", "slash", "enter")
        assert any("there is no such directory" in line for line in text_of(app))
        await press(pilot, "backspace", "enter")
        assert session.calls[-1] == ("save", "two_conv-32.snapshot")
        assert message_of(app) == "saved to two_conv-32.snapshot"


async def test_help_names_every_action(session: Any) -> None:
    from convstep.tui.dialogs.help import help_text

    assert all(action.shown in help_text() for action in ACTIONS)
    app = ConvstepApp(session)
    async with app.run_test(size=(100, 60)) as pilot:
        await press(pilot, "question_mark")
        assert any("Where one is" in line for line in text_of(app))
        await press(pilot, "down", "end", "home")
        assert session.calls == []
        await press(pilot, "question_mark")
        assert len(app.screen_stack) == 1


async def test_help_says_what_the_networks_author_has_to_say(session: Any) -> None:
    from convstep.tui.dialogs.help import HelpDialog

    app = ConvstepApp(session)
    async with app.run_test(size=(100, 60)) as pilot:
        app.push_screen(HelpDialog(about="How does C react\n  to w1[1] [/red]?"))
        await pilot.pause()
        assert any("How does C react to w1[1] [/red]?" in line for line in text_of(app))


async def test_the_palette_lists_the_registry(session: Any) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "ctrl+p")
        rows = app.screen.query_one(Rows)
        assert [option.id for option in rows.options] == [action.id for action in ACTIONS if action.id != "palette"]
        await press(pilot, *"prev step")
        assert rows.options[0].id == "previous"
        await press(pilot, "enter")
        assert session.calls == ["previous"]
        assert len(app.screen_stack) == 1


async def test_the_palette_does_nothing_where_nothing_fits(session: Any) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "ctrl+p", *"xyzzy", "pagedown", "enter")
        assert len(app.screen_stack) == 2
        assert any("no action has these words" in line for line in text_of(app))
        await press(pilot, "escape")
        assert session.calls == []


@pytest.mark.parametrize("key", ["q", "ctrl+q", "ctrl+c"])
async def test_quitting_is_quick_unless_something_is_lost(session: Any, key: str) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "n", key)
        assert app.is_running
        assert "q again" in message_of(app)
        await press(pilot, "n", key)
        assert app.is_running
        session.unsaved = False
        await press(pilot, key)
        assert not app.is_running


async def test_the_theme_changes_and_is_remembered(session: Any) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=SIZE) as pilot:
        assert app.theme == "convstep-dark"
        await press(pilot, "t")
        assert app.theme == "convstep-light"
    again = ConvstepApp(session)
    async with again.run_test(size=SIZE):
        assert again.theme == "convstep-light"


async def test_clicks(session: Any) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.click("#program", offset=(4, 4))
        assert session.calls.pop() == ("operation", 5)
        await pilot.click("#timeline", offset=(1, 0))
        assert session.calls.pop() == ("share", 0.0)
        await pilot.click("#footer", offset=(2, 0))
        assert session.calls.pop() == "next"
        await pilot.click("#tensors", offset=(10, 2))
        await pilot.pause()
        assert app.screen.focused is not None
        assert any("i[2] = 2.0" in line for line in text_of(app))


async def test_a_message_goes_with_the_next_key(session: Any) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "s")
        assert "a term is the finest" in text_of(app)[-4]
        await press(pilot, "n")
        assert "a term is the finest" not in text_of(app)[-4]


@pytest.mark.parametrize("size", [(10, 5), (20, 8), (40, 12), (76, 24), (80, 24), (100, 30), (160, 50), (300, 100)])
async def test_every_size_works_and_so_does_a_resize(large_session: Any, size: tuple[int, int]) -> None:
    app = ConvstepApp(large_session)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.resize_terminal(*size)
        await press(pilot, "n", "tab", "down", "tab", "tab", "pagedown", "escape")
        lines = text_of(app)
        assert len(lines) == size[1]
        assert {len(line) for line in lines} == {size[0]}
        assert any(pane.region.area for pane in app.main.panes)


async def test_narrow_screens_show_the_pane_that_tab_reaches(session: Any) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=(50, 20)) as pilot:
        assert any("Local derivatives" in line for line in text_of(app))
        await press(pilot, "tab")
        await until(lambda: any("Tensors · 1 of 3" in line for line in text_of(app)))


async def test_a_key_that_stands_for_nothing_says_so(session: Any) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "z")
        assert any("z does nothing here; ? tells what the keys do" in line for line in text_of(app))
        await press(pilot, "n", "tab", "up", "down")
        assert not any("does nothing here" in line for line in text_of(app))
        await press(pilot, "f5")
        assert any("f5 does nothing here" in line for line in text_of(app))


async def test_ascii_only(session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVSTEP_ASCII", "1")
    app = ConvstepApp(session)
    async with app.run_test(size=(120, 40)):
        lines = text_of(app)
    assert all(line.isascii() for line in lines)
    assert {len(line) for line in lines} == {120}


async def test_no_color_leaves_no_colour(session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = ConvstepApp(session)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "n", "g")
        styles = [segment.style for strip in app.screen._compositor.render_strips() for segment in strip]
    for style in styles:
        assert style is None or all(c is None or c.is_default for c in (style.color, style.bgcolor))
