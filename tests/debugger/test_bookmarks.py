"""Bookmarks: set, moved, removed, kept in snapshots, and never a way to nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from convstep.debugger.bookmarks import Bookmarks
from convstep.debugger.moves import Spot
from convstep.debugger.opening import open_session
from convstep.debugger.session import Session
from convstep.debugger.whatif.edits import read_edit
from convstep.errors import ConvstepError

TWO_CONV = str(Path(__file__).parents[2] / "sample_nets" / "two_conv.yaml")


def marks_of(session: Session) -> Bookmarks:
    return Bookmarks(session.extras, session.recording.timeline)


def test_a_bookmark_is_set_moved_and_removed() -> None:
    session = open_session(TWO_CONV)
    marks = marks_of(session)
    marks.set("the zero", Spot("term", "gather", 33))
    marks.set("start", Spot("op", "gather", -1))
    assert "moved" in marks.set("the  zero", Spot("term", "scatter", 32))
    assert [(m.name, m.spot.position) for m in marks.all()] == [("start", -1), ("the zero", 32)]
    assert "scatter" in marks.all()[1].row()
    assert [m.name for m in marks.remove(0)] == ["the zero"]


@pytest.mark.parametrize("name", ["", "   ", "x" * 61])
def test_a_bookmark_needs_a_name(name: str) -> None:
    with pytest.raises(ConvstepError, match="name of 1 to 60"):
        marks_of(open_session(TWO_CONV)).set(name, Spot("op", "gather", 0))


def test_bookmarks_and_the_way_on_are_kept_in_snapshots(tmp_path: Path) -> None:
    session = open_session(TWO_CONV)
    session.go("grad(w1)[1]")
    session.go("o2")
    session.back()
    marks_of(session).set("here", session.spot)
    session.save(str(tmp_path / "a.convstep"))
    again = open_session(tmp_path / "a.convstep")
    assert [m.name for m in marks_of(again).all()] == ["here"]
    assert (again.history, again.future) == (session.history, session.future)
    assert len(again.future) == 1


@pytest.mark.parametrize(
    "data",
    [
        3,
        [3],
        [{}],
        [{"name": 3, "level": "op", "order": "gather", "position": 1}],
        [{"name": "a", "level": "ops", "order": "gather", "position": 1}],
        [{"name": "a", "level": "op", "order": "gather", "position": 10**9}],
        [{"name": "a", "level": "op", "order": "gather", "position": True}],
    ],
)
def test_what_is_no_bookmark_is_passed_over(data: Any) -> None:
    session = open_session(TWO_CONV)
    session.extras["bookmarks"] = data
    assert marks_of(session).all() == []


def test_bookmarks_stay_on_their_step_when_an_edit_changes_the_count_of_terms() -> None:
    session = open_session(TWO_CONV, at="new(w2)[3]")
    session.first_inside()
    marks_of(session).set("here", session.spot)
    before = session.place, session.spot
    edit = read_edit("momentum = 0.9", session.graph, session.names, session.recording.iteration(0))
    session.adopt(session.trial.with_edit(edit))
    assert session.spot != before[1]
    assert marks_of(session).all()[0].spot == session.spot
    assert session.place == before[0]
    session.adopt(session.trial.undo())
    assert marks_of(session).all()[0].spot == session.spot == before[1]
