"""Searches after `g`, names and values after `/`, and the alarm for numbers that are not finite."""

import numpy as np
import pytest
from networks import sample

from convstep.debugger.opening import open_session
from convstep.debugger.screen.alarms import sparkline
from convstep.debugger.search import MOST_HITS, Finder
from convstep.debugger.stops.finding import is_search
from convstep.debugger.stops.inside import Inside
from convstep.engine.work import QUIET, Cancelled, Work
from convstep.errors import ConvstepError


def searched(session, text):
    search = session.desk.search(session.spot)
    search.check(text)
    session.land(landing := search.find(text, QUIET))
    return landing.message


def at(session):
    return session.spot.level, session.spot.position


@pytest.fixture
def two_conv():
    return open_session(sample("two_conv"))


@pytest.mark.parametrize("text", ["nan", "NaN", "inf", "last o1", "sum > 5", "loss > prev(loss)", "isnan(o1)"])
def test_these_are_searches(text):
    assert is_search(text)


@pytest.mark.parametrize("text", ["o1", "grad(w1)[3]", "12", "35%", "term 32", "backward o2", "any", "lastly"])
def test_and_these_are_places(text):
    assert not is_search(text)


def test_the_first_term_after_which_the_running_sum_exceeds(two_conv):
    two_conv.go("grad(w1)[1]")
    assert searched(two_conv, "sum > 40") == "the first term after which sum > 40"
    assert two_conv.state().collected.sums[0, two_conv.place.term] == 48
    two_conv.go("grad(w1)")
    searched(two_conv, "sum > 50")
    assert (two_conv.place.element, two_conv.place.term) == (1, 1)  # 24 + 54
    with pytest.raises(ConvstepError, match="never holds"):
        searched(two_conv, "sum > 1000")


@pytest.mark.parametrize(
    ("text", "position"),
    [("sum > 40", 26), ("factors[0] == 5 and factors[1] == 3", 6), ("product > 35 and phase == 'backward'", 25)],
)
def test_from_the_start_all_terms_are_looked_through(two_conv, text, position):
    assert "becomes true" in searched(two_conv, text)
    assert at(two_conv) == ("term", position)


def test_a_sum_that_goes_nowhere_so_far(two_conv):
    with pytest.raises(ConvstepError, match="never becomes true"):
        searched(two_conv, "sum > 1000")


def test_only_the_present_operation_is_looked_through(two_conv, monkeypatch):
    looked = []
    terms = Inside.terms
    monkeypatch.setattr(Inside, "terms", lambda self, *given: looked.append(self.k) or terms(self, *given))
    two_conv.go("o1")
    with pytest.raises(ConvstepError, match="in o1, sum > 1000 never holds"):
        searched(two_conv, "sum > 1000")
    assert {*looked} <= {0}


def test_where_a_condition_becomes_true(two_conv):
    assert "becomes true" in searched(two_conv, "loss > 3")
    assert at(two_conv) == ("op", 2)
    with pytest.raises(ConvstepError, match="never becomes true"):
        searched(two_conv, "loss > 30")


@pytest.mark.parametrize(
    ("start", "text", "place"),
    [
        ("end", "last grad(w1)[4]", ("element", 19)),
        ("term 40", "last o1[2]", ("element", 1)),
        ("grad(w1)", "last grad(w1)[4]", ("element", 19)),
        ("grad(w1)[4]", "last grad(w1)[4]", ("element", 19)),
        ("start", "last o1", ("op", 0)),
        ("end", "last w1", ("op", 9)),
    ],
)
def test_the_last_write(two_conv, start, text, place):
    two_conv.go(start)
    message = searched(two_conv, text)
    assert at(two_conv) == place
    assert "write" in message


def test_the_last_write_lies_in_an_earlier_iteration():
    session = open_session(sample("two_conv"), iterations=3)
    session.go("iteration 2")
    searched(session, "last grad(w1)")
    assert at(session) == ("op", 11 + 7)
    searched(session, "last grad(w1)")
    assert at(session) == ("op", 7)


@pytest.mark.parametrize(
    ("text", "words"),
    [("last i", "an input"), ("last nothing", "no tensor"), ("o1 >", "column 5"), ("nan", "every number")],
)
def test_what_leads_nowhere_says_so(two_conv, text, words):
    with pytest.raises(ConvstepError, match=words):
        searched(two_conv, text)


# -- numbers that are not finite


def test_g_nan_goes_to_the_term_that_made_it():
    session = open_session(sample("explodes"))
    message = searched(session, "nan")
    assert session.place.iteration in range(35, 45)
    state = session.state()
    term = state.terms[session.place.term] if state.terms is not None else None
    assert "first non-finite: iteration" in message
    assert "from" in message
    if term is not None:
        assert all(np.isfinite(read.value) for read in term.reads)
        assert not np.isfinite(term.result)


def test_it_is_announced_unasked_and_marked():
    session = open_session(sample("explodes"))
    assert session.view().alarm == ""
    session.end()
    view = session.view()
    assert "first non-finite: iteration" in view.alarm
    assert view.timeline.alarm is None
    iteration = session.lookout.found.iteration
    session.go(f"iteration {iteration}")
    for level in ("op", "element", "term"):
        mark = session.view().timeline.alarm
        place = session.recording.timeline.place(level, "gather", mark)
        assert place.step == session.lookout.found.step
        session.first_inside()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"x": [[1e200, 2.0]], "w": [1e200, 1.0]}, r"forward, a\[0,0\] = Inf, from 1e200 · 1e200 \(x\[0,0\]"),
        ({"x": [[1e308, 1e308]], "w": [1.0, 1.0]}, r"a\[0,0\] = Inf, from the running sum"),
        ({"x": [[1e200, 0.0]], "w": [1e-60, 1.0]}, r"grad\(a.weight\)\[0,0\] = Inf, from 1e200 × 2e140"),
        ({"x": [[1e160, 0.0]], "w": [1.0, 1.0]}, r"loss, C = Inf, from"),
        ({"x": [[float("nan"), 0.0]], "w": [1.0, 1.0]}, r"at the start, x\[0,0\] = NaN, given by the file"),
    ],
)
def test_what_made_it(source, words):
    network = {
        "inputs": {"x": np.array(source["x"]), "y": np.zeros((1, 1))},
        "layers": [{"name": "a", "op": "Linear", "out_features": 1, "bias": False, "weight": {"value": source["w"]}}],
        "loss": {"name": "C", "op": "MSELoss", "inputs": ["a", "y"]},
    }
    session = open_session(network)
    import re

    message = searched(session, "nan")
    assert re.search(words, message), message


def test_what_made_a_gradient_too_large_that_two_users_give_to():
    layers = [{"name": "a", "op": "Identity", "inputs": ["x"]}, {"name": "b", "op": "Add", "inputs": ["a", "a"]}]
    session = open_session({"inputs": {"x": [1.0]}, "layers": layers, "gradient": {"b": [1e308]}})
    assert "grad(a)[0] = Inf, from the sum of what its 2 users give" in searched(session, "nan")


def test_what_is_too_large_for_single_precision_alone():
    layers = [{"name": "a", "op": "Linear", "out_features": 1, "bias": False, "weight": {"value": [1, 1]}}]
    session = open_session({"dtype": "float32", "inputs": {"x": [[3e38, 3e38]]}, "layers": layers})
    assert "a[0,0] = Inf, from the sum of its terms, 6e38: too large for float32" in searched(session, "nan")


def test_what_made_an_update_too_large():
    layers = [{"name": "a", "op": "Linear", "out_features": 1, "bias": False, "weight": {"value": [1]}}]
    network = {
        "inputs": {"x": [[1e150]], "y": [[0.0]]},
        "layers": layers,
        "loss": {"name": "C", "op": "MSELoss", "inputs": ["a", "y"]},
        "optimizer": {"op": "SGD", "lr": 1e10},
    }
    message = searched(open_session(network), "nan")
    assert "update, new(a.weight)[0,0] = -Inf, from " in message
    assert "a.weight[0,0] = 1" in message


# -- names and values


def finder(session):
    return Finder(session.recording, session.desk.words, session.spot)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("w1", ["w1", "grad(w1)", "new(w1)"]),
        ("conv", ["o1", "o2"]),
        ("-18", ["grad(w1)[2]"]),
        ("grad(w1) < 0", ["grad(w1)[1]", "grad(w1)[2]"]),
        ("> 40", ["grad(w2)[4]", "grad(i)[4]"]),
        ("grad(o2) == 6", ["grad(o2)[1]"]),
    ],
)
def test_names_and_values(two_conv, text, names):
    found = finder(two_conv).find(text, QUIET)
    assert [hit.name for hit in found.hits] == names
    assert not found.more


def test_a_hit_leads_to_the_step_that_wrote_it(two_conv):
    search = finder(two_conv)
    two_conv.land(search.landing(search.find("-18", QUIET).hits[0]))
    assert two_conv.place.element == 1
    with pytest.raises(ConvstepError, match="an input"):
        search.landing(next(hit for hit in search.find("9", QUIET).hits if hit.name == "i[9]"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nothing", "nothing here"), ("77", "nothing here"), ("nan", "nothing here"), ("> x", "no number"),
        ("o1 > 1 and o1 < 2", "one comparison"), ("sum > 5", "searches tensors"), ("max(o1) > 2", "no single tensor"),
        ("o1 >", "column"), ("  ", "what for"),
    ],
)  # fmt: skip
def test_what_is_not_found_says_so(two_conv, text, words):
    with pytest.raises(ConvstepError, match=words):
        finder(two_conv).find(text, QUIET)


def test_a_name_comes_with_what_it_is(two_conv):
    found = finder(two_conv).find("C", QUIET)
    assert [(hit.name, hit.about) for hit in found.hits] == [
        ("grad(C)", "one number"),
        ("o1", "Conv2d 1×1×2×2"),
        ("o2", "Conv2d 1×1×1×1"),
        ("C", "MSELoss one number"),
    ]


def test_the_list_is_bounded_and_can_be_given_up():
    session = open_session(sample("digits"))
    found = finder(session).find("> -1e9", QUIET)
    assert len(found.hits) == MOST_HITS
    assert found.more
    found = finder(session).find("conv1 > -1e9", QUIET)
    assert [hit.index for hit in found.hits] == list(range(MOST_HITS)) and found.more

    class GivenUp(Work):
        def check(self):
            raise Cancelled

    with pytest.raises(Cancelled):
        finder(session).find("> 1e9", GivenUp())


# -- further places of g


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("forward o2", ("op", 1)),
        ("backward o2", ("op", 3 + 2)),
        ("backward w1", ("op", 7)),
        ("forward C", ("op", 2)),
        ("update w1", ("op", 9)),
        ("iteration 0", ("op", 0)),
    ],
)
def test_phases_are_places(two_conv, text, place):
    two_conv.go(text)
    assert at(two_conv) == place


@pytest.mark.parametrize("text", ["backward i2", "forward i", "update i", "update o1", "backward o1[2]"])
def test_and_what_has_no_such_phase_says_so(two_conv, text):
    with pytest.raises(ConvstepError):
        two_conv.go(text)


def test_searches_are_completed(two_conv):
    assert {"nan", "last grad(w1)", "backward o2", "update w1", "sum > "} <= set(two_conv.completions())


# -- snapshots


def test_breakpoints_and_watches_are_kept_in_snapshots(two_conv, tmp_path):
    two_conv.desk.breakpoints.add(two_conv.desk.breakpoints.read("grad(w1)[3] if loss > 5 after 2 hits"))
    two_conv.desk.watches.add("loss > prev(loss)", stops=True)
    two_conv.desk.keep()
    path = str(tmp_path / "here.convstep")
    two_conv.save(path)
    again = open_session(path)
    assert again.desk.breakpoints.all == two_conv.desk.breakpoints.all
    assert again.desk.watches.all == two_conv.desk.watches.all


def test_what_means_nothing_in_a_snapshot_is_left_out(two_conv):
    two_conv.extras["breakpoints"] = [{"key": "o1"}, {"key": "foreign"}, 7]
    two_conv.extras["watches"] = "nonsense"
    assert [each.key for each in two_conv.desk.breakpoints.all] == ["o1"]
    assert two_conv.desk.watches.all == []


def test_a_watch_stands_above_the_tensors(two_conv):
    two_conv.desk.watches.add("max(o1)")
    two_conv.desk.keep()
    two_conv.go("o1")
    assert two_conv.view().tensors[0].text == "max(o1) = 7"


@pytest.mark.parametrize(
    ("numbers", "drawn"),
    [
        ([], ""),
        ([1.0], ""),
        ([0, 1], "▁█"),
        ([2, 2], "▁▁"),
        ([0, np.inf, 7], "▁!█"),
        ([1, 1e7, 1e14], "▁▄█"),
        (range(1200), "▁▁▂▂▃▄▄▅▆▆▇█"),
    ],
)
def test_sparklines(numbers, drawn):
    assert sparkline(list(map(float, numbers)), 12) == drawn
