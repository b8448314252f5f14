"""The real app on the sample nets: what every key does, and what the screen then looks like."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from convstep.debugger.opening import open_session
from convstep.debugger.screen.view import Lazy
from convstep.debugger.session import Session
from convstep.tui.app import ConvstepApp

NETS = Path(__file__).parents[2] / "sample_nets"
SIZES = [(80, 24), (120, 40), (200, 60)]

# Every phase and level, gather and scatter, small and large.
PLACES = [
    ("two_conv", "start"),
    ("two_conv", "element 1"),
    ("two_conv", "term 32"),
    ("two_conv", "new(w1)[2]"),
    ("conv_pool_sigmoid", "pool[0,0,1,1]"),
    ("digits", "loss"),
    ("digits", "term 50000"),
]


def opened(net: str, at: str = "start") -> Session:
    return open_session(str(NETS / f"{net}.yaml"), at=at)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(("net", "at"), PLACES, ids=lambda text: "".join(c if c.isalnum() else "_" for c in text))
def test_the_screen(snap_compare: Any, net: str, at: str, size: tuple[int, int]) -> None:
    assert snap_compare(ConvstepApp(opened(net, at)), terminal_size=size)


def test_the_screen_in_scatter_order(snap_compare: Any) -> None:
    assert snap_compare(ConvstepApp(opened("two_conv", "term 32")), terminal_size=(80, 24), press=["o"])


def run(
    session: Session, play: Callable[[ConvstepApp, Any], Awaitable[None]], size: tuple[int, int] = (80, 24)
) -> None:
    """Let `play` use the app on a screen of this size."""

    async def main() -> None:
        app = ConvstepApp(session)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await play(app, pilot)

    asyncio.run(main())


def screen_of(app: ConvstepApp) -> list[str]:
    """The lines of the screen with their styles, the line of passing messages aside."""
    lines = app.screen._compositor.render_strips()
    message = app.main.query_one("#message").region.y
    return [repr(list(strip)) for y, strip in enumerate(lines) if y != message]


@pytest.mark.parametrize("at", ["start", "op 20", "element 500", "term 30000", "term 50000"])
def test_five_steps_forward_and_back_come_to_the_same_screens(at: str) -> None:
    async def play(app: ConvstepApp, pilot: Any) -> None:
        there = [screen_of(app)]
        for _ in range(5):
            await pilot.press("n")
            await pilot.pause()
            there.append(screen_of(app))
        for expected in reversed(there[:-1]):
            await pilot.press("N")
            await pilot.pause()
            assert screen_of(app) == expected

    run(opened("digits", at), play)


def test_a_saved_snapshot_reopens_to_the_same_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    session = opened("digits", "iteration 2")
    seen: list[list[str]] = []

    async def save(app: ConvstepApp, pilot: Any) -> None:
        await pilot.press("s", "n", "n", "s", "n", "o", "tab", "down", "t", "escape")
        await pilot.pause()
        seen.append(screen_of(app))
        await pilot.press("ctrl+s")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert Path("digits-1.convstep").exists()

    async def look(app: ConvstepApp, pilot: Any) -> None:
        seen.append(screen_of(app))

    run(session, save, (120, 40))
    run(open_session("digits-1.convstep"), look, (120, 40))
    assert seen[0] == seen[1]


def test_every_stepping_key() -> None:
    session = opened("two_conv")

    async def play(app: ConvstepApp, pilot: Any) -> None:
        async def after(key: str) -> tuple[str, str, int]:
            await pilot.press(key)
            await pilot.pause()
            return session.spot.level, session.spot.order, session.spot.position

        assert await after("n") == ("op", "gather", 0)
        assert await after("right") == ("op", "gather", 1)
        assert await after("N") == ("op", "gather", 0)
        assert await after("s") == ("element", "gather", 0)
        assert await after("S") == ("term", "gather", 3)
        assert await after("left") == ("term", "gather", 2)
        assert await after("f") == ("element", "gather", 0)
        assert await after("down") == ("term", "gather", 0)
        assert await after("up") == ("element", "gather", 0)
        assert await after("F") == ("op", "gather", -1)
        assert await after("end") == ("op", "gather", 10)
        assert await after("home") == ("op", "gather", -1)
        assert await after("backspace") == ("op", "gather", 10)
        assert await after("F") == ("op", "gather", -1)
        assert await after("f") == ("op", "gather", 10)
        session.go("term 32")
        assert await after("o") == ("term", "scatter", 35)
        assert await after("o") == ("term", "gather", 32)

    run(session, play)


def test_go_to_and_who_wrote_this() -> None:
    session = opened("two_conv")

    async def play(app: ConvstepApp, pilot: Any) -> None:
        await pilot.press("g", *"grad(w1)[1]", "enter")
        await pilot.pause()
        assert (session.spot.level, session.spot.position) == ("element", 16)
        # In the first pane the cursor is on i; three tensors on is o1, which the forward pass wrote.
        await pilot.press("tab", *["down"] * 5)
        await pilot.press("enter")
        await pilot.pause()
        assert session.spot.level == "element"
        assert session.recording.timeline.steps[session.place.step].writes == "o1"
        await pilot.press("backspace")
        await pilot.pause()
        assert (session.spot.level, session.spot.position) == ("element", 16)

    run(session, play)


def test_e_explains_the_number_that_a_step_is_about() -> None:
    session = opened("two_conv")

    async def play(app: ConvstepApp, pilot: Any) -> None:
        await pilot.press("e")
        await pilot.pause()
        assert "nothing has happened yet" in app.main.message
        session.go("grad(w1)[1]")
        await pilot.press("e")
        await pilot.pause()
        text = app.screen.shown.text  # type: ignore[attr-defined]
        assert "1·12 + 2·18 + 4·(-12) + 5·(-6)" in text
        assert "Σ = -30, the recorded gradient" in text
        await pilot.press("escape")
        # In the first pane the cursor is on i, which nothing computes; the gradients' pane starts with grad(w1).
        await pilot.press("shift+tab", "right", "e")
        await pilot.pause()
        assert "grad(w1)[2] is not written yet" in app.main.message

    run(session, play)


@pytest.mark.parametrize("size", [(10, 5), (30, 10), (60, 20), (300, 100)])
def test_any_size_is_drawn(size: tuple[int, int]) -> None:
    async def play(app: ConvstepApp, pilot: Any) -> None:
        for key in ("n", "s", "n", "tab", "down", "escape", "f", "end"):
            await pilot.press(key)
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert app.size == (80, 24)

    run(opened("digits", "op 30"), play, size)


async def test_a_key_makes_only_what_is_seen() -> None:
    app = ConvstepApp(opened("resnet18", "conv1"))
    async with app.run_test(size=(160, 50)) as pilot:
        await pilot.press("n")
        await pilot.pause()
        gradients = app.main.panes[2].blocks
        assert isinstance(gradients, Lazy)
        assert len(gradients._made) < len(gradients) / 2, "what has no room is not made"
