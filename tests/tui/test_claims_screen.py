"""`k`: the list of claims, trying a formula, and the gradient check beside the screen."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playing import opened, text_of

from convstep.debugger.claims.mine import read_mine
from convstep.debugger.opening import open_session
from convstep.debugger.session import Session
from convstep.explain import gradcheck
from convstep.explain.difference import Given
from convstep.tui.app import ConvstepApp

TWO_CONV = Path(__file__).parents[2] / "sample_nets" / "two_conv.yaml"


@pytest.fixture
def session() -> Session:
    return open_session(str(TWO_CONV), at="grad(w1)[1]")


def with_mine(session: Session) -> Session:
    given = {"w1": Given(np.array([[144.0, -18], [6, 18]]), "float64"), "w2": Given(np.ones((2, 2)), "float64")}
    session.mine = read_mine(session.recording, "mine.npz", given, {})
    return session


async def press(pilot: Any, *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


async def until(pilot: Any, holds: Any) -> None:
    """Wait for something that another thread does."""
    for _ in range(2000):
        if holds():
            await pilot.pause()
            return
        await asyncio.sleep(0.005)
    raise AssertionError("this never came")


def idle(app: ConvstepApp) -> bool:
    return app.main.jobs.job is None and app.main.background.job is None


async def test_of_the_only_term_of_a_sum_it_is_not_said_that_it_is_the_first_that_differs() -> None:
    app = ConvstepApp(opened("questions/stride_zeros"))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "k", "enter")
        assert "only this term adds to the sum, and yours differs" in app.main.message


async def test_where_the_only_term_takes_over_a_mistake_its_place_is_said() -> None:
    app = ConvstepApp(opened("questions/several_paths"))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "k", "enter")
        assert (
            app.main.message
            == "only this term adds to the sum, and yours differs: grad(a) is where it went wrong (g grad(a))"
        )
        assert "yours went wrong at grad(a): g grad(a)" in text_of(app)


async def test_a_failed_claim_opens_at_its_first_differing_term(session: Session) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=(160, 50)) as pilot:
        await press(pilot, "k")
        assert "✓ always" in text_of(app) and "✗ sum-before-multiply" in text_of(app)
        assert "12 terms are too many" in text_of(app), "the first that is wrong is chosen"
        await press(pilot, "enter")
        assert (session.spot.level, session.spot.position) == ("term", 31)
        assert "first term that differs" in app.main.message
        assert "meets w2[1] alone; yours multiplies it with all four" in text_of(app)
        await press(pilot, "backspace")
        assert (session.spot.level, session.spot.position) == ("element", 16)


async def test_a_claim_with_all_terms_right_and_others_too_many_says_so() -> None:
    app = ConvstepApp(open_session("sample_nets/questions/pool_ties.yaml"))
    async with app.run_test(size=(160, 50)) as pilot:
        await press(pilot, "k", "enter")
        assert app.main.message.startswith("each term is right; yours has others")


@pytest.mark.parametrize("key", ["escape", "k", "q"])
async def test_leaving_the_list_leaves_one_where_one_was(session: Session, key: str) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=(80, 24)) as pilot:
        here = session.standing
        await press(pilot, "k", "down", key)
        assert app.screen is app.main and session.standing == here


async def test_every_gradient_is_checked_beside_the_screen(session: Session) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, "k")
        assert "not checked yet" in text_of(app)
        await press(pilot, "c")
        await until(pilot, lambda: idle(app))
        shown = text_of(app)
        assert "6 gradients checked, none wrong" in shown and "6 right" in shown
        await press(pilot, "escape", "k")
        assert "6 right" in text_of(app), "they are kept"


async def test_the_check_is_given_up_with_escape(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    reached = threading.Event()
    real = gradcheck._Checker.check

    def slow(self: Any, name: str) -> Any:
        if name != "i":
            reached.set()
            while True:
                self.token.check()
                time.sleep(0.001)  # or the screen gets no turn
        return real(self, name)

    monkeypatch.setattr(gradcheck._Checker, "check", slow)
    app = ConvstepApp(session)
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, "k", "c")
        await until(pilot, reached.is_set)
        await press(pilot, "down", "enter", "a")
        assert app.screen is not app.main, "nothing else is done meanwhile"
        await press(pilot, "escape")
        await until(pilot, lambda: idle(app))
        assert "stopped: c begins again" in text_of(app)
        assert "grad(i)" in text_of(app), "what was found stays"
        await press(pilot, "escape")
        assert app.screen is app.main


async def test_a_formula_is_tried_and_kept(session: Session) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=(100, 40)) as pilot:
        await press(pilot, "k", "a")
        assert "Is grad(w1)[1] this?" in text_of(app)
        await press(pilot, *"i[1]*g[1]+i[2]*g[2]", "enter")
        await until(pilot, lambda: idle(app))
        shown = text_of(app)
        assert "✗ wrong   grad(w1)[1] = 12 + 36 = 48" in shown and "2 terms are missing" in shown
        assert len(session.claims.entries) == 2
        await press(pilot, "enter")
        assert "kept in this session" in text_of(app)
        assert session.unsaved and session.extras["claims"][0]["is"] == "i[1]*grad(o1)[1]+i[2]*grad(o1)[2]"
        await press(pilot, "enter")
        assert (session.spot.level, session.place.term) == ("term", 2), "its first differing term"
        await press(pilot, "k", "end", "d")
        await press(pilot, "up", "up", "end")
        assert session.extras["claims"] == []


async def test_another_element_is_named_and_mistakes_are_told(session: Session) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=(100, 40)) as pilot:
        await press(pilot, "k", "a", *"grad(w1)[2] = -18", "enter")
        await until(pilot, lambda: idle(app))
        assert "✓ for these numbers   grad(w1)[2]" in text_of(app)
        await press(pilot, *"1 + (", "enter")
        await until(pilot, lambda: idle(app))
        assert "column" in text_of(app)
        await press(pilot, "escape", "escape")
        assert app.screen is app.main and len(session.claims.entries) == 2


async def test_only_a_kept_claim_can_be_let_go_of(session: Session) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, "k", "d")
        assert "only a claim that you tried" in text_of(app)
        assert len(session.claims.entries) == 2


async def test_claims_are_judged_beside_the_screen(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    from convstep.debugger.claims import claim_work

    gate, real = threading.Event(), claim_work.judged_by

    def slow(*arguments: Any) -> Any:
        gate.wait(10)
        return real(*arguments)

    monkeypatch.setattr(claim_work, "judged_by", slow)
    session.recording.patience = 1.0
    app = ConvstepApp(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "Claim 2 of 2: being judged" in text_of(app)
        await press(pilot, "n")
        assert session.spot.position == 17, "keys go on"
        await press(pilot, "N")
        gate.set()
        await until(pilot, lambda: "yours is 144 ✗ sum-before-multiply" in text_of(app))


async def test_judging_a_formula_is_given_up_with_escape(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    from convstep.debugger.claims import claim_work

    def endless(judge: Any, entry: Any, number: int, work: Any) -> Any:
        while True:
            work.check()
            time.sleep(0.001)

    app = ConvstepApp(session)
    async with app.run_test(size=(100, 40)) as pilot:
        await press(pilot, "k", "a")
        monkeypatch.setattr(claim_work, "judged_by", endless)
        await press(pilot, *"3*4", "enter")
        assert "judging …" in text_of(app)
        await press(pilot, "escape")
        await until(pilot, lambda: "stopped: enter judges it again" in text_of(app))
        assert "judging …" not in text_of(app)


async def test_numbers_of_ones_own_at_the_cursor(session: Session) -> None:
    app = ConvstepApp(with_mine(session))
    async with app.run_test(size=(120, 30)) as pilot:
        assert "-30≠" in text_of(app) and "x≠ yours differs" in text_of(app)
        assert "·≠" not in text_of(app), "of what is not written yet nothing is said"
        await press(pilot, "shift+tab")
        assert "grad(w1)[1] = -30.0; yours differs: 144.0" in text_of(app)
        await press(pilot, "right")
        assert "grad(w1)[2]: not written yet; yours -18.0" in text_of(app)


@pytest.mark.parametrize("size", [(80, 24), (160, 50)], ids=["80x24", "160x50"])
def test_the_list(snap_compare: Any, session: Session, size: tuple[int, int]) -> None:
    assert snap_compare(ConvstepApp(with_mine(session)), terminal_size=size, press=["k"])


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_claim_beside_the_ledger(snap_compare: Any, session: Session, theme: str) -> None:
    session.go("term 32")
    session.look["theme"] = theme
    assert snap_compare(ConvstepApp(session), terminal_size=(160, 50))


def test_yours_beside_the_truth(snap_compare: Any, session: Session) -> None:
    assert snap_compare(ConvstepApp(with_mine(session)), terminal_size=(120, 40))
