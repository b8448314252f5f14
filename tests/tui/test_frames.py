"""What one key changes comes in one frame: Textual shows the next one only a sixtieth of a second later."""

from __future__ import annotations

import pytest
from networks import sample
from textual._compositor import CompositorUpdate
from textual.geometry import Region

from convstep.debugger.opening import open_session
from convstep.tui.app import ConvstepApp
from convstep.tui.widgets.lines import Lines


@pytest.fixture
def app() -> ConvstepApp:
    return ConvstepApp(open_session(sample("digits"), at="grad(conv2.weight)[0,0,0,0]"))


@pytest.mark.parametrize(
    "keys", [["n"], ["tab"], ["tab", "tab"], ["tab", "down"], ["tab", "pagedown"], ["tab", "escape"]]
)
async def test_a_key_is_shown_in_one_frame(app: ConvstepApp, keys: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[object] = []
    async with app.run_test(size=(160, 50)) as pilot:
        await pilot.press(*keys[:-1])
        await pilot.pause(0.05)
        monkeypatch.setattr(ConvstepApp, "_display", lambda _, __, update: shown.append(update) if update else None)
        await pilot.press(keys[-1])
        await pilot.pause(0.1)
    assert len(shown) == 1


async def test_a_line_that_stays_the_same_stays_the_same_object(app: ConvstepApp) -> None:
    async with app.run_test(size=(160, 50)) as pilot:
        await pilot.press("n", "N", "n", "N")
        lines = {lines: list(lines._strips) for lines in app.main.query(Lines)}
        await pilot.press("n", "N")
        assert all(a is b for lines_, kept in lines.items() for a, b in zip(kept, lines_._strips, strict=True))


async def test_what_was_to_be_painted_on_a_larger_screen(app: ConvstepApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that is there no more once the window is smaller is not painted."""
    painted: list[CompositorUpdate] = []
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.05)
        monkeypatch.setattr(ConvstepApp, "_display", lambda _, __, update: painted.append(update) if update else None)
        app.screen._compositor._dirty_regions.update((Region(0, 23, 80, 3), Region(0, 30, 80, 1), Region(0, 1, 90, 1)))
        app.screen._compositor_refresh()
        app.screen._compositor._dirty_regions.add(Region(0, 30, 80, 1))
        app.screen._compositor_refresh()
        (update,) = painted
        assert update.render_segments(app.console)
        await pilot.pause()
