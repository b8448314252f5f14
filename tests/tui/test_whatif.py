"""`i`, `u`, `U`: a change is typed, its effect is marked, and it is taken back."""

from __future__ import annotations

import pytest
from networks import sample
from playing import press, text_of

from convstep.debugger.opening import open_session
from convstep.debugger.session import Session
from convstep.engine.recording import Recording
from convstep.network import load
from convstep.tui.app import ConvstepApp
from convstep.tui.dialogs.whatif import WhatIfDialog
from convstep.tui.theme.colours import Palette
from convstep.tui.widgets.legend import legend_line


@pytest.fixture
def session() -> Session:
    return open_session(sample("two_conv"))


async def test_a_typed_change_is_marked_and_taken_back(session: Session) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=(80, 24)) as pilot:
        session.go("grad(w1)")
        await press(pilot, "i", *"w1[3]=0.5", "enter")
        assert app.main.message == "w1[3] = 0.5, was 3; C: 9 → 0.25; 37 numbers change"
        text = text_of(app)
        assert "0.5000*" in text and "x* changed" in text and "two_conv, what if" in text
        await press(pilot, "u")
        assert app.main.message == "no edits any more: these are the original numbers"
        assert "*" not in text_of(app)
        await press(pilot, "U")
        assert "0.5000*" in text_of(app)
        await press(pilot, "n", "N")
        assert "what if w1[3] = 0.5 · u undoes" in text_of(app), "the edits in force are listed"
        await press(pilot, "u", "u")
        assert app.main.message.startswith("nothing is edited")


async def test_the_number_under_the_cursor_is_asked_for_and_its_original_told(session: Session) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=(80, 24)) as pilot:
        session.go("o1")
        await press(pilot, "tab", "right", "i")
        assert isinstance(app.screen, WhatIfDialog)
        await press(pilot, *"7", "enter")
        name = app.main.number.name if app.main.number else ""
        await press(pilot, "right", "left")
        assert f"{name} was 2.0, now 7.0" in text_of(app)


async def test_what_follows_from_other_numbers_is_not_asked_for(session: Session) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=(80, 24)) as pilot:
        session.go("grad(w1)")
        await press(pilot, "shift+tab", "i")
        assert "follows from other numbers" in app.main.message
        assert app.screen is app.main


async def test_a_mistake_is_said_in_the_dialog_and_changes_nothing(session: Session) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "i", *"w1[9]=1", "enter")
        assert isinstance(app.screen, WhatIfDialog)
        assert "outside" in str(app.screen.query_one(".error").render())
        await press(pilot, "escape")
        assert session.recording is session.trial.original


async def test_a_setting_that_cannot_be_had_leaves_the_run_as_it_was(session: Session) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "i", *"lr=-1", "enter")
        assert "takes a number of 0 or more" in app.main.message
        assert session.recording is session.trial.original


async def test_another_iteration_of_both_runs_is_waited_for_beside_the_screen() -> None:
    session = open_session(sample("digits"))
    app = ConvstepApp(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "i", *"lr=0.01", "enter")
        session.trial.original.patience = session.recording.patience = 0.0
        await press(pilot, "end")
        assert session.place.iteration == 59
        assert "iteration 59" in text_of(app) and "*" in text_of(app)
        await press(pilot, "u")
        assert session.recording is session.trial.original
        assert "*" not in text_of(app)


@pytest.mark.parametrize("width", [60, 80, 160])
def test_the_legend_names_the_mark_of_changed_numbers(width: int) -> None:
    line = legend_line(30.0, width, Palette(), "grad(w1)", edited=True)
    assert "x* changed" in line.text
    assert line.cell_length == width


async def test_what_was_asked_is_answered_though_work_in_the_background_needed_the_memory() -> None:
    session = Session(Recording(load(sample("digits")), kept_bytes=0))
    session.recording.iteration(5)
    session.go("iteration 3")
    app = ConvstepApp(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "i", *"lr=0.5")
        session.recording.iteration(4)
        session.recording.patience = 0.0
        await press(pilot, "enter")
        assert len(session.trial.edits) == 1
        assert app.main.message.startswith("lr = 0.5")
