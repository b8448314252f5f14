"""What if: an edited run is that of the network with the other number in it, and the original stays as it is."""

import copy

import numpy as np
import pytest
from networks import sample

import convstep
from convstep.debugger.opening import open_session
from convstep.debugger.origins import Explainer
from convstep.debugger.screen.view import Grid
from convstep.debugger.session import Session
from convstep.debugger.whatif.comparing import effect
from convstep.debugger.whatif.edits import read_edit
from convstep.engine.recording import Recording
from convstep.errors import ConvstepError
from convstep.explain.gradcheck import check_gradients
from convstep.explain.provenance.provenance import Address
from convstep.network import load

NET = {
    "name": "two_conv",
    "inputs": {"i": np.arange(1.0, 10).reshape(1, 1, 3, 3), "y": np.full((1, 1, 1, 1), -4.0)},
    "layers": [
        {"name": "o1", "op": "Conv2d", "out_channels": 1, "kernel_size": 2, "bias": False,
         "weight": np.array([-1.0, 1, 3, -2.75]).reshape(1, 1, 2, 2)},
        {"name": "act", "op": "LeakyReLU"},
        {"name": "o2", "op": "Conv2d", "out_channels": 1, "kernel_size": 2, "bias": False,
         "weight": np.array([2.0, 3, -2, -1]).reshape(1, 1, 2, 2)},
    ],
    "loss": {"name": "C", "op": "MSELoss", "inputs": ["o2", "y"], "reduction": "sum"},
    "optimizer": {"op": "SGD", "lr": 0.1},
    "iterations": 3,
    "symbols": {"o1.weight": "w1", "o2.weight": "w2"},
    "indexing": "flat1",
}  # fmt: skip


def session_on(net=NET):
    return Session(Recording(load(net)))


def read(session, text):
    return read_edit(text, session.graph, session.names, session.recording.iteration(session.place.iteration))


def tried(session, *texts):
    """The session with these edits, and the line about the last one."""
    for text in texts:
        trial = session.trial.with_edit(read(session, text))
        trial.run(session.place.iteration)
        line = trial.outcome(session.names, session.place.iteration)
        session.adopt(trial)
    return line


def changed(path, value):
    net = copy.deepcopy(NET)
    at = net
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return net


def with_number(path, flat, number):
    """The net with one other number in the array at this path."""
    net = copy.deepcopy(NET)
    at = net
    for key in path:
        at = at[key]
    at.reshape(-1)[flat] = number
    return net


@pytest.mark.parametrize(
    ("text", "net"),
    [
        ("w1[3] = 0.5", with_number(("layers", 0, "weight"), 2, 0.5)),
        ("o2.weight[4] = -2*w1[1] + i[2]", with_number(("layers", 2, "weight"), 3, 4.0)),
        ("i[2] = -i[2]", with_number(("inputs", "i"), 1, -2.0)),
        ("y = 0", with_number(("inputs", "y"), 0, 0.0)),
        ("lr = 0.01", changed(("optimizer", "lr"), 0.01)),
        ("optimizer.momentum = 0.9", changed(("optimizer", "momentum"), 0.9)),
        ("negative_slope = 0.5", changed(("layers", 1, "negative_slope"), 0.5)),
        ("act.negative_slope = 1/4", changed(("layers", 1, "negative_slope"), 0.25)),
        ("C.reduction = mean", changed(("loss", "reduction"), "mean")),
    ],
)
def test_an_edited_run_is_that_of_the_network_with_the_other_number(text, net):
    session, expected = session_on(), convstep.run(net)
    tried(session, text)
    last = session.recording.iteration(2)
    for name, gradient in expected.grads.items():
        assert np.array_equal(last.grads[name], gradient)
    for name, tensor in expected.params.items():
        assert np.array_equal(last.end.parameters[name], tensor)


def test_an_output_set_by_hand_passes_its_derivative_through_unchanged():
    session = session_on()
    tried(session, "act[2] = 10")
    net = copy.deepcopy(NET)
    shift = np.zeros((1, 1, 2, 2))
    shift.reshape(-1)[1] = 10 - convstep.run(NET, iterations=1).values["act"].reshape(-1)[1]
    net["inputs"]["shift"] = shift
    net["layers"].insert(2, {"name": "moved", "op": "Add", "inputs": ["act", "shift"]})
    expected, found = convstep.run(net, iterations=1), session.recording.iteration(0)
    assert np.array_equal(found.values["act"], expected.values["moved"])
    for name in ("o1.weight", "o2.weight", "i", "act"):
        assert np.array_equal(found.grads[name], expected.grads[name])
    natural = session.recording.iteration(1)
    assert natural.values["act"].reshape(-1)[1] != 10, "in that iteration alone"


def test_an_edit_holds_from_its_iteration_on_wherever_its_row_is_read_again():
    session = open_session(sample("digits"))
    session.go("iteration 20")
    assert tried(session, "images[1,0,3,4] = 7").startswith("images[1,0,3,4] = 7 from iteration 20 on, was ")
    original = session.trial.original
    for iteration, differs in ((19, False), (20, True), (21, False), (35, True)):
        before, after = original.iteration(iteration).values, session.recording.iteration(iteration).values
        places = np.argwhere(before["images"] != after["images"])
        assert places.tolist() == ([[1, 0, 3, 4]] if differs else [])
    assert session.recording.losses[19] == original.losses[19]
    assert session.recording.losses[21] != original.losses[21]


def test_a_parameter_moves_on_from_where_it_was_set():
    session = session_on()
    session.go("iteration 1")
    assert tried(session, "act[1] = 5").startswith("act[1] = 5 in iteration 1, was ")
    session.adopt(session.trial.undo())
    tried(session, "w1[1] = 5")
    first, second = (session.recording.iteration(k) for k in (1, 2))
    assert first.values["o1.weight"][0, 0, 0, 0] == 5
    step = 0.1 * first.grads["o1.weight"]
    assert np.allclose(second.values["o1.weight"], first.values["o1.weight"] - step, rtol=1e-15)
    before = session.trial.original.iteration(0)
    assert session.recording.iteration(0).values["o1.weight"].tolist() == before.values["o1.weight"].tolist()


def test_the_line_says_what_was_replaced_and_what_follows():
    session = open_session(sample("two_conv"))
    session.go("grad(w1)")
    here = session.spot
    # o1 = [-7 -8.5; -11.5 -13], o2 = -3.5, C = 0.25: o1, o2 and C, six gradients and both new parameters follow.
    assert tried(session, "w1[3] = 0.5") == "w1[3] = 0.5, was 3; C: 9 → 0.25; 37 numbers change"
    before, after = (recording.iteration(0) for recording in (session.trial.original, session.recording))
    count = sum(int((before.values[n] != after.values[n]).sum()) for n in ("o1", "o2", "C"))
    count += sum(int((before.grads[n] != after.grads[n]).sum()) for n in after.grads)
    count += sum(int((u.new_parameter != before.updates[n].new_parameter).sum()) for n, u in after.updates.items())
    assert effect(before, after, session.graph).numbers == count == 37
    assert session.spot == here
    assert "derivative passes through" in tried(session, "o1[2] = 4")
    assert tried(session, "lr = 0.1").startswith("lr = 0.1, was 0.1;")


def test_what_is_no_number_before_and_after_has_not_changed():
    net = {
        "inputs": {"a": [float("nan"), 1.0, 2.0], "b": [1.0, 1.0, 1.0]},
        "layers": [{"name": "s", "op": "Add", "inputs": ["a", "b"]}],
    }
    assert tried(session_on(net), "b[0] = 5").endswith("; nothing else changes")
    assert tried(session_on(net), "b[1] = 5").endswith("; 1 number changes")
    assert tried(session_on(net), "a[0] = 5").endswith("; 1 number changes")


def test_nothing_else_changes_is_said():
    session = open_session(sample("two_conv"))
    assert tried(session, "C = 5").startswith("C = 5, was 9; C: 9 → 5; nothing else changes")


def test_changed_cells_know_the_original_and_the_sentence_what_was_set():
    session = open_session(sample("two_conv"))
    session.go("o1[2]")
    tried(session, "o1[2] = 10")
    view = session.view()
    grid = next(b for b in view.tensors if isinstance(b, Grid) and b.key == "o1")
    cells = grid.cells(np.arange(4))
    assert cells.changed.tolist() == [False, True, False, False], "what is not written yet is not changed"
    assert (cells.was[1], cells.values[1]) == (4, 10)
    assert view.sentence.startswith("o1[2] is set to 10 by hand; its terms give 4.")
    assert view.edited and view.notices[0] == "what if o1[2] = 10 · u undoes"
    session.go("grad(w1)[1]")
    assert "passes through unchanged" in session.view().sentence


def test_undo_and_redo_come_back_to_the_same_numbers():
    session = session_on()
    tried(session, "w1[3] = 0.5", "lr = 0.01")
    both = session.recording.iteration(2).grads["i"]
    for _ in range(2):
        session.adopt(session.trial.undo())
    assert session.recording is session.trial.original
    assert not session.view().edited
    with pytest.raises(ConvstepError, match="nothing is edited"):
        session.trial.undo()
    for _ in range(2):
        session.adopt(session.trial.redo())
    assert np.array_equal(session.recording.iteration(2).grads["i"], both)
    with pytest.raises(ConvstepError, match="no edit was undone"):
        session.trial.redo()
    tried(session, "y = 1")
    assert not session.trial.undone


def test_the_place_stays_where_a_setting_adds_terms():
    session = session_on()
    session.go("iteration 2")
    session.go("new(w1)[2]")
    place = session.place
    tried(session, "momentum = 0.9")
    assert session.place == place
    session.last_inside()
    last = session.place
    session.adopt(session.trial.undo())
    assert session.place[:3] == last[:3]
    session.view()


def test_edits_are_kept_in_snapshots(tmp_path):
    session = session_on()
    session.go("iteration 1")
    tried(session, "w1[3] = 0.5", "o1[2] = 10", "lr = 0.01", "i[1] = 3")
    session.adopt(session.trial.undo())
    session.go("grad(w1)[2]")
    session.save(str(tmp_path / "s.convstep"))
    other = open_session(str(tmp_path / "s.convstep"))
    assert (other.trial.edits, other.trial.undone) == (session.trial.edits, session.trial.undone)
    assert other.spot == session.spot
    one, two = session.recording.iteration(1), other.recording.iteration(1)
    assert all(np.array_equal(one.grads[name], two.grads[name]) for name in one.grads)
    other.adopt(other.trial.undo())
    other.adopt(other.trial.undo())
    other.adopt(other.trial.undo())
    found = other.recording.iteration(1).grads["i"]
    assert np.array_equal(found, Recording(load(NET)).iteration(1).grads["i"])


@pytest.mark.parametrize(
    "edits",
    [
        3,
        [3],
        [{"tensor": "nowhere", "iteration": 0, "index": 0, "value": 1}],
        [{"tensor": "i", "iteration": 0, "index": 9, "value": 1}],
        [{"tensor": "i", "iteration": 0, "index": 0, "value": "x"}],
        [{"name": "lr", "where": ["optimizer", "lr"], "value": "x"}],
        [{"name": "lr", "where": ["optimizer", "nothing"], "value": 1}],
    ],
)
def test_edits_that_are_none_are_left_out(edits):
    session = Session(Recording(load(NET)), extras={"edits": edits})
    assert session.recording is session.trial.original
    session.view()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("w1[3]", "write what is to change, =, and its new value"),
        ("w1[3] =", "write what is to change, =, and its new value"),
        ("w1[9] = 1", "w1[9] is outside: w1 is 1×1×2×2, indices go from 1 to 4"),
        ("w1[1] = w2", "w2 is 1×1×2×2 numbers, and one is needed: give it an index"),
        ("w1[1] = 1/0", "column 3: division by 0"),
        ("lrr = 1", "there is no tensor and no setting 'lrr'; did you mean 'lr'?"),
        ("grad(w1)[1] = 2", "grad(w1) follows from other numbers: change an input, a parameter or an output"),
        ("new(w1)[1] = 2", "new(w1) follows from w1 and its gradient: change those"),
        ("lr = -1", "optimizer.lr: lr takes a number of 0 or more, not -1"),
        ("lr = [1, 2]", "optimizer.lr: lr takes a number"),
        ("o1.padding = 1", "o1.padding = 1 changes the shape of a tensor"),
        ("2*w1 = 1", "'2*w1' is nothing that can change"),
    ],
)
def test_what_cannot_be_tried_is_said_in_one_line(text, message):
    session = session_on()
    with pytest.raises(ConvstepError) as raised:
        tried(session, text)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_class_labels_stay_labels():
    session = open_session(sample("digits"))
    assert tried(session, "labels[1] = 3").startswith("labels[1] = 3, was 1;")
    for text, message in [
        ("labels[1] = 2.5", "whole numbers"),
        ("labels[1] = nan", "whole numbers"),
        ("labels = 1e30", "whole numbers"),
        ("labels[1] = 10", "loss reads"),
    ]:
        with pytest.raises(ConvstepError, match=message):
            read(session, text)


def test_not_a_number_may_be_tried():
    session = open_session(sample("two_conv"))
    assert tried(session, "i[1] = nan").startswith("i[1] = NaN, was 1; C: 9 → NaN;")
    assert tried(session, "w1 = inf").startswith("w1 = Inf;"), "a whole tensor, too"


def test_explaining_a_number_that_was_set_says_so():
    session = open_session(sample("two_conv"))
    session.go("o1[2]")
    tried(session, "o1[2] = 10")
    explainer = Explainer(session.state(), session.names)
    assert explainer.explained(Address(0, "o1", 1)).rows[0].text == "o1[2] is set to 10 by hand; its terms give 4."
    assert "by hand" not in explainer.explained(Address(0, "o1", 0)).text


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_gradient_check_moves_along_with_what_was_set(dtype):
    session = session_on({**NET, "dtype": dtype, "claims": []})
    tried(session, "act[2] = 10", "w1[1] = 0.5", "i[4] = 7")
    checks = list(check_gradients(session.graph))
    assert {check.name for check in checks} >= {"i", "o1.weight", "act"}
    assert all(check.ok and check.max_abs_error < 1e-6 for check in checks)
