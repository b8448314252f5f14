"""The other views as pages: at any position, on any level, in both orders, they agree and mark the present term."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import networks, sample

from convstep.debugger.moves import Spot, place_of
from convstep.debugger.opening import open_session
from convstep.debugger.screen.correspondence import pages
from convstep.debugger.screen.view import Mark
from convstep.engine.recording import Recording
from convstep.engine.state import State
from convstep.explain.naming import Names
from convstep.explain.views import views_of
from convstep.network import load


@settings(max_examples=80, deadline=None)
@given(networks(4), st.data())
def test_pages_of_random_positions(source, data):
    recording = Recording(load(source))
    names = Names(recording.graph)
    order, level = (
        data.draw(st.sampled_from(["gather", "scatter"])),
        data.draw(st.sampled_from(["op", "element", "term"])),
    )
    last = recording.timeline.length(level, order) - 1
    state = State(recording, place_of(recording.timeline, Spot(level, order, data.draw(st.integers(-1, last)))), order)
    shown = pages(state, names)
    if shown is None:
        return
    for page in shown.pages:
        for grid in page.grids:
            cells = grid.cells(np.arange(min(200, int(np.prod(grid.shape)))))
            assert cells.values.shape == cells.status.shape == cells.marks.shape
            if grid.follow is not None:
                assert grid.cells(np.array([grid.follow])).marks[0] != Mark.NONE
    site, views = views_of(state, names)
    stepwise = [view for view in views if view.stepwise]
    so_far = [view.value(site.done) for view in stepwise]
    size = 1 + float(np.abs(stepwise[0].parts).sum())
    np.testing.assert_allclose(so_far, so_far[0], atol=1e-9 * size, rtol=1e-9)


def test_the_present_term_is_marked_in_every_view():
    session = open_session(sample("two_conv"), at="term 32")
    shown = pages(session.state(), session.names)
    assert shown.result == "grad(w1)[1] so far"
    assert {page.value for page in shown.pages} == {"48"}
    correlation = next(page for page in shown.pages if page.title == "correlation")
    marked = [np.flatnonzero(grid.cells(np.arange(4)).marks == Mark.NOW).tolist() for grid in correlation.grids]
    assert marked == [[1], [1], [1]]
