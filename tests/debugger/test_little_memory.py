"""Of a large network one iteration is kept: stops and searches run what they need themselves, and never ask in vain."""

import pytest
from networks import sample

from convstep.debugger.moves import Spot
from convstep.debugger.search import Finder
from convstep.debugger.session import Session
from convstep.debugger.stops.continuing import run_to_stop
from convstep.engine.recording import Recording
from convstep.engine.timeline import ORDERS
from convstep.engine.work import QUIET
from convstep.network import load


@pytest.fixture
def session() -> Session:
    """In iteration 3 of six that were run; whoever gives no work waits for none of the others."""
    session = Session(Recording(load(sample("digits")), kept_bytes=0))
    session.recording.iteration(5)
    session.go("iteration 3")
    session.run()
    session.recording.patience = 0.0
    return session


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        "loss > prev(loss)",
        "grad(fc2) if loss > prev(loss)",
        "grad(fc2.weight)[0,0] if max(fc2) > prev(max(fc2))",
        "new(fc2.weight)[0,0]",
    ],
)
def test_stops_on_terms(session, text, backwards, order):
    session.desk.breakpoints.add(session.desk.breakpoints.read(text))
    count = session.recording.timeline.count("term", order)
    here = Spot("term", order, 3 * count + 10)
    landing = run_to_stop(session.recording, here, session.desk.breakpoints, session.desk.watches, backwards, QUIET)
    assert landing.spot != here and "breakpoint 1" in landing.message


def test_values_against_those_of_the_iteration_before(session):
    found = Finder(session.recording, session.desk.words, session.spot).find("fc2 > prev(fc2)", QUIET)
    now, before = (session.recording.iteration(k, work=QUIET).values["fc2"] for k in (3, 2))
    assert [hit.index for hit in found.hits] == (now > before).reshape(-1).nonzero()[0].tolist()


def test_where_a_condition_becomes_true(session):
    session.go("term 3000")
    landing = session.desk.search(session.spot).find("loss > prev(loss)", QUIET)
    assert "becomes true" in landing.message
