"""`p` and `P`: results are `?` until they are typed or shown; in a pane `p` pins its slice."""

from typing import Any

from networks import sample
from playing import opened, press, run, text_of

from convstep.debugger.keeping.snapshot import open_graph
from convstep.debugger.session import Session
from convstep.engine.recording import Recording
from convstep.tui.app import ConvstepApp
from convstep.tui.dialogs.predict import PredictDialog


def test_a_number_is_typed_right_away_and_tried_again() -> None:
    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "p", "n")
        assert "What is i[2]·g[2] = 2·18? Type the number" in text_of(app)
        assert "<?>" in text_of(app)
        await press(pilot, "4", "8", "enter")
        assert isinstance(app.screen, PredictDialog)
        assert "that is the sum so far, not this product" in text_of(app)
        await press(pilot, "backspace", "backspace", "3", "6", "enter")
        assert not isinstance(app.screen, PredictDialog)
        assert "right; grad(w1)[1], result of term 2 = 36" in app.main.message
        assert "<48…>" in text_of(app)
        await press(pilot, "n")
        assert "<?>" in text_of(app)
        await press(pilot, "p")
        assert "<0…>" in text_of(app)

    run(opened("two_conv", "term 31"), play)


def test_a_number_that_is_typed_while_its_iteration_is_not_at_hand() -> None:
    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "p", "n")
        app.session.recording.iteration(1)  # lets go of the first
        app.session.recording.patience = 0.0
        await press(pilot, "4")
        assert isinstance(app.screen, PredictDialog)

    session = Session(Recording(open_graph(sample("two_conv"), 2), kept_bytes=0))
    session.go("term 31")
    run(session, play)


def test_enter_asks_and_enter_on_nothing_or_escape_shows_it() -> None:
    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "p", "n", "enter", "enter")
        assert "<48…>" in text_of(app)
        await press(pilot, "n", "enter", "escape")
        assert "<0…>" in text_of(app)
        await press(pilot, "n", "escape")
        assert "<-30>" in text_of(app)

    run(opened("two_conv", "term 31"), play)


def test_what_would_give_the_result_away_waits() -> None:
    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "p", "n")
        for key in ("e", "v"):
            await press(pilot, key)
            assert len(app.screen_stack) == 1
            assert "the result is hidden" in app.main.message
        await press(pilot, "shift+tab", "y")
        assert app.clipboard == "None"

    run(opened("two_conv", "term 31"), play)


def test_a_step_among_the_other_views_does_not_give_it_away() -> None:
    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "p", "v", "n")
        assert len(app.screen_stack) == 1
        assert "<?>" in text_of(app)

    run(opened("two_conv", "term 31"), play)


def test_an_audience_sees_nothing_until_a_key_shows_it() -> None:
    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "P", "n")
        assert "Escape shows it." in text_of(app)
        await press(pilot, "enter")
        assert "<48…>" in text_of(app)
        await press(pilot, "n", "P")
        assert "results are shown again" in app.main.message
        assert "<0…>" in text_of(app)

    run(opened("two_conv", "term 31"), play)


def test_p_in_a_pane_pins_its_slice_and_lets_it_go() -> None:
    session = opened("digits", "conv1[0,0,0,0]")

    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "tab", "down", "p")
        assert "is pinned" in app.main.message
        assert "images pinned" in text_of(app)
        first = next(line for line in text_of(app).splitlines() if "images pinned" in line)
        await press(pilot, "escape", "end", "home", "g")
        await press(pilot, *"conv1[3,0,0,0]", "enter")
        assert first[:24] in text_of(app)
        await press(pilot, "tab", "p")
        assert "follows the steps again" in app.main.message

    run(session, play)
    assert session.look["windows"].get("images", {}).get("pinned") is None


def test_on_a_low_screen_the_question_stands_in_the_line_of_messages() -> None:
    async def play(app: ConvstepApp, pilot: Any) -> None:
        await press(pilot, "p", "n")
        assert "grad(o1)[4] = ?" in text_of(app)

    run(opened("two_conv", "5"), play, size=(30, 5))
