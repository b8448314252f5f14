"""Path ledgers: every path is counted, the products add up to the gradient, the largest come first."""

import math
from itertools import islice

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from networks import networks, sample

from convstep.engine.recording import Recording
from convstep.errors import ConvstepError
from convstep.explain.formula.formula import Formulas
from convstep.explain.naming import Names
from convstep.explain.provenance.path_writing import ledger_of
from convstep.explain.provenance.paths import Paths
from convstep.network import load
from convstep.ops.base import Empty


def paths_of(source, tensor, index, iteration=0):
    return Paths(Recording(load(source)), iteration, tensor, index)


def brute_force(recording, kept, tensor, index):
    """The products of all paths, found by following every link that there is."""
    products = [float(kept.seeds[tensor].reshape(-1)[index])] if tensor in kept.seeds else []
    for step in recording.timeline.steps:
        if step.is_backward and step.tensor == tensor:
            links = step.node.op.column(kept.calls[step.layer], step.slot, np.array([index]))
            for k, out in enumerate(links.index[0].tolist()):
                if out >= 0 and (links.empty is None or links.empty[0, k] == Empty.NO):
                    onward = brute_force(recording, kept, step.layer, out)
                    products += [product * float(links.local[0, k]) for product in onward]
                    if len(products) > 3000:
                        raise OverflowError
    return products


@settings(max_examples=80, deadline=None)
@given(networks(4), st.data())
def test_ledgers_of_random_networks_add_up_and_are_complete(source, data):
    recording = Recording(load(source))
    kept = recording.iteration(0)
    tensor = data.draw(st.sampled_from(sorted(kept.grads)))
    index = data.draw(st.integers(0, kept.grads[tensor].size - 1))
    try:
        expected = brute_force(recording, kept, tensor, index)
    except OverflowError:
        assume(False)
    found = Paths(recording, 0, tensor, index)
    listed = [path.product for path in found]
    assert found.count == len(expected) == len(listed)
    assert found.nonzero <= found.count
    scale = 1e-9 * (1 + math.fsum(map(abs, expected)))
    assert sorted(listed) == pytest.approx(sorted(expected), abs=scale)
    assert math.fsum(listed) == pytest.approx(found.gradient, abs=scale)
    assert found.total == pytest.approx(found.gradient, abs=scale)
    ordered = [abs(path.product) for path in found.largest(len(expected))]
    assert ordered == pytest.approx(sorted(map(abs, expected), reverse=True), abs=scale)


def test_the_four_paths_of_the_two_convolutions():
    found = paths_of(sample("two_conv"), "o1.weight", 0)
    assert found.count == found.nonzero == 4
    ways = [[(hop.layer, hop.index, hop.local) for hop in path.hops] for path in found]
    assert ways[1] == [("o1", 1, 2.0), ("o2", 0, 3.0), ("C", 0, 6.0)]
    assert [path.product for path in found] == [12, 36, -48, -30]
    assert [path.product for path in found.largest(2)] == [-48, 36]
    assert found.total == found.gradient == -30


def chain(layers):
    """Equal layers one after the other: each element reaches all of the next."""
    return {
        "name": "chain",
        "inputs": {"x": np.ones((1, 3)), "y": np.zeros((1, 3))},
        "layers": [
            {"name": f"l{k}", "op": "Linear", "out_features": 3, "bias": False, "weight": np.full((3, 3), 1.0)}
            for k in range(layers)
        ],
        "loss": {"name": "C", "op": "MSELoss", "inputs": [f"l{layers - 1}", "y"], "reduction": "sum"},
    }


def test_more_paths_than_atoms_are_counted_exactly_and_the_first_listed_at_once():
    found = paths_of(chain(200), "x", 0)
    assert found.count == 3**200
    assert len(list(islice(found, 5))) == len(found.largest(5)) == 5
    assert found.total == pytest.approx(found.gradient, rel=1e-9)


def test_each_use_of_a_shared_parameter_has_paths():
    source = chain(3)
    for layer in source["layers"][1:]:
        layer["weight"] = "l0.weight"
    found = paths_of(source, "l0.weight", 0)
    assert {path.hops[0].layer for path in found} == {"l0", "l1", "l2"}
    assert found.count == 9 + 3 + 1


def test_paths_start_at_given_gradients():
    source = chain(2)
    del source["loss"], source["inputs"]["y"]
    source["gradient"] = {"l0": np.array([[5.0, 0.0, 0.0]]), "l1": np.array([[1.0, 2.0, 0.0]])}
    found = paths_of(source, "x", 0)
    assert found.count == 3 + 9
    assert {path.seed for path in found} == {0.0, 1.0, 2.0, 5.0}
    assert found.nonzero == 1 + 3 * 2
    assert sum(path.product for path in found) == found.gradient == 5 + 3 * 3


def test_what_is_no_number_comes_first():
    source = chain(1)
    source["layers"][0]["weight"] = np.array([[1.0, 1, 1], [np.nan, 1, 1], [2.0, 1, 1]])
    largest = paths_of(source, "x", 0).largest(3)
    assert largest[0].hops[0].index == 1
    assert math.isnan(largest[0].product)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_paths_that_are_no_numbers_add_up_to_no_number(number):
    source = chain(1)
    source["layers"][0]["weight"] = np.array([[1.0, 1, 1], [number, 1, 1], [2.0, 1, 1]])
    recording = Recording(load(source))
    assert ledger_of(Formulas(recording, Names(recording.graph)), "x", 0).adds_up


def test_too_many_links_are_refused_in_one_line():
    with pytest.raises(ConvstepError, match="too many to count"):
        Paths(Recording(load(chain(3))), 0, "x", 0, most_links=10)


def test_an_input_that_the_loss_does_not_depend_on():
    source = chain(1)
    source["layers"].append({"name": "aside", "op": "Tanh", "inputs": ["x"]})
    with pytest.raises(ConvstepError, match="no path"):
        paths_of(source, "aside", 0)
