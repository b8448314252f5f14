"""`x`: choose, name, and there is a file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import sample
from playing import press, run

from convstep.debugger.opening import open_session
from convstep.debugger.session import Session
from convstep.engine.recording import Recording
from convstep.network import load
from convstep.tui.app import ConvstepApp
from convstep.tui.dialogs.export import ExportDialog, FileNameDialog


@pytest.fixture(autouse=True)
def _in_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_screen_without_the_dialog() -> None:
    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "x")
        assert isinstance(app.screen, ExportDialog)
        await press(pilot, "enter")
        assert isinstance(app.screen, FileNameDialog)
        await press(pilot, "enter")
        await pilot.pause()
        assert app.main.message == "wrote two_conv-1.svg"
        text = Path("two_conv-1.svg").read_text()
        assert "Accumulated" in text
        assert "Export" not in text

    run(open_session(sample("two_conv"), at="term 32"), play)


def test_a_screen_whose_iteration_has_to_be_run_first_does_not_end_the_program() -> None:
    session = Session(Recording(load(sample("digits")), kept_bytes=0))
    session.recording.iteration(5)
    session.go("iteration 3")

    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "x", "enter")
        session.recording.iteration(4)
        session.recording.patience = 0.0
        await press(pilot, "enter")
        assert app.is_running
        assert app.main.message in ("iteration 3 is not there yet", "wrote digits-1.svg", "")
        await press(pilot, "x", "enter", "enter")
        await pilot.pause()
        assert list(Path.cwd().glob("digits-*.svg"))

    run(session, play)


def test_a_formula_goes_to_the_clipboard_too() -> None:
    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "x", "down", "enter", "enter")
        text = Path("two_conv-grad-w1-1-1.tex").read_text()
        assert text == app.clipboard
        assert r"\begin{aligned}" in text

    run(open_session(sample("two_conv"), at="grad(w1)[1]"), play)


def test_the_tensor_under_the_cursor_whole_or_as_it_is_seen() -> None:
    session = open_session(sample("digits"), at="loss")

    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "tab", "x")
        assert isinstance(app.screen, ExportDialog)
        choices = list(app.screen.rows)
        assert "fc2 as npy" in choices
        await press(pilot, *["down"] * choices.index("fc2 as npy"), "enter", "enter")
        assert "wrote fc2 to digits-fc2-1.npy" in app.main.message
        assert np.array_equal(np.load("digits-fc2-1.npy"), session.recording.iteration(0).values["fc2"])
        await press(pilot, "x")
        slices = [choice for choice in choices if choice.endswith("] as CSV")]
        await press(pilot, *["down"] * choices.index(slices[0]), "enter", "enter")
        assert len(Path("digits-fc2-slice-1.csv").read_text().splitlines()) == 4

    run(session, play)


def test_a_name_that_exists_is_refused_and_another_one_taken() -> None:
    async def play(app: ConvstepApp, pilot: Any) -> None:
        Path("a.csv").write_text("")
        await press(pilot, "x", "down", "down", "down", "enter", "ctrl+u")
        await press(pilot, *["backspace"] * 40, *"a.csv", "enter")
        assert isinstance(app.screen, FileNameDialog)
        await press(pilot, "left", "left", "left", "left", "b", "enter")
        assert "wrote grad(w1) to ab.csv; 3 of 4 not written yet" in app.main.message

    run(open_session(sample("two_conv"), at="term 32"), play)


def test_at_the_start_there_is_no_formula() -> None:
    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "x")
        assert isinstance(app.screen, ExportDialog)
        assert not any("formula" in choice for choice in app.screen.rows)
        await press(pilot, "escape")
        assert len(app.screen_stack) == 1

    run(open_session(sample("two_conv")), play)
