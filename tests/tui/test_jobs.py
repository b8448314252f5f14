"""Long work beside the screen: an iteration that takes long is run in a thread, shown, and given up with escape."""

from __future__ import annotations

from pathlib import Path

import pytest
from gate import Gate, until

from convstep.debugger.opening import open_session
from convstep.debugger.session import Session
from convstep.engine.work import Work
from convstep.tui.app import ConvstepApp
from convstep.tui.jobs import Jobs

DIGITS = Path(__file__).parents[2] / "sample_nets" / "digits.yaml"


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


@pytest.fixture
def session() -> Session:
    session = open_session(str(DIGITS))
    session.recording.patience = 0.0
    return session


async def test_another_iteration_is_run_beside_the_screen(session: Session, gate: Gate) -> None:
    app = ConvstepApp(session)
    async with app.run_test() as pilot:
        await pilot.press("end")
        await until(lambda: app.main.jobs.job is not None)
        await pilot.press("N", "N")
        gate.open.set()
        await until(lambda: app.main.jobs.job is None)
        await pilot.pause()
        assert session.place.iteration == 59
        assert session.spot.position == 60 * session.recording.timeline.count("op") - 3, "steps meanwhile are kept"
        assert len(session.recording.losses) == 60


async def test_escape_gives_it_up_and_leaves_everything_as_it_was(session: Session, gate: Gate) -> None:
    app = ConvstepApp(session)
    async with app.run_test() as pilot:
        await pilot.press("n", "n")
        here = session.standing
        await pilot.press("end")
        await until(lambda: app.main.jobs.job is not None)
        await pilot.press("n", "escape")
        await until(lambda: app.main.jobs.job is None)
        await pilot.pause()
        assert session.standing == here
        assert "stopped" in app.main.message
        await pilot.press("n")
        assert session.spot.position == 2


async def test_a_dialog_that_leads_to_another_iteration_closes_and_the_way_goes_on(
    session: Session, gate: Gate
) -> None:
    gate.open.set()
    app = ConvstepApp(session)
    async with app.run_test() as pilot:
        await pilot.press("g", *"iteration", "space", "7", "enter")
        await until(lambda: session.place.iteration == 7 and app.main.jobs.job is None)


async def test_quitting_does_not_wait(session: Session, gate: Gate) -> None:
    app = ConvstepApp(session)
    async with app.run_test() as pilot:
        await pilot.press("end")
        await until(lambda: app.main.jobs.job is not None)
        await pilot.press("q")
        await until(lambda: not app.is_running)
    gate.open.set()


async def test_a_large_snapshot_is_saved_beside_the_screen(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convstep.tui.doing.taking._QUICK_BYTES", 0)
    monkeypatch.chdir(tmp_path)
    app = ConvstepApp(session)
    async with app.run_test() as pilot:
        await pilot.press("n", "ctrl+s", "enter")
        await until(lambda: (tmp_path / "digits-1.convstep").exists() and app.main.jobs.job is None)
        await pilot.pause()
        assert "saved to digits-1.convstep" in app.main.message
        assert not session.unsaved
        await pilot.press("ctrl+s", "ctrl+u", *"no/such/place", "enter")
        await until(lambda: app.main.jobs.job is None and "cannot save here" in app.main.message)


async def test_what_is_done_for_good_is_told_though_escape_was_pressed(session: Session) -> None:
    app = ConvstepApp(session)
    told: list[object] = []
    async with app.run_test() as pilot:
        jobs = Jobs(app)

        def late(work: Work) -> str:
            work.keep()
            jobs.give_up()
            return "saved"

        jobs.start("saving", late, told.append, told.append)
        await until(lambda: bool(told))
        await pilot.pause()
    assert told == ["saved"]
