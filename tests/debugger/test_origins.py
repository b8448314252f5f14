"""An explanation to walk through: formula, step, origins, uses and paths of a number, as far as one may know them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import networks

from convstep.debugger import goto
from convstep.debugger.moves import Spot, place_of
from convstep.debugger.opening import open_session
from convstep.debugger.origins import Explainer
from convstep.engine.recording import Recording
from convstep.engine.state import State, Status
from convstep.errors import ConvstepError
from convstep.explain.naming import Names
from convstep.explain.provenance.provenance import Address
from convstep.network import load

NETS = Path(__file__).parents[2] / "sample_nets"


def explainer(net, at):
    session = open_session(str(NETS / f"{net}.yaml"), at=at)
    return session, Explainer(session.state(), session.names)


def texts(explained):
    return [row.text for row in explained.rows]


def test_a_gradient_has_all_sections():
    _, made = explainer("two_conv", "grad(w1)[1]")
    explained = made.explained(made.subject)
    titles = [row.text for row in explained.rows if row.style == "title"]
    assert titles == ["Written by", "Made from", "Feeds", "Paths"]
    assert "grad(o1)[2] = 18   × 2 = 36" in texts(explained)
    assert "new(w1)[1] (still to come)" in texts(explained)
    assert "C → o2[1] → o1[2] → w1[1]:  36" in texts(explained)


def test_what_is_read_first_stays_when_the_rest_is_there():
    _, made = explainer("two_conv", "grad(w1)[1]")
    first, whole = made.parts(made.subject)
    assert whole == made.explained(made.subject)
    assert whole.rows[: len(first.rows)] == first.rows
    assert [row.text for row in first.rows if row.style == "title"] == ["Written by", "Made from"]


def test_links_lead_to_the_steps_that_wrote_what_is_read():
    session, made = explainer("two_conv", "grad(w1)[1]")
    explained = made.explained(made.subject)
    row = next(row for row in explained.rows if row.text.startswith("grad(o1)[2]"))
    session.land(goto.element(session.recording, session.spot, row.place))
    assert session.view().where[-1] == "grad(o1)[2]"
    session.back()
    assert session.view().where[-1] == "grad(w1)[1]"
    session.forth()
    assert session.view().where[-1] == "grad(o1)[2]"


def test_what_is_still_to_come_keeps_its_value():
    _, made = explainer("two_conv", "o1[2]")
    explained = made.explained(Address(0, "o1.weight", 0))
    assert [t for t in texts(explained) if t.startswith("o1[")] == [
        "o1[1] = 3   gives -1",
        "o1[2] = 4   gives -2",
        "o1[3] (still to come)",
        "o1[4] (still to come)",
    ]
    assert not any("-30" in text for text in texts(explained))
    with pytest.raises(ConvstepError, match="not written yet"):
        made.explained(Address(0, "grad(o1.weight)", 0))


def test_an_input_has_no_step():
    _, made = explainer("two_conv", "end")
    explained = made.explained(Address(0, "i", 4))
    row = explained.rows[[r.text for r in explained.rows].index("Written by") + 1]
    assert row.place is None and "from the start" in row.text


def test_a_parameter_leads_back_into_the_iteration_before():
    session, made = explainer("digits", "iteration 2")
    explained = made.explained(Address(2, "conv1.weight", 0))
    row = next(row for row in explained.rows if row.address and row.address.iteration == 1)
    assert session.recording.timeline.steps[row.place.step].phase == "update"
    assert row.place.iteration == 1


def test_in_scatter_order_a_link_leads_to_the_last_share():
    session, made = explainer("two_conv", "grad(w1)[1]")
    session.switch_order()
    place = next(row.place for row in made.explained(made.subject).rows if row.text.startswith("grad(o1)[2]"))
    session.land(goto.element(session.recording, session.spot, place))
    values = session.state().read("grad(o1)", np.array([1]))
    assert values[0].tolist() == [18]


@settings(max_examples=60, deadline=None)
@given(networks(4), st.data())
def test_every_link_leads_to_a_step_after_which_its_number_is_there(source, data):
    recording = Recording(load(source))
    names = Names(recording.graph)
    order = data.draw(st.sampled_from(["gather", "scatter"]))
    spot = Spot("element", order, data.draw(st.integers(0, recording.timeline.length("element", order) - 1)))
    made = Explainer(State(recording, place_of(recording.timeline, spot), order), names)
    try:
        rows = made.explained(made.subject).rows
    except ConvstepError:
        return  # in scatter order, what the step is about may still be blank
    for row in rows:
        if row.place is not None:
            there = place_of(recording.timeline, goto.element(recording, spot, row.place).spot)
            then = Explainer(State(recording, there, order), names)
            if row.address.iteration > there.iteration:
                # The next iteration starts with what an update has just made.
                assert recording.timeline.steps[there.step].phase == "update"
            elif not row.address.key.startswith("grad("):
                assert then.check(row.address) == Status.DONE
            else:
                # Of several users, the one that the link is about has given its part.
                assert then.check(row.address) in (Status.DONE, Status.PARTIAL)


def test_long_sums_are_folded_to_the_largest():
    _, made = explainer("digits", "grad(conv2.weight)[0,0,1,1]")
    assert any(text.startswith("… and 10 others") for text in texts(made.explained(made.subject)))
