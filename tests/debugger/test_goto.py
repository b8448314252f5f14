"""Go to, who wrote this number, and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from networks import networks, sample
from picked import PICKED

from convstep.debugger.moves import Spot
from convstep.debugger.opening import open_session
from convstep.debugger.session import Session
from convstep.debugger.stops.finding import is_search
from convstep.engine.recording import Recording
from convstep.engine.state import Status
from convstep.engine.timeline import ORDERS
from convstep.errors import ConvstepError
from convstep.network import load


@pytest.fixture
def session():
    return open_session(sample("two_conv"))


def at(session):
    return session.spot.level, session.spot.position


@pytest.mark.parametrize(
    ("text", "level", "position"),
    [
        ("o1", "op", 0),
        ("C", "op", 2),
        ("grad(w1)", "op", 7),
        ("w1.grad", "op", 7),
        ("o1.weight.grad", "op", 7),
        ("grad(o1.weight)", "op", 7),
        ("new(w1)", "op", 9),
        (" o2 ", "op", 1),
        ("o1[2]", "element", 1),
        ("o1[0, 0, 0, 1]", "element", 1),
        ("o1[0,0,-1,-1]", "element", 3),
        ("grad(w1)[3]", "element", 18),
        ("w1.grad[3]", "element", 18),
        ("grad(w1)[0,0,1,0]", "element", 18),
        ("C[]", "element", 5),
        ("term 32", "term", 32),
        ("element 7", "element", 7),
        ("op 4", "op", 4),
        ("operation 4", "op", 4),
        ("4", "op", 4),
        ("-1", "op", -1),
        ("start", "op", -1),
        ("end", "op", 10),
        ("iteration 0", "op", 0),
        ("0%", "op", -1),
        ("35%", "op", 3),
        ("100 %", "op", 10),
        ("100%", "op", 10),
    ],
)
def test_where_a_text_leads(session, text, level, position):
    session.go(text)
    assert at(session) == (level, position)
    session.view()


def test_a_bare_number_means_the_present_level(session):
    session.go("term 3")
    session.go("32")
    assert at(session) == ("term", 32)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "where to?"),
        ("   ", "where to?"),
        ("o3", "no tensor 'o3'"),
        ("grad(o3)", "no tensor 'o3'"),
        ("w1[5]", "outside: w1 is 1×1×2×2, indices go from 1 to 4"),
        ("w1[0]", "indices go from 1 to 4"),
        ("grad(w1)[0, 0, 2, 0]", "outside"),
        ("w1[0, 0]", "outside"),
        ("w1[]", "outside"),
        ("w1[a]", "whole numbers"),
        ("w1[1.5]", "whole numbers"),
        ("w1[1", "is no tensor or element"),
        ("]w1[", "is no tensor or element"),
        ("i", "there from the start"),
        ("w1", "there from the start: no step before this one wrote it; new(w1) is its update"),
        ("i[2]", "there from the start"),
        ("new(i)", "no step"),
        ("grad(C)", "there before"),
        ("150%", "0% to 100%"),
        ("term 91", "term positions go from 0 to 90"),
        ("11", "op positions go from 0 to 10"),
        ("-2", "op positions go from 0 to 10"),
        ("iteration 1", "iterations go from 0 to 0"),
        ("iteration -1", "iterations go from 0 to 0"),
        ("term", "no tensor 'term'"),
        ("grad(grad(o1))", "no tensor"),
        ("999999999999999999999999", "op positions go from 0 to 10"),
    ],
)
def test_bad_input_is_one_line_and_moves_nothing(session, text, says):
    session.go("term 5")
    session.go("op 5")
    with pytest.raises(ConvstepError) as raised:
        session.go(text)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)
    assert at(session) == ("op", 5)


@settings(max_examples=20)
@given(networks(5))
def test_every_completion_leads_somewhere(source):
    session = Session(Recording(load(source)))
    for text in session.completions():
        session.go("start")
        typed = f"{text}0" if text.endswith(" ") else text
        if is_search(typed):
            session.desk.search(session.spot).check(typed)
        else:
            session.go(typed)


def test_a_tensor_of_several_users_is_complete_where_g_lands():
    for order in ORDERS:
        session = Session(Recording(load(PICKED["one_tensor_with_many_users"])), Spot("op", order, -1))
        for text in ("grad(r)", "grad(r)[0, 0, 0, 0]", "grad(r)[1, 0, 2, 2]"):
            session.go(text)
            last = 17 if "1, 0" in text else 0
            _, status = session.state().read("grad(r)", np.array([last]))
            assert status[0] == Status.DONE


def test_a_parameter_in_a_later_iteration_was_written_by_the_update_before():
    session = Session(Recording(load(PICKED["one_weight_used_three_times"])))
    session.go("iteration 2")
    session.go("f.weight")
    place = session.place
    assert (place.iteration, session.state().step.writes) == (1, "f.weight")


# -- who wrote this -----------------------------------------------------------------------------------------


def test_enter_goes_to_the_writer_and_backspace_comes_back(session):
    session.go("grad(w1)[2]")
    before = session.spot
    assert session.writer("o1", 2) == ""
    assert at(session) == ("element", 2)
    assert session.writer("o1", 0) == ""
    assert session.back() == ""
    assert session.back() == ""
    assert session.spot == before
    session.back()
    assert "no jump" in session.back() or session.spot.position == -1


def test_what_is_blank_or_given_has_no_writer(session):
    session.go("o1[2]")
    for tensor, index, says in (
        ("i", 0, "from the start"),
        ("o1.weight", 0, "from the start"),
        ("o1", 3, "not written yet"),
        ("o2", 0, "not written yet"),
        ("grad(o1)", 0, "not written yet"),
        ("new(o1.weight)", 0, "not written yet"),
    ):
        assert says in session.writer(tensor, index), tensor
        assert at(session) == ("element", 1)


@pytest.mark.parametrize("order", ORDERS)
@settings(max_examples=15)
@given(source=networks(4))
def test_the_writer_of_any_number_is_where_it_got_its_value(order, source):
    session = Session(Recording(load(source)))
    timeline = session.recording.timeline
    length = timeline.length("element", order)
    for position in range(0, length, 1 + length // 25):
        spot = Spot("element", order, position)
        session.spot = spot
        key = session.state().step.writes
        if session.state().step.phase == "update":
            key = f"new({key})"
        size = session.state().recorded(key).size
        for flat in {0, size // 2, size - 1}:
            session.spot = spot
            value, status = session.state().read(key, np.array([flat]))
            message = session.writer(key, flat)
            if status[0] == Status.BLANK:
                assert "not written yet" in message
                assert session.spot == spot
            elif not message:
                assert session.spot.level == "element"
                reached, reached_status = session.state().read(key, np.array([flat]))
                if status[0] == Status.DONE:
                    assert (reached_status[0], repr(reached[0])) == (Status.DONE, repr(value[0]))


# -- by mouse -----------------------------------------------------------------------------------------------


def test_a_click_on_an_operation_stays_in_its_iteration():
    session = Session(Recording(load(PICKED["one_weight_used_three_times"])))
    count = session.recording.timeline.count("op")
    session.go("iteration 2")
    session.go("element 3")
    session.go("iteration 2")
    session.go_to_operation(4)
    assert at(session) == ("op", 2 * count + 4)


@pytest.mark.parametrize(("share", "position"), [(0.0, -1), (0.5, 45), (1.0, 90), (-3.0, -1), (7.0, 90)])
def test_the_timeline_is_dragged_within_the_iteration(session, share, position):
    session.go("term 3")
    session.go_to_share(share)
    assert session.spot.level == "term"
    assert abs(session.spot.position - position) <= 1


def test_who_wrote_a_gradient_that_a_whole_step_in_scatter_order_has_just_written():
    session = open_session(sample("two_conv"), at="grad(w1)")
    session.switch_order()
    assert (session.spot.level, session.spot.order) == ("op", "scatter")
    session.writer("grad(o1.weight)", 0)
    assert session.spot.level == "element"
    assert session.place.element == 3, "the last upstream element that gave to it"


def test_in_scatter_order_what_nothing_gives_to_is_written_by_the_last_step():
    layers = [{"name": "o1", "op": "MaxPool1d", "kernel_size": 1, "stride": 2}]
    net = {"inputs": {"x": [[[1.0, 2.0, 3.0]]]}, "layers": layers, "gradient": {"o1": [[[1.0, 1.0]]]}}
    session = open_session(net)
    session.switch_order()
    session.go("grad(x)[0,0,1]")
    assert (session.spot.level, session.place.element) == ("element", 1)
    assert session.state().read("grad(x)", np.array([1]))[1][0] == Status.DONE
    here = session.spot
    session.writer("grad(x)", 1)
    assert session.spot == here
