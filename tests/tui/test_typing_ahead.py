"""Keys that come faster than dialogs open: a paste of keys, a script, a quick typist on a slow line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual._compositor import ChopsUpdate
from textual.events import Key
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Input

from convstep.debugger.opening import open_session
from convstep.tui.app import ConvstepApp
from convstep.tui.curtain import Curtain

NETS = Path(__file__).parents[2] / "sample_nets"
CONTROL = {"\x10": "ctrl+p", "\x13": "ctrl+s", "\x15": "ctrl+u", "\r": "enter", "\x1b": "escape"}


async def burst(pilot: Pilot[Any], keys: str) -> None:
    """All of them at once, as a terminal hands over what it has read."""
    for key in keys:
        pilot.app.post_message(Key(CONTROL.get(key) or _character_to_key(key), key))
    for _ in range(40):
        await pilot.pause()


@pytest.mark.parametrize("name", ["short", "two_conv160", "n n s"])
async def test_a_snapshots_name_arrives_whole(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = ConvstepApp(open_session(str(NETS / "two_conv.yaml")))
    async with app.run_test(size=(80, 24)) as pilot:
        await burst(pilot, f"\x13\x15{name}\r")
        assert len(app.screen_stack) == 1
        assert [path.name for path in tmp_path.iterdir()] == [name]
        assert app.session.spot.position == -1


async def test_keys_after_a_dialog_go_to_the_screen_below() -> None:
    app = ConvstepApp(open_session(str(NETS / "two_conv.yaml")))
    async with app.run_test(size=(80, 24)) as pilot:
        await burst(pilot, "nng5\rnng\x1bn")
        assert len(app.screen_stack) == 1
        assert app.session.spot.position == 8


async def test_pages_opened_and_closed_in_one_burst() -> None:
    app = ConvstepApp(open_session(str(NETS / "two_conv.yaml")))
    async with app.run_test(size=(80, 24)) as pilot:
        await burst(pilot, "n?\x1bnr\x1bnv\x1bn")
        assert len(app.screen_stack) == 1
        assert app.session.spot.position == 3


async def test_a_dialog_is_painted_once_when_it_opens_and_when_it_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    # However slow the machine.
    monkeypatch.setattr("convstep.tui.curtain._LONGEST", 60.0)
    monkeypatch.setattr(Input, "cursor_blink", False)
    app = ConvstepApp(open_session(str(NETS / "two_conv.yaml")))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        painted: list[str] = []
        display = app._display

        def watched(screen: Any, renderable: Any) -> None:
            if not app._batch_count and renderable is not None:
                painted.append(type(screen).__name__)
            display(screen, renderable)

        monkeypatch.setattr(app, "_display", watched)
        await burst(pilot, "g")
        assert painted == ["GoDialog"]
        painted.clear()
        await burst(pilot, "\x1b")
        assert painted == ["MainScreen"]


@pytest.mark.parametrize("keys", ["g\x1b", "?\x1b", "x\x1b", "\x10\x1b", "e\x1b"])
async def test_a_dialog_is_painted_where_it_stands(keys: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convstep.tui.curtain._LONGEST", 60.0)
    monkeypatch.setattr(Input, "cursor_blink", False)
    app = ConvstepApp(open_session(str(NETS / "two_conv.yaml"), at="grad(w1)[1]"))
    async with app.run_test(size=(160, 50)) as pilot:
        await pilot.pause()
        painted: list[Any] = []
        display = app._display
        monkeypatch.setattr(app, "_display", lambda screen, update: (painted.append(update), display(screen, update)))
        await burst(pilot, keys[0])
        box = app.screen.children[0].region
        await burst(pilot, keys[1])
        assert len(app.screen_stack) == 1
        within = [update for update in painted if update is not None]
        assert len(within) >= 2 and all(isinstance(update, ChopsUpdate) for update in within)
        rows = {y for update in within for y, *_ in update.spans}
        assert rows <= {*box.line_range, *app.main.get_child_by_id("message").region.line_range}


async def test_the_screen_is_painted_though_an_answer_never_comes() -> None:
    app = ConvstepApp(open_session(str(NETS / "two_conv.yaml")))
    async with app.run_test(size=(80, 24)) as pilot:
        curtain = Curtain(app)
        curtain.down()
        assert app._batch_count
        await pilot.pause(0.3)
        assert not app._batch_count
