"""Opening a session: what is done meanwhile, and what is said when its iteration cannot be run."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from networks import sample

from convstep.debugger.opening import open_session
from convstep.debugger.session import Session
from convstep.errors import ConvstepError


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
