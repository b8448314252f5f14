"""`l` and `r`: the loss curve, a weight's updates, every layer at a glance."""

from __future__ import annotations

import pytest
from gate import Gate, until
from networks import sample
from playing import press, text_of

from convstep.debugger.opening import open_session
from convstep.debugger.session import Session
from convstep.tui.app import ConvstepApp
from convstep.tui.dialogs.summary import SummaryDialog, spark
from convstep.tui.dialogs.training import TrainingDialog
from convstep.tui.dialogs.weight import FollowDialog, WeightDialog

SIZE = (80, 24)


@pytest.fixture
def digits() -> Session:
    return open_session(sample("digits"))


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


async def test_the_curve_is_scrubbed_and_enter_goes_there(digits: Session) -> None:
    app = ConvstepApp(digits)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "n", "n", "l", "right", "right")
        assert isinstance(app.screen, TrainingDialog)
        assert app.screen.course.complete
        text = text_of(app)
        assert f"iteration 2 of 60: loss = {digits.recording.losses[2]:.6g}, lr = 0.1, gradient norm = " in text
        assert "●" in text
        await press(pilot, "end")
        assert "iteration 59 of 60" in text_of(app)
        await press(pilot, "home", "3", "2", "enter")
        assert app.screen is app.main
        assert (digits.place.iteration, digits.place.step) == (32, 1), "the same step"


async def test_one_iteration_is_no_curve() -> None:
    app = ConvstepApp(open_session(sample("two_conv")))
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "l")
        text = text_of(app)
        assert "iteration 0 of 1: C = 9" in text and "One iteration is no curve yet" in text
        assert "┊" not in text


async def test_iterations_are_run_beside_the_screen_and_given_up(digits: Session, gate: Gate) -> None:
    app = ConvstepApp(digits)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("l")
        await until(lambda: isinstance(app.screen, TrainingDialog) and app.main.jobs.job is not None)
        await pilot.press("5")
        await pilot.pause()
        assert "not run yet" in text_of(app)
        await pilot.press("escape")
        await until(lambda: app.main.jobs.job is None)
        await pilot.pause()
        assert isinstance(app.screen, TrainingDialog), "the first escape gives up what is run"
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is app.main
        assert len(digits.recording.losses) == 1


async def test_enter_during_the_run_waits_for_its_end(digits: Session, gate: Gate) -> None:
    app = ConvstepApp(digits)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("l")
        await until(lambda: app.main.jobs.job is not None)
        await pilot.press("0", "enter")
        await until(lambda: app.screen is app.main)
        assert app.main.jobs.job is None


async def test_a_weight_is_followed_and_its_gradient_found(digits: Session) -> None:
    app = ConvstepApp(digits)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "l", "w")
        assert isinstance(app.screen, FollowDialog)
        await press(pilot, *"relu1", "enter")
        assert "is no parameter" in text_of(app)
        await press(pilot, *["backspace"] * 5, *"fc2.bias[3]", "enter")
        assert isinstance(app.screen, WeightDialog)
        text = text_of(app)
        assert "fc2.bias[3] = " in text and "momentum_buffer" in text
        await press(pilot, "down", "down", "enter")
        assert app.main.message == "grad(fc2.bias)[3] of iteration 2 came from here"
        assert digits.place.iteration == 2


async def test_the_parameter_under_the_cursor_is_followed_unasked() -> None:
    session = open_session(sample("two_conv"))
    app = ConvstepApp(session)
    async with app.run_test(size=SIZE) as pilot:
        session.go("grad(w1)")
        await press(pilot, "shift+tab", "l", "w")
        assert isinstance(app.screen, WeightDialog)
        assert "w1[1] = -1 − 0.1·(-30) = 2" in text_of(app)


async def test_layers_are_listed_by_kind_and_lead_to_their_steps() -> None:
    session = open_session(sample("two_conv"))
    app = ConvstepApp(session)
    async with app.run_test(size=SIZE) as pilot:
        session.go("grad(w1)")
        await press(pilot, "r")
        assert isinstance(app.screen, SummaryDialog)
        text = text_of(app)
        assert "▶ grad(w1)" in text and "Δw1" in text and "no NaN" in text
        await press(pilot, "tab", "tab")
        text = text_of(app)
        assert "[gradient]" in text and "Δw1" not in text and "grad(o2)" in text
        await press(pilot, "down", "down", "enter")
        assert session.state().step is not None
        assert app.screen is app.main
        assert session.place.step == 3, "grad(o2)"


@pytest.mark.parametrize("size", [(160, 50), (80, 24), (40, 12), (20, 8)])
async def test_pages_fit_every_size(digits: Session, size: tuple[int, int]) -> None:
    app = ConvstepApp(digits)
    async with app.run_test(size=size) as pilot:
        for keys in (("l", "escape"), ("r", "escape"), ("l", "w", *"fc2.bias[3]", "enter", "escape")):
            await press(pilot, *keys)
            assert app.screen is app.main


def test_a_histogram_is_eight_glyphs() -> None:
    assert spark((0, 1, 2, 4, 8, 4, 2, 1)) == " ▁▂▄█▄▂▁"
