"""Stepping: forward and back, walked and jumped, gathered and scattered, the same bits."""

import numpy as np
import pytest
from hypothesis import given, settings
from networks import SAMPLES, networks, sample
from picked import PICKED

from convstep.engine.recording import Recording
from convstep.engine.results import run_all
from convstep.engine.state import State, Status
from convstep.engine.timeline import LEVELS, ORDERS, Place
from convstep.engine.trace import line, states
from convstep.errors import ConvstepError
from convstep.network import load

BOTH = pytest.mark.parametrize("order", ORDERS)
LONGEST = 1200


def keys(recording):
    """Every tensor that `State.read` knows."""
    graph, steps = recording.graph, recording.timeline.steps
    gradients = {step.writes for step in steps if step.is_backward}
    gradients |= {f"grad({name})" for name in ([graph.loss.name] if graph.loss else graph.seeds)}
    new = [f"new({step.tensor})" for step in steps if step.phase == "update"]
    return [*graph.inputs, *graph.parameters, *(node.name for node in graph.nodes), *sorted(gradients), *new]


def read(state, key):
    return state.read(key, np.arange(state.recorded(key).size))


def shown(state):
    """All numbers and statuses at a state, as bytes: equal means the same bits."""
    return {key: tuple(array.tobytes() for array in read(state, key)) for key in keys(state.recording)}


def chosen(recording, level, order):
    """All positions of a short network, an evenly spread part of a long one's."""
    length = recording.timeline.length(level, order)
    return range(0, length, 1 + length // LONGEST)


def small(source):
    return Recording(load(source)).timeline.length("term") < LONGEST


# -- there and back ---------------------------------------------------------------------------------------


@BOTH
@settings(max_examples=10)
@given(networks(5).filter(small))
def test_back_is_the_way_there_reversed(order, source):
    for level in LEVELS:
        there = [(repr(line(p, s)), shown(s)) for p, s in states(Recording(load(source)), level, order)]
        back = [(repr(line(p, s)), shown(s)) for p, s in states(Recording(load(source)), level, order, reverse=True)]
        assert there == back[::-1]


@BOTH
@settings(max_examples=12)
@given(networks())
def test_a_jump_is_the_walk(order, source):
    walked = Recording(load(source))
    for level in LEVELS:
        positions = chosen(walked, level, order)[:: 3 if level == "term" else 1][:200]
        there = {p: s for p, s in states(walked, level, order, 0, max(positions) + 1) if p in positions}
        jumped = Recording(load(source))
        for position in [*positions[1::2], *positions[::2]]:
            alone = State(jumped, jumped.timeline.place(level, order, position), order)
            assert repr(line(position, alone)) == repr(line(position, there[position]))
            assert shown(alone) == shown(there[position])


@BOTH
@pytest.mark.parametrize("level", LEVELS)
def test_a_slice_of_the_trace_is_the_trace_sliced(level, order):
    source = PICKED["one_weight_used_three_times"]
    whole = [line(p, s) for p, s in states(Recording(load(source)), level, order)]
    for start, stop in ((0, 5), (7, 7), (9, 4), (3, None), (len(whole) - 2, len(whole) + 50), (len(whole) + 1, None)):
        sliced = [line(p, s) for p, s in states(Recording(load(source)), level, order, start, stop)]
        assert sliced == whole[start:stop]
        turned = [line(p, s) for p, s in states(Recording(load(source)), level, order, start, stop, reverse=True)]
        assert turned == whole[start:stop][::-1]


def test_negative_positions_are_refused_at_once():
    recording = Recording(load(sample("two_conv")))
    for start, stop in ((-1, None), (0, -3)):
        with pytest.raises(ConvstepError, match="0 or more"):
            states(recording, "op", "gather", start, stop)


# -- sums ---------------------------------------------------------------------------------------------------


def sums_of(recording, order):
    """(product, sum) of every backward term that is not empty, by iteration, step, target, upstream element, tap."""
    found, values = {}, {}
    for position, state in states(recording, "term", order):
        if not state.step.is_backward:
            continue
        printed = line(position, state)
        where = (printed["iteration"], state.place.step, tuple(printed["index"] or ()))
        if printed["value"] is not None:
            assert where not in values, "an element is complete once"
            values[where] = repr(printed["value"])
        if "empty" in printed:
            assert printed["product"] == 0
            continue
        tap = 0
        while (*where, printed["upstream"]["name"], tap) in found:
            tap += 1
        found[(*where, printed["upstream"]["name"], tap)] = (repr(printed["product"]), repr(printed["sum"]))
    return found, values


@settings(max_examples=25)
@given(networks(6).filter(small))
def test_gather_and_scatter_add_the_same_bits(source):
    gathered, values = sums_of(Recording(load(source)), "gather")
    scattered, others = sums_of(Recording(load(source)), "scatter")
    assert gathered == scattered
    assert {key[:3] for key in gathered} <= set(others)
    assert {key: values[key] for key in others} == others


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@settings(max_examples=20)
@given(source=networks(6).filter(small))
def test_an_element_is_the_sum_of_its_printed_products(dtype, source):
    recording = Recording(load({**source, "dtype": dtype}))
    products = []
    for position, state in states(recording, "term", "gather"):
        if not state.step.is_backward:
            continue
        printed = line(position, state)
        products = [*products, printed["product"]] if printed["term"] else [printed["product"]]
        total = 0.0
        for product in products:
            total += product
        assert printed["sum"] == total
        if printed["term"] == printed["terms"] - 1:
            gave = state.iteration.given[state.place.step].reshape(-1)[state.target]
            margin = len(products) * float(np.finfo(dtype).eps) * sum(map(abs, products))
            assert abs(gave - total) <= margin


@settings(max_examples=25)
@given(networks())
def test_the_terms_of_a_forward_or_update_step_end_in_the_element(source):
    recording = Recording(load(source))
    last = recording.timeline.iterations - 1
    for k, step in enumerate(recording.timeline.steps):
        if step.is_backward:
            continue
        size = int(np.prod(step.shape))
        for element in {0, size // 2, size - 1}:
            terms = State(recording, Place(last, k, element), "gather").terms
            assert len(terms) == step.terms["gather"]
            key = f"new({step.tensor})" if step.phase == "update" else step.tensor
            recorded = State(recording, Place(last, k), "gather").recorded(key).reshape(-1)[element]
            margin = 0 if step.phase == "update" else 1e-14 * max(abs(term.result) for term in terms)
            assert abs(terms[len(terms) - 1].holds - recorded) <= margin


# -- how final a number is --------------------------------------------------------------------------------


@BOTH
@settings(max_examples=25)
@given(networks())
def test_at_the_end_everything_is_there(order, source):
    recording = Recording(load(source))
    results = run_all(recording)
    for level in LEVELS:
        last = recording.timeline.place(level, order, recording.timeline.length(level, order) - 1)
        state = State(recording, last, order)
        for key in keys(recording):
            values, status = read(state, key)
            assert (status == Status.DONE).all(), (level, key)
            group, name = {"grad(": (results.grads, key[5:-1]), "new(": (results.params, key[4:-1])}.get(
                key[: key.find("(") + 1], (results.values, key)
            )
            np.testing.assert_array_equal(values, group[name].reshape(-1).astype(np.float64), err_msg=key)


@BOTH
@settings(max_examples=15)
@given(networks(5))
def test_numbers_are_blank_then_partial_then_done(order, source):
    recording = Recording(load({**source, "iterations": 1}))
    writers = {key: writing(recording, key) for key in keys(recording)}
    for level in LEVELS:
        before: dict[str, np.ndarray] = {}
        for position in chosen(recording, level, order)[::2]:
            state = State(recording, recording.timeline.place(level, order, position), order)
            for key in keys(recording):
                values, status = read(state, key)
                assert key not in before or (status >= before[key]).all(), (position, key)
                assert (values[status == Status.BLANK] == 0).all()
                before[key] = status
                check_progress(recording, state, key, writers[key], status)


@BOTH
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("window", "outputs"), [({"kernel_size": 2, "padding": 1, "stride": 2}, 3), ({"kernel_size": 3}, 2)]
)
def test_nothing_comes_from_where_nothing_is_be_the_upstream_infinite(order, window, outputs):
    """A weight on the padding has met nothing; an input near the edge feeds fewer outputs than there are taps."""
    layer = {"name": "c", "op": "Conv1d", "out_channels": 1, **window}
    upstream = np.full((1, 1, outputs), np.inf)
    source = {"inputs": {"x": np.ones((1, 1, 4))}, "layers": [layer], "gradient": {"c": upstream}}
    recording = Recording(load(source))
    empty = [printed for p, s in states(recording, "term", order) if (printed := line(p, s)).get("empty")]
    backward = [printed for printed in empty if printed["phase"] == "backward"]
    assert backward or order == "scatter"
    assert all(printed["product"] == 0 for printed in backward)
    assert all(printed["upstream"]["value"] == 0 for printed in backward if printed["upstream"]["name"] is None)
    assert all(printed["sum"] in (0, None) for printed in backward if printed["term"] == 0)


def test_an_element_is_blank_until_a_term_gives_it_a_number():
    source = {"inputs": {"x": np.array([1.0, 2.0])}, "layers": [{"name": "p", "op": "Softmax"}]}
    recording = Recording(load(source))
    count = recording.timeline.steps[0].terms["gather"]
    status = [State(recording, Place(0, 0, 1, k), "gather").read("p", np.array([0, 1]))[1] for k in range(count)]
    assert status[0].tolist() == [Status.DONE, Status.BLANK]
    assert status[-1].tolist() == [Status.DONE, Status.DONE]


def test_a_product_that_stands_alone_is_its_own_sum():
    source = {
        "inputs": {"a": [2.0, 3.0], "b": [5.0, 7.0]},
        "layers": [{"name": "m", "op": "Mul", "inputs": ["a", "b"]}],
    }
    lines = [line(p, s) for p, s in states(Recording(load(source)), "term", "gather")]
    assert [(one["product"], one["sum"]) for one in lines] == [(10.0, 10.0), (21.0, 21.0)]


def test_a_product_in_single_precision_is_that_of_its_factors():
    source = {
        "dtype": "float32",
        "inputs": {"a": [1.1, 1e30], "b": [3.7, 1e30]},
        "layers": [{"name": "m", "op": "Mul", "inputs": ["a", "b"]}],
    }
    lines = [line(p, s) for p, s in states(Recording(load(source)), "term", "gather")]
    for one in lines:
        assert one["product"] == one["sum"] == one["factors"][0]["value"] * one["factors"][1]["value"]
    assert [one["value"] for one in lines] == [float(np.float32(1.1) * np.float32(3.7)), "Infinity"]


def test_an_update_reads_the_parameter_its_gradient_and_what_the_optimizer_keeps():
    source = {**PICKED["one_weight_used_three_times"], "optimizer": {"op": "SGD", "lr": 0.1, "momentum": 0.9}}
    recording = Recording(load(source))
    (k, *_) = (k for k, step in enumerate(recording.timeline.steps) if step.phase == "update")
    state = State(recording, Place(1, k, 0), "gather")
    name = state.step.tensor
    expected = [f"new({name})", name, f"grad({name})", f"{name}.momentum_buffer"]
    assert [state.operand(slot) for slot in (-1, 0, 1, 2)] == [(each, state.step.shape) for each in expected]


@BOTH
@settings(max_examples=30)
@given(source=networks())
def test_a_gradient_in_progress_is_what_was_given_so_far(order, source):
    """After each user: the given gradient if there is one, and what all users so far gave, in their order."""
    recording = Recording(load({**source, "iterations": 1}))
    iteration, steps = recording.iteration(0), recording.timeline.steps
    so_far = {f"grad({name})": seed for name, seed in iteration.seeds.items()}
    for k, step in enumerate(steps):
        if not step.is_backward:
            continue
        given = iteration.given[k]
        so_far[step.writes] = so_far[step.writes] + given if step.writes in so_far else given
        last = step.element_shape(order)
        for place in (Place(0, k), Place(0, k, int(np.prod(last)) - 1)):
            values, _ = read(State(recording, place, order), step.writes)
            np.testing.assert_array_equal(values, so_far[step.writes].reshape(-1))
        if k + 1 < len(steps) and steps[k + 1].is_backward:
            for key, expected in so_far.items():
                first = read(State(recording, Place(0, k + 1, 0, 0), order), key)[0]
                assert key == steps[k + 1].writes or np.array_equal(first, expected.reshape(-1))


@BOTH
def test_a_given_gradient_stays_while_users_add_to_it(order):
    layers = [
        {"name": "a", "op": "ReLU", "inputs": ["x"]},
        {"name": "b", "op": "Add", "inputs": ["a", "a"]},
    ]
    gradient = {"a": [10.0, 20.0], "b": [1.0, 2.0]}
    recording = Recording(load({"inputs": {"x": [1.0, 1.0]}, "layers": layers, "gradient": gradient}))
    seen = []
    for _, state in states(recording, "element", order):
        if state.step.is_backward:
            values, status = read(state, "grad(a)")
            seen.append((values.tolist(), status.tolist()))
    partial, done = int(Status.PARTIAL), int(Status.DONE)
    assert seen == [
        ([11, 20], [partial, partial]),
        ([11, 22], [partial, partial]),
        ([12, 22], [done, partial]),
        ([12, 24], [done, done]),
        ([12, 24], [done, done]),
        ([12, 24], [done, done]),
    ]


def test_a_shared_parameter_is_updated_once_under_its_first_name():
    recording = Recording(load(PICKED["one_weight_used_three_times"]))
    updates = [step for step in recording.timeline.steps if step.phase == "update"]
    assert [(step.layer, step.tensor) for step in updates] == [("f", "f.weight"), ("f", "f.bias")]


@BOTH
def test_what_no_window_reads_gets_a_real_zero_in_the_end(order):
    layers = [{"name": "a", "op": "AvgPool2d", "kernel_size": 1, "stride": 2}]
    gradient = {"a": np.ones((1, 1, 2, 2))}
    recording = Recording(load({"inputs": {"x": np.ones((1, 1, 4, 4))}, "layers": layers, "gradient": gradient}))
    for level in LEVELS:
        last = recording.timeline.length(level, order) - 1
        for place in (recording.timeline.place(level, order, last), Place(0, 1)):
            values, status = read(State(recording, place, order), "grad(x)")
            assert values.tolist() == [1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]
            assert (status == Status.DONE).all()


def writing(recording, key):
    """The steps that write a tensor: layers, users, or the update."""
    steps = recording.timeline.steps
    if key.startswith("new("):
        return [k for k, step in enumerate(steps) if step.phase == "update" and f"new({step.tensor})" == key]
    return [k for k, step in enumerate(steps) if step.phase != "update" and step.writes == key]


def check_progress(recording, state, key, writers, status):
    at = state.place.step
    roots = [recording.graph.loss.name] if recording.graph.loss else recording.graph.seeds
    seeded = any(key == f"grad({name})" for name in roots)
    if writers and at > writers[-1]:
        assert (status == Status.DONE).all()
    if writers and at < writers[-1]:
        assert not (status == Status.DONE).any(), "a gradient with a user still to come is not final"
    if writers and at < writers[0] and not seeded:
        assert (status == Status.BLANK).all()
    if not writers and not seeded:
        assert (status == Status.DONE).all(), "inputs and parameters are there from the start"


@pytest.mark.parametrize("name", SAMPLES)
def test_at_the_start_only_inputs_and_parameters_are_there(name):
    recording = Recording(load(sample(name)))
    state = State(recording, Place(0, -1), "gather")
    there = {*recording.graph.inputs, *recording.graph.parameters}
    for key in keys(recording):
        _, status = read(state, key)
        assert (status == (Status.DONE if key in there else Status.BLANK)).all()


def test_iterations_can_be_visited_in_any_order():
    source = PICKED["classes_in_batches"]
    walked = [s.iteration for _, s in states(Recording(load(source)), "op", "gather")]
    jumping = Recording(load(source))
    for index in (6, 2, 5, 0, 6, 3):
        one = next(iteration for iteration in walked if iteration.index == index)
        other = jumping.iteration(index)
        for name, value in one.values.items():
            assert value.tobytes() == other.values[name].tobytes()


def test_a_small_budget_recomputes_the_same_bits():
    source = {**PICKED["one_weight_used_three_times"], "iterations": 20}
    tight, wide = Recording(load(source), kept_bytes=0), Recording(load(source))
    last = tight.iteration(19)
    assert last.values["C"].tobytes() == wide.iteration(19).values["C"].tobytes()
    assert tight.iteration(7).values["C"].tobytes() == wide.iteration(7).values["C"].tobytes()
    assert tight.losses == wide.losses
