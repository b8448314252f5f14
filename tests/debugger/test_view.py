"""The screen as data: at every position of the sample nets it can be made, read, and says plain things."""

import re

import pytest
from hypothesis import given, settings
from networks import networks, sample
from picked import PICKED
from plain_view import plain, texts

from convstep.debugger.moves import Spot
from convstep.debugger.session import Session
from convstep.engine.recording import Recording
from convstep.engine.timeline import LEVELS, ORDERS
from convstep.network import load

EVERYWHERE = [(level, order) for level in LEVELS for order in ORDERS]


def screens(session, level, order, most):
    """The screens of a spread part of the positions, the ends among them."""
    length = session.recording.timeline.length(level, order)
    for position in sorted({-1, *range(0, length, 1 + length // most), length - 1}):
        session.spot = Spot(level, order, position)
        yield plain(session.view())


def check(screen):
    for text in texts(screen):
        assert "None" not in text
        assert "nan" not in re.findall(r"\w+", text)
        assert "array(" not in text and "np." not in text
        assert "\n" not in text
    said = screen["sentence"]
    assert said == said.strip()
    assert said.endswith((".", ".)")), said
    assert "  " not in said, said
    assert ".." not in said, said
    assert said[0] == said[0].upper() or not said[0].isalpha() or screen["where"], said


@pytest.mark.parametrize(("level", "order"), EVERYWHERE)
@pytest.mark.parametrize(("name", "most"), [("two_conv", 200), ("conv_pool_sigmoid", 60), ("digits", 12)])
def test_sample_nets(name, most, level, order, sessions):
    for screen in screens(sessions(name), level, order, most):
        check(screen)


@pytest.fixture(scope="module")
def sessions():
    opened = {}

    def session(name):
        if name not in opened:
            opened[name] = Session(Recording(load(sample(name))))
        return opened[name]

    return session


@pytest.mark.parametrize("name", PICKED)
def test_picked_networks(name):
    session = Session(Recording(load(PICKED[name])))
    for level, order in EVERYWHERE:
        for screen in screens(session, level, order, 20):
            check(screen)


@settings(max_examples=25)
@given(networks())
def test_random_networks(source):
    session = Session(Recording(load(source)))
    for level, order in EVERYWHERE:
        for screen in screens(session, level, order, 8):
            check(screen)


def test_the_screen_of_screen_md():
    """A term of a weight's gradient in two_conv, as the picture has it."""
    session = Session(Recording(load(sample("two_conv"))))
    session.go("grad(w1)[1]")
    session.first_inside()
    session.next()
    view = session.view()
    position = session.spot.position
    assert view.status == f"TERM {position} of 91"
    assert view.where == ("backward", "o1 Conv2d", "grad(w1)[1]", "term 2 of 4")
    assert view.sentence.startswith(
        "w1[1] met i[2] = 2 when o1[2] was made; C changes by 18 per unit of o1[2]. "
        "This use adds 2 × 18 = 36. Sum so far 48; 2 uses "
    )
    terms = [view.formula.term(k) for k in range(view.formula.count)]
    assert view.formula.subject == "∂C/∂w1[1]"
    assert [t.names for t in terms] == ["i[1]·g[1]", "i[2]·g[2]", "i[4]·g[3]", "i[5]·g[4]"]
    assert [t.numbers for t in terms] == ["1·12", "2·18", "4·(-12)", "5·(-6)"]
    assert [t.result for t in terms] == ["12", "36 → 48…", "·", "·"]
    assert view.formula.now == 1
    assert [row[-1] for row in map(view.ledger.row, range(4))] == ["12", "48", "·", "·"]


def test_a_running_sum_passes_a_real_zero():
    session = Session(Recording(load(sample("two_conv"))))
    session.go("grad(w1)[1]")
    session.first_inside()
    sums = []
    for _ in range(4):
        sums.append(float(session.state().collected.sums[0, session.place.term]))
        session.next()
    assert sums == [12, 48, 0, -30]


def note_of(view, key):
    return next(block.note for block in view.gradients if getattr(block, "key", "") == key)


def test_shares_are_a_list_and_no_sum():
    session = Session(Recording(load(sample("two_conv"))))
    session.go("grad(w1)[1]")
    session.switch_order()
    assert session.view().formula.joint == ""
    session.last_inside()
    assert session.view().formula.joint == "+"


def test_a_source_has_given_when_all_its_shares_are_given():
    session = Session(Recording(load(sample("two_conv"))))
    session.switch_order()
    session.go("grad(w1)")
    session.first_inside()
    assert note_of(session.view(), "grad(o1.weight)") == "1 of 4 given"
    session.first_inside()
    notes = []
    for _ in range(4):
        notes.append(note_of(session.view(), "grad(o1.weight)"))
        session.next()
    assert notes == ["1 of 4 begun"] * 3 + ["1 of 4 given"]


def test_the_last_term_of_an_element_counts_in_the_program():
    session = Session(Recording(load(sample("two_conv"))))
    session.go("grad(w1)[1]")
    session.first_inside()
    counts = []
    for _ in range(4):
        counts.append(next(line.text for line in session.view().program if line.state == "now"))
        session.next()
    assert [text.rpartition("  ")[2] for text in counts] == ["0 of 4"] * 3 + ["1 of 4"]


def test_a_user_that_is_still_giving_is_not_ticked_off():
    session = Session(Recording(load(sample("residual"))))
    session.go("grad(x1)[0,0,1,1]")
    session.switch_order()
    session.out()
    users = []
    for move in (session.first_inside, session.out, session.last_inside):
        move()
        users.append(next(text for text in texts(plain(session.view())["gradients"]) if text.startswith("3 users")))
    assert [text.rpartition(" ")[2] for text in users] == ["…", "✓", "✓"]


def test_a_grid_that_begins_with_padding_is_shown_from_its_first_number():
    session = Session(Recording(load(sample("residual"))))
    session.switch_order()
    session.go("grad(x1)")
    session.first_inside()
    step = next(
        k for k, s in enumerate(session.recording.timeline.steps) if s.writes == "grad(x1)" and s.op == "Conv2d"
    )
    session.go(f"op {step}")
    session.first_inside()
    local = next(block for block in session.view().local if getattr(block, "key", "") == "local")
    assert local.follow == 4


def test_the_shape_of_a_list_does_not_pass_for_its_value():
    session = Session(Recording(load(sample("conv_pool_sigmoid"))))
    view = session.view()
    assert [grid.note for grid in view.tensors if grid.key == "fc.bias"] == ["3 numbers"]
    assert [grid.note for grid in Session(Recording(load(sample("residual")))).view().tensors[:2]][1] == "1 number"
    assert note_of(view, "grad(fc.bias)") == "3 numbers"


@pytest.mark.parametrize(
    ("where", "subject"), [("grad(w)[0,0,1,1]", "∂C/∂w[0,0,1,1] via left"), ("grad(v)[0,0]", "∂C/∂v[0,0]")]
)
def test_the_formula_of_one_user_does_not_pass_for_the_whole_gradient(where, subject):
    session = Session(Recording(load(sample("residual"))))
    session.go(where)
    view = session.view()
    assert view.formula.subject == subject
    assert view.ledger.title.endswith("via left") == subject.endswith("via left")


def test_a_negative_summand_stands_in_parentheses_behind_its_plus():
    session = Session(Recording(load(sample("residual"))))
    session.go("C")
    terms = [session.view().formula.term(k) for k in range(2)]
    assert terms[1].names == "(-fc[0,2])"
    assert terms[0].names.startswith("log(")


def test_a_collected_element_has_a_short_sentence_without_its_history():
    session = Session(Recording(load(sample("two_conv"))))
    session.go("grad(w1)[1]")
    view = session.view()
    assert view.shorter == ("4 products local × upstream add up to -30.",)
    assert view.sentence.endswith("the " + view.shorter[0])


@pytest.mark.parametrize(
    ("where", "note"),
    [
        ("o1", "the last element"),
        ("grad(w1)", "the last element; g = ∂C/∂o1"),
        ("grad(w1)[1]", "g = ∂C/∂o1"),
        ("o2", ""),
    ],
)
def test_a_formula_that_stands_for_a_whole_operation_says_so(where, note):
    session = Session(Recording(load(sample("two_conv"))))
    session.go(where)
    assert session.view().formula.note == note
