"""`e`: walking from number to number with the keys, and to the steps behind them."""

from typing import Any

import pytest
from playing import opened, press, run, text_of

from convstep.tui.app import ConvstepApp
from convstep.tui.dialogs.explain import ExplainDialog


def dialog(app: ConvstepApp) -> ExplainDialog:
    assert isinstance(app.screen, ExplainDialog)
    return app.screen


def test_arrows_choose_a_link_and_enter_goes_to_its_step() -> None:
    session = opened("two_conv", "grad(w1)[1]")

    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "e", "down", "down", "enter")
        assert len(app.screen_stack) == 1
        assert session.view().where[-1] == "grad(o1)[2]"
        await press(pilot, "less_than_sign")
        assert session.view().where[-1] == "grad(w1)[1]"
        await press(pilot, "greater_than_sign")
        assert session.view().where[-1] == "grad(o1)[2]"
        await press(pilot, "greater_than_sign")
        assert "nothing to go forth to" in app.main.message

    run(session, play)


def test_a_long_formula_hangs_and_is_seen_from_its_beginning() -> None:
    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "e")
        lines = [line.partition("│")[2].partition("│")[0].rstrip() for line in text_of(app).splitlines()]
        assert lines[3] == "  grad(conv1.weight)[0,0,1,1] = ∂loss/∂conv1.weight[0,0,1,1]"
        assert lines[4].startswith("    = images[0,0,0,0]") and lines[5].startswith("        images[0,0,0,1]")

    run(opened("digits", "grad(conv1.weight)[0,0,1,1]"), play)


def test_the_chosen_row_is_marked_by_shape() -> None:
    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "e", "down")
        marked = [line for line in text_of(app).splitlines() if "│  ▶ " in line]
        assert len(marked) == 1 and "grad(o1)[1] = 12" in marked[0]

        await press(pilot, "escape", "x", "down")
        assert "▶ the formula of grad(w1)[1] as LaTeX" in text_of(app), "no letter is covered"
        assert "   the screen as SVG" in text_of(app)

    run(opened("two_conv", "grad(w1)[1]"), play)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_chosen_row_can_be_read(theme: str) -> None:
    session = opened("two_conv", "grad(w1)[1]")
    session.look["theme"] = theme

    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "e", "down")
        segments = [segment for strip in app.screen._compositor.render_strips() for segment in strip]
        style = next(segment.style for segment in segments if "grad(o1)[1] = 12" in segment.text)
        assert style is not None and style.color is not None and style.bgcolor is not None
        ink, ground = (sum(colour.get_truecolor()) for colour in (style.color, style.bgcolor))
        assert abs(ink - ground) > 250, (style.color, style.bgcolor)

    run(session, play)


def test_e_explains_the_chosen_number_and_back_and_forth_lead_through_them() -> None:
    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "e", "down", "e")
        assert dialog(app).shown.name == "grad(o1)[1]"
        await press(pilot, "less_than_sign")
        assert dialog(app).shown.name == "grad(w1)[1]"
        await press(pilot, "greater_than_sign")
        assert dialog(app).shown.name == "grad(o1)[1]"
        await press(pilot, "y", "escape")
        assert "grad(o1)[1] = ∂C/∂o1[1]" in app.clipboard
        assert len(app.screen_stack) == 1

    run(opened("two_conv", "grad(w1)[1]"), play)


def test_what_is_still_to_come_is_not_explained_but_may_be_gone_to() -> None:
    session = opened("two_conv", "o1[1]")

    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "e")
        rows = dialog(app).shown.rows
        coming = next(k for k, row in enumerate(rows) if "still to come" in row.text)
        listed = app.screen.query_one("OptionList")
        listed.highlighted = coming  # type: ignore[attr-defined]
        await press(pilot, "e")
        assert dialog(app).shown.name == "o1[1]"
        await press(pilot, "enter")
        assert session.place.step > 0

    run(session, play)


def test_it_has_room_on_any_screen() -> None:
    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "e")
        assert dialog(app).query_one("OptionList").size.height > 3
        await pilot.resize_terminal(30, 10)
        await press(pilot, "down", "escape")

    run(opened("digits", "grad(conv1.weight)[0,0,1,1]"), play)
