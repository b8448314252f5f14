"""The keys b B w W c C /, and searches after g, on a real session."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from playing import text_of
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from convstep.debugger.opening import open_session
from convstep.debugger.session import Session
from convstep.tui.app import ConvstepApp

NETS = Path(__file__).parents[2] / "sample_nets"
SIZE = (80, 24)


@pytest.fixture
def two_conv() -> Session:
    return open_session(NETS / "two_conv.yaml")


async def press(pilot: Pilot[Any], *keys: str) -> None:
    await pilot.press(*keys)
    await settle(pilot)


async def settle(pilot: Pilot[Any]) -> None:
    """Until work beside the screen is done and painted."""
    await pilot.pause()
    for _ in range(200):
        app = pilot.app
        assert isinstance(app, ConvstepApp)
        if app.main.jobs.job is None:
            break
        await pilot.pause(0.02)
    await pilot.pause()


async def answer(pilot: Pilot[Any], text: str) -> None:
    pilot.app.screen.query_one(Input).value = text
    await press(pilot, "enter")


def rows(pilot: Pilot[Any]) -> list[str]:
    listed = pilot.app.screen.query_one(OptionList)
    return [str(listed.get_option_at_index(k).prompt) for k in range(listed.option_count)]


async def test_b_sets_a_breakpoint_and_c_stops_there(two_conv: Session) -> None:
    app = ConvstepApp(two_conv)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "n", "n", "b")
        assert app.main.message == "breakpoint on operation o2: c and C stop there; B lists them, and adds conditions"
        await press(pilot, "home", "c")
        assert (two_conv.spot.position, app.main.message) == (1, "breakpoint 1: operation o2")
        await press(pilot, "c")
        assert two_conv.spot.position == 1
        assert "no stop comes after this" in app.main.message
        await press(pilot, "end", "C")
        assert two_conv.spot.position == 1
        await press(pilot, "b", "c")
        assert "there is nothing to stop at" in app.main.message


async def test_b_on_the_number_under_the_cursor(two_conv: Session) -> None:
    app = ConvstepApp(two_conv)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "n", "tab", "b")
        assert "no step writes i[1]" in app.main.message
        app.main.move(lambda: two_conv.go("o1[2]"))
        await press(pilot, "escape", "b")
        assert "breakpoint on o1[2]" in app.main.message


async def test_the_list_of_breakpoints_changes_them(two_conv: Session) -> None:
    app = ConvstepApp(two_conv)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "B")
        assert "none yet" in rows(pilot)[0]
        await press(pilot, "a")
        await answer(pilot, "grad(w1) if loss > 3 after 0 hits")
        assert rows(pilot) == ["1 grad(w1) if loss > 3"]
        assert "esc closes" in str(app.screen.query_one(OptionList).border_subtitle), "the keys stay"
        await press(pilot, "space")
        assert rows(pilot) == ["1 grad(w1) if loss > 3 (off)"]
        await press(pilot, "space", "enter")
        await answer(pilot, "grad(w1) if loss > 300")
        assert rows(pilot) == ["1 grad(w1) if loss > 300"]
        await press(pilot, "e")
        await answer(pilot, "grad(w1) if loss >")
        assert "column" in str(app.screen.query_one(".error").render())
        await press(pilot, "escape", "d")
        assert "none yet" in rows(pilot)[0]
        await press(pilot, "escape")
        assert two_conv.extras["breakpoints"] == []


async def test_w_watches_and_W_lists(two_conv: Session) -> None:
    app = ConvstepApp(two_conv)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "w")
        await answer(pilot, "loss > 3")
        assert "watching loss > 3; c stops when it becomes true" in app.main.message
        await press(pilot, "c")
        assert two_conv.spot.position == 2
        await press(pilot, "home", "W")
        assert rows(pilot) == ["1 loss > 3 = false  (c stops when it becomes true)"]
        await press(pilot, "space")
        assert rows(pilot) == ["1 loss > 3 = false"]
        await press(pilot, "space", "escape", "c")
        assert two_conv.spot.position == 2
        assert two_conv.extras["watches"] == [{"text": "loss > 3", "stops": True}]
        text = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        assert "loss > 3 = true" in text
        await press(pilot, "W", "d", "escape")
        assert two_conv.extras["watches"] == []


async def test_slash_lists_what_it_finds_and_enter_goes_there(two_conv: Session) -> None:
    app = ConvstepApp(two_conv)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "slash")
        await answer(pilot, "grad(w1) < 0")
        assert rows(pilot) == ["grad(w1)[1]  -30", "grad(w1)[2]  -18"]
        await press(pilot, "down", "enter")
        assert two_conv.spot.level == "element"
        assert two_conv.place.element == 1
        await press(pilot, "slash")
        await answer(pilot, "77")
        assert "nothing here" in app.main.message


@pytest.mark.parametrize(
    ("text", "level"), [("sum > 5", "term"), ("last o1[2]", "element"), ("loss > 3", "op"), ("backward o2", "op")]
)
async def test_g_searches(two_conv: Session, text: str, level: str) -> None:
    app = ConvstepApp(two_conv)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "n", "g")
        await answer(pilot, text)
        assert two_conv.spot.level == level
        await press(pilot, "backspace")
        assert two_conv.spot.position == 0


async def test_what_g_cannot_read_stays_in_the_dialog(two_conv: Session) -> None:
    app = ConvstepApp(two_conv)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "g")
        await answer(pilot, "o1 > o9")
        assert "no tensor" in str(app.screen.query_one(".error").render())


async def test_the_palette_searches_too(two_conv: Session) -> None:
    app = ConvstepApp(two_conv)
    async with app.run_test(size=SIZE) as pilot:
        app.main.action_do("find_nonfinite")
        await settle(pilot)
        assert "every number of the run is finite" in app.main.message
        app.main.action_do("find_last_write")
        await settle(pilot)
        assert app.screen.query_one(Input).value == "last "


async def test_a_number_that_is_not_finite_is_announced(two_conv: Session) -> None:
    session = open_session(NETS / "explodes.yaml")
    app = ConvstepApp(session)
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, "end")
        text = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        assert "first non-finite: iteration 4" in text
        await press(pilot, "g")
        await answer(pilot, "nan")
        assert "first non-finite: iteration" in app.main.message
        assert session.spot.level == "term"
        line = next(strip.text for strip in app.screen._compositor.render_strips() if "update" in strip.text)
        assert "!" in line


async def test_escape_gives_up_and_leaves_the_cursor(two_conv: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(*arguments: Any) -> None:
        while True:
            arguments[-1].check()
            time.sleep(0.001)

    monkeypatch.setattr("convstep.debugger.stops.continuing.run_to_stop", endless)
    two_conv.go("term 5")
    app = ConvstepApp(two_conv)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("c")
        await pilot.pause()
        assert app.main.jobs.job is not None
        await press(pilot, "escape")
        assert app.main.message == "stopped: you are where you were"
        assert (two_conv.spot.level, two_conv.spot.position) == ("term", 5)


async def test_what_is_added_in_a_list_is_kept_before_the_list_is_closed(two_conv: Session) -> None:
    app = ConvstepApp(two_conv)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "W", "a")
        await answer(pilot, "o1")
        assert [entry["text"] for entry in two_conv.extras["watches"]] == ["o1"]
        await press(pilot, "escape", "B", "a")
        await answer(pilot, "o2")
        assert len(two_conv.extras["breakpoints"]) == 1
        await press(pilot, "d")
        assert two_conv.extras["breakpoints"] == []


def lines(pilot: Pilot[Any]) -> list[str]:
    return [strip.text for strip in pilot.app.screen._compositor.render_strips()]


async def test_at_80_columns_the_first_nan_has_both_operands_and_the_summary_does_not_deny_it() -> None:
    session = open_session(NETS / "explodes.yaml")
    app = ConvstepApp(session)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "g")
        await answer(pilot, "nan")
        told = next(line for line in lines(pilot) if "first Inf" in line)
        assert "iteration 40, forward, out[0,0], from 4.18e153 · 4.47e155" in told
        await press(pilot, "N")
        assert "first Inf: iteration 40" in "\n".join(lines(pilot)), "announced from anywhere"
        await press(pilot, "n", "r")
        shown = "\n".join(lines(pilot))
        assert "no NaN" not in shown
        assert "first non-finite: iteration 40, forward, out[0,0] = Inf, from" in shown
        await press(pilot, "escape", "home", "r")
        assert "So far no NaN" in "\n".join(lines(pilot)), "there it had not happened"


@pytest.mark.parametrize("size", [(10, 5), (20, 8)])
async def test_what_one_types_is_seen_on_the_smallest_screen(two_conv: Session, size: tuple[int, int]) -> None:
    app = ConvstepApp(two_conv)
    async with app.run_test(size=size) as pilot:
        await press(pilot, "g", "4", "7")
        assert "47" in text_of(app)


@pytest.mark.parametrize(("where", "scale"), [("o1", "o1  -7"), ("C", "C  -9"), ("grad(w1)[1]", "grad(w1)  -30")])
async def test_the_legend_is_about_the_tensor_that_is_written(where: str, scale: str) -> None:
    app = ConvstepApp(open_session(NETS / "two_conv.yaml", at=where))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert scale in text_of(app).splitlines()[-3]
