"""Opening a session: what is done meanwhile, and what is said when its iteration cannot be run."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from networks import sample
from plain_view import plain

from convstep.debugger.opening import open_session
from convstep.debugger.screen.view import Grid
from convstep.debugger.session import Session
from convstep.engine.recording import Recording
from convstep.errors import ConvstepError
from convstep.network import load, tensors
from convstep.network.initialise import initialise


def test_the_iteration_is_there_when_a_session_is_open() -> None:
    threads = []
    session = open_session(sample("two_conv"), meanwhile=lambda: threads.append(threading.current_thread()))
    assert threads == [threading.main_thread()]
    session.recording.patience = 0.0
    assert session.recording.iteration(0).index == 0


def test_an_iteration_that_fails_is_told_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Session, progress: Any) -> None:
        raise ConvstepError("this cannot be run")

    monkeypatch.setattr(Session, "run", refuse)
    with pytest.raises(ConvstepError, match="cannot be run"):
        open_session(sample("two_conv"), meanwhile=lambda: None)


def test_an_iteration_that_takes_long_is_left_for_later() -> None:
    session = open_session(sample("autoencoder"), patience=0.0)
    assert session.is_fresh and not session.recording.has(0)
    assert open_session(sample("autoencoder"), patience=60.0).recording.has(0)


@pytest.mark.parametrize("at", ["half", "op 3"])
def test_what_is_asked_for_is_run_whatever_it_takes(at: str) -> None:
    assert open_session(sample("autoencoder"), at=at, patience=0.0).recording.has(0)


@pytest.mark.parametrize("at", ["iteration 999999999999", "end"])
def test_what_many_iterations_come_before_is_left_to_the_screen(at: str) -> None:
    session = open_session(sample("two_conv"), 10**12, at, patience=0.05)
    assert session.place.iteration == 10**12 - 1
    assert not session.recording.at_hand()


def test_where_one_goes_is_run_and_nothing_else() -> None:
    session = open_session(sample("digits"), 3, "iteration 1", patience=0.0)
    assert not session.recording.at_hand()
    assert open_session(sample("digits"), 3, "iteration 1").recording.has(1)


def test_the_first_screen_draws_what_it_shows_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []

    def draw(how: Any, shape: Any, seed: int, name: str, *dtype: Any) -> Any:
        drawn.append(name)
        return initialise(how, shape, seed, name, *dtype)

    monkeypatch.setattr(tensors, "initialise", draw)
    session = open_session(sample("autoencoder"), iterations=1, patience=0.0)
    view = session.view()
    assert session.graph_bytes > 0
    assert not drawn
    grid = next(block for block in view.tensors if isinstance(block, Grid) and block.key == "half.weight")
    grid.cells(np.arange(3))
    assert drawn == ["half.weight"]
    session.run()
    assert sorted(drawn) == sorted(session.graph.owned)


def test_claims_are_held_against_a_run() -> None:
    assert open_session(sample("two_conv"), patience=0.0).recording.has(0)


@pytest.mark.parametrize("name", ["autoencoder", "digits", "residual"])
def test_the_start_looks_the_same_before_and_after_the_run(name: str) -> None:
    session = Session(Recording(load(sample(name))))
    before = plain(session.view())
    assert not session.recording.has(0)
    session.run()
    assert plain(session.view()) == before
    for key in session.graph.parameters:
        assert session.state().recorded(key) is session.recording.iteration(0).values[key]
