"""Names and texts from files reach the screen as they are: no markup, no escape sequences, no turned writing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import sample
from rich.style import Style

from convstep.commands.mine import read_gradients
from convstep.debugger.claims.mine import read_mine
from convstep.debugger.opening import open_session
from convstep.debugger.session import Session
from convstep.tui.app import ConvstepApp
from convstep.tui.dialogs.asking import AskingDialog
from convstep.tui.widgets.text import strip_of, visible

HOSTILE = "[red]x[/red]\x1b[31m\u202ey\x07\x9b"
SHOWN = "[red]x[/red]?[31m?y??"


def text_of(app: ConvstepApp) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


def test_the_pieces_of_a_line() -> None:
    assert visible(HOSTILE) == SHOWN
    assert visible("∂C/∂w1 × ⟨x…⟩ ━●┄ é") == "∂C/∂w1 × ⟨x…⟩ ━●┄ é"
    strip = strip_of([(HOSTILE, Style())], 40, Style())
    assert strip.text == SHOWN.ljust(40)
    assert strip.cell_length == 40


async def test_a_name_that_looks_like_markup(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text('name: "[red]n[/red]"\ninputs: {x: [[1, 2]]}\nlayers: [{name: r, op: ReLU}]\n')
    async with ConvstepApp(open_session(str(path))).run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "[red]n[/red]" in text_of(pilot.app)  # type: ignore[arg-type]


@pytest.fixture
def compared(tmp_path: Path) -> Session:
    """A session beside gradients from a file with a hostile name."""
    path = tmp_path / f"{HOSTILE.replace('/', '')}.npz"
    np.savez(path, w1=np.ones((2, 2)))
    session = open_session(sample("two_conv"), at="grad(w1)")
    session.mine = read_mine(session.recording.beside(), path.name, read_gradients(path), {})
    return session


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_a_file_name_with_escape_sequences(compared: Session, size: tuple[int, int]) -> None:
    async with ConvstepApp(compared).run_test(size=size) as pilot:
        app: Any = pilot.app
        for keys in ((), ("k",)):
            await pilot.press(*keys)
            await pilot.pause()
            text = text_of(app)
            assert text.replace("\n", "").isprintable()
        assert "[red]x[red]?[31m?y??.npz" in text


async def test_a_dialogs_title_and_messages() -> None:
    def take(text: str) -> str:
        raise AssertionError

    async with ConvstepApp(open_session(sample("two_conv"))).run_test(size=(100, 24)) as pilot:
        app: Any = pilot.app
        app.push_screen(AskingDialog(HOSTILE, f"hint {HOSTILE}", take, value=HOSTILE))
        await pilot.pause()
        text = text_of(app)
        assert SHOWN in text
        assert f"hint {SHOWN}" in text
        assert "\x1b" not in text and "\u202e" not in text


async def test_a_message() -> None:
    async with ConvstepApp(open_session(sample("two_conv"))).run_test(size=(80, 24)) as pilot:
        app: Any = pilot.app
        app.main.repaint(f"saved to {HOSTILE}")
        await pilot.pause()
        assert f"saved to {SHOWN}" in text_of(app)
