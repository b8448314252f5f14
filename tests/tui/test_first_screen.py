"""The first screen of a large network stands before its first iteration has been run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from gate import Gate, until
from networks import sample
from textual.timer import Timer

from convstep.debugger.opening import open_session
from convstep.debugger.session import Session
from convstep.errors import ConvstepError
from convstep.tui.app import ConvstepApp
from convstep.tui.widgets.lines import Lines


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch, first=0)


@pytest.fixture
def session(gate: Gate) -> Session:
    session = open_session(sample("autoencoder"), patience=0.0)
    session.recording.patience = 0.0
    return session


def text(app: ConvstepApp, name: str) -> str:
    return "\n".join(strip.text for strip in app.main.get_child_by_id(name, Lines)._strips)


async def test_it_stands_while_the_iteration_is_run_and_keys_wait(session: Session, gate: Gate) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: app.main.jobs.job is not None)
        assert "Nothing has happened yet" in text(app, "head")
        assert "half.weight" in text(app, "tensors")
        assert "esc stops" not in text(app, "message"), "nobody waits yet"
        await pilot.press("n")
        await until(lambda: "esc stops" in text(app, "message"))
        gate.open.set()
        await until(lambda: app.main.jobs.job is None)
        await pilot.pause()
        assert session.spot.position == 0
        assert "half = Conv2d" in text(app, "program")


async def test_a_place_with_many_iterations_before_it_is_given_up(gate: Gate) -> None:
    session = open_session(sample("two_conv"), 10**12, "end", patience=0.05)
    session.recording.patience = 0.05
    far = session.spot
    app = ConvstepApp(session)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(lambda: "iteration 0 of 1000000000000 · 0%" in text(app, "message"))
        gate.open.set()
        await pilot.press("escape")
        await until(lambda: app.main.jobs.job is None)
        await pilot.pause()
        assert session.spot.position == -1
        assert "stopped: you are at the start" in text(app, "message")
        assert "Nothing has happened yet" in text(app, "head")
        session.forth()
        assert session.spot == far


@pytest.mark.parametrize("size", [(60, 20), (160, 50)])
async def test_it_is_painted_once(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    painted: list[object] = []
    monkeypatch.setattr(ConvstepApp, "_display", lambda _, __, update: painted.append(update) if update else None)
    async with ConvstepApp(open_session(sample("digits"))).run_test(size=size) as pilot:
        await pilot.pause(0.1)
        assert len(painted) == 1
        await pilot.press("n")
        assert len(painted) > 1, "a step is seen, too"


async def test_it_waits_for_no_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    ticked: list[str | None] = []
    tick = Timer._tick

    async def noted(timer: Timer, **given: Any) -> None:
        ticked.append(timer.name)
        await tick(timer, **given)

    monkeypatch.setattr(Timer, "_tick", noted)
    async with ConvstepApp(open_session(sample("digits"))).run_test(size=(160, 50)) as pilot:
        await pilot.pause(0.1)
        assert "screen_update" not in ticked


async def test_keys_that_come_at_once_change_the_layout() -> None:
    app = ConvstepApp(open_session(sample("two_conv")))
    async with app.run_test(size=(60, 20)) as pilot:
        assert app.main.visible_panes == ["local"]
        await pilot.press("tab")
        await until(lambda: bool(app.main.query_one("#tensors").size))


async def test_a_dialog_opens_afterwards_and_gets_what_was_typed(session: Session, gate: Gate) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: app.main.jobs.job is not None)
        for key in ("g", "4", "enter"):
            pilot.app.simulate_key(key)
        await pilot.pause()
        gate.open.set()
        await until(lambda: session.spot.position == 4 and len(app.screen_stack) == 1)


async def test_escape_gives_it_up_until_somebody_needs_it(session: Session, gate: Gate) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: app.main.jobs.job is not None)
        await pilot.press("escape")
        await until(lambda: app.main.jobs.job is None)
        await pilot.pause()
        assert "stopped" in text(app, "message")
        assert "half.weight" in text(app, "tensors")
        gate.open.set()
        await pilot.press("r")
        await until(lambda: len(app.screen_stack) == 2)
        assert session.recording.has(0)


@pytest.mark.parametrize(
    ("keys", "comes"),
    [
        (["i", *"lr", "=", *"0.5", "enter"], "lr = 0.5"),
        (["ctrl+s", "enter"], "saved to autoencoder-1.convstep"),
    ],
)
async def test_what_needs_the_iteration_that_was_given_up_waits_for_it(
    session: Session, gate: Gate, keys: list[str], comes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = ConvstepApp(session)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: app.main.jobs.job is not None)
        await pilot.press("escape")
        await until(lambda: app.main.jobs.job is None)
        gate.open.set()
        await pilot.press(keys[0])
        await until(lambda: len(app.screen_stack) == 2)
        await pilot.press(*keys[1:])
        await until(lambda: comes in app.main.message)


async def test_a_number_is_explained_once_the_iteration_is_there(session: Session, gate: Gate) -> None:
    app = ConvstepApp(session)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: app.main.jobs.job is not None)
        await pilot.press("escape")
        await until(lambda: app.main.jobs.job is None)
        gate.open.set()
        await pilot.press("tab", "e")
        await until(lambda: len(app.screen_stack) == 2)


async def test_what_cannot_be_run_is_not_opened(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise ConvstepError("enc: this cannot be run")

    monkeypatch.setattr("convstep.engine.recording.run_iteration", refuse)
    app = ConvstepApp(session)
    with pytest.raises(ConvstepError, match="cannot be run"):
        async with app.run_test(size=(120, 40)):
            await until(lambda: app.failure is not None)
