"""`v`: the views of a step go round, follow the steps, and agree."""

from pathlib import Path
from typing import Any

import pytest
from gate import Gate, until
from playing import opened, press, run, text_of

from convstep.tui.app import ConvstepApp
from convstep.tui.screens.views import ViewsScreen
from convstep.tui.settings import read_settings


def test_the_views_of_an_input_gradient_go_round() -> None:
    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "v")
        assert "[full convolution]" in text_of(app)
        assert "w1 turned by 180°" in text_of(app)
        assert "[-2]   [3]" in text_of(app)
        assert "gather 24 = scatter-add 24 = full convolution 24 = im2col 24" in text_of(app)
        await press(pilot, "v")
        assert "[im2col]" in text_of(app)
        await press(pilot, "v")
        assert "[gather]" in text_of(app)
        await press(pilot, "V", "escape")
        assert not isinstance(app.screen, ViewsScreen)

    run(opened("two_conv", "grad(i)[5]"), play)


def test_steps_go_on_and_the_marks_follow() -> None:
    session = opened("two_conv", "term 31")

    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "v", "n")
        assert "TERM 32 of 91" in text_of(app)
        assert "grad(w1)[1] so far: gather 48 = scatter-add 48 = correlation 48 = im2col 48" in text_of(app)
        assert "(12)   [18]" in text_of(app)
        await press(pilot, "N", "f")
        assert session.spot.level == "element"
        await press(pilot, "q")
        assert not isinstance(app.screen, ViewsScreen)
        assert "ELEMENT" in text_of(app)

    run(session, play)


def test_where_there_are_no_other_views_it_says_so() -> None:
    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "v")
        assert "no other views here" in app.main.message
        await press(pilot, "n", "v", "end")
        assert "no other views" in text_of(app)
        await press(pilot, "v")
        assert "no other views" in text_of(app)

    run(opened("two_conv", "start"), play)


def test_the_shortcut_of_cross_entropy() -> None:
    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "v", "V", "V", "V")
        assert "[shortcut p − y]" in text_of(app)

    run(opened("digits", "grad(fc2)[0,3]"), play, (160, 50))


@pytest.mark.parametrize("size", [(20, 6), (50, 20), (100, 30), (250, 70)])
def test_any_size_is_drawn(size: tuple[int, int]) -> None:
    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "v", "n", "v", "pagedown", "o", "s", "N")
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert "=" in text_of(app)

    run(opened("digits", "grad(conv2.weight)[0,0,1,1]"), play, size)


def test_a_step_to_an_iteration_that_has_to_be_run_is_waited_for_on_the_main_screen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate, session = Gate(monkeypatch), opened("digits", "grad(fc2)[0,3]")
    session.recording.patience = 0.0

    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "v", "n")
        assert isinstance(app.screen, ViewsScreen)
        here = session.standing
        await pilot.press("end")
        await until(lambda: app.main.jobs.job is not None)
        assert app.screen is app.main
        await pilot.press("escape")
        await until(lambda: app.main.jobs.job is None)
        assert session.standing == here, "the place of the last view"
        await press(pilot, "v")
        await pilot.press("end")
        gate.open.set()
        await until(lambda: app.main.jobs.job is None)
        assert session.place.iteration == 59

    run(session, play)


def test_keys_of_ones_own_step_here_too(tmp_path: Path) -> None:
    file, session = tmp_path / "convstep.toml", opened("two_conv", "term 31")
    file.write_text('[keys]\nnext = "j"\nviews = "w"\n')

    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "w", "j")
        assert "TERM 32 of 91" in text_of(app) and "[correlation]" in text_of(app)
        assert "w next view · V previous · j N s f o step on" in text_of(app)
        await press(pilot, "n", "v")
        assert "TERM 32 of 91" in text_of(app) and "[correlation]" in text_of(app)
        await press(pilot, "w")
        assert "[im2col]" in text_of(app)

    run(session, play, settings=read_settings(file))
