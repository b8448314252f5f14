"""Central differences: right gradients pass, wrong ones are found, kinks are named."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from networks import networks, sample
from op_cases import CASES

from convstep.explain.gradcheck import check_gradients
from convstep.network import load
from convstep.ops.activation.activation import Tanh
from convstep.ops.conv.conv import Conv2d
from convstep.ops.linear.embedding import Embedding


def checks(source):
    return {check.name: check for check in check_gradients(source if not isinstance(source, dict) else load(source))}


@pytest.mark.parametrize("name", ["two_conv", "conv_pool_sigmoid", "sequence"])
def test_sample_nets_are_right(name):
    graph = load(sample(name))
    found = checks(graph)
    assert set(graph.parameters) | {next(iter(graph.inputs))} <= set(found)
    for check in found.values():
        assert check.ok, check
        assert check.max_abs_error < 1e-8
        assert check.note == ""


@settings(max_examples=25, deadline=None)
@given(networks(5))
def test_random_networks_are_right_kinks_and_all(source):
    for check in check_gradients(load(source)):
        assert check.ok, check


def with_op(graph, layer, wrong):
    """The graph with one layer's operation replaced by a subclass of it."""
    nodes = []
    for node in graph.layers:
        if node.name == layer:
            op = wrong(**node.op.values())
            node = replace(node, op=op.bind(node.op.inputs))
        nodes.append(node)
    return replace(graph, layers=tuple(nodes))


class DoubledGradient(Conv2d):
    def vjp(self, call, upstream, wanted):
        return [g if g is None else g * 2 for g in super().vjp(call, upstream, wanted)]


class OneWrongElement(Conv2d):
    def vjp(self, call, upstream, wanted):
        gradients = super().vjp(call, upstream, wanted)
        if gradients[1] is not None:
            gradients[1][0, 0, 1, 0] += 0.01
        return gradients


class SlopeOfSomethingElse(Tanh):
    def slope(self, x, y):
        return 1 - y


class ElsewhereToo(Embedding):
    def vjp(self, call, upstream, wanted):
        gradients = super().vjp(call, upstream, wanted)
        gradients[1][1, 1] += 0.5
        return gradients


def test_a_wrong_operation_is_caught_where_it_is():
    found = checks(with_op(load(sample("two_conv")), "o1", DoubledGradient))
    assert not found["o1.weight"].ok and not found["i"].ok
    assert found["o2.weight"].ok and found["o1"].ok
    failure = found["o1.weight"].failures[0]
    assert (failure.index, failure.gradient) == (0, -60)
    assert failure.difference == pytest.approx(-30)


def test_one_wrong_element_is_named():
    found = checks(with_op(load(sample("two_conv")), "o2", OneWrongElement))
    assert [failure.index for failure in found["o2.weight"].failures] == [2]
    assert found["o2.weight"].max_abs_error == pytest.approx(0.01)
    assert found["i"].ok


def one_operation(case):
    """A network of one operation, which backward starts from."""
    op, data = case.build()
    inputs = {f"x{k}": data[k] for k in range(len(case.inputs))}
    layer = {"name": "t", "op": case.op, "inputs": list(inputs), **case.arguments}
    source = {"inputs": inputs, "layers": [layer], "mode": "train" if case.training else "eval"}
    if op.is_loss and case.arguments.get("reduction") != "none":
        return {**source, "layers": [{"name": "beside", "op": "ReLU", "inputs": ["x0"]}], "loss": layer}
    return {**source, "gradient": {"t": np.random.default_rng(1).normal(size=op.output.shape)}}


def spoilt(graph, how):
    """The network whose operation `t` gives other gradients."""

    def vjp(self, call, upstream, wanted):
        return [g if g is None else how(np.asarray(g)) for g in type(node.op).vjp(self, call, upstream, wanted)]

    node = next(node for node in graph.nodes if node.name == "t")
    wrong = type("Wrong", (type(node.op),), {"vjp": vjp, "__module__": __name__, "__annotations__": {}})
    node_with = replace(node, op=wrong(**node.op.values()).bind(node.op.inputs, node.op.training))
    layers = tuple(node_with if other.name == "t" else other for other in graph.layers)
    return replace(graph, layers=layers, loss=node_with if graph.loss is node else graph.loss)


OFF = (lambda g: g * 1.01, lambda g: g + 1e-3)


@pytest.mark.parametrize("case", {case.op: case for case in CASES}.values(), ids=lambda case: case.op)
def test_every_operation_is_right_and_one_percent_off_is_wrong(case):
    graph = load(one_operation(case))
    right = checks(graph)
    assert all(check.ok for check in right.values())
    found = [check for how in OFF for check in checks(spoilt(graph, how)).values()]
    # What is at a kink, or otherwise on purpose, says so.
    assert any(not check.ok for check in found) or all(check.note for check in right.values() if check.name != "t")


def test_a_wrong_slope_is_no_kink():
    graph = load({"inputs": {"x": [[0.3, -2.0, 1.0]]}, "layers": [{"name": "t", "op": "Tanh"}], "gradient": {"t": 1}})
    check = checks(with_op(graph, "t", SlopeOfSomethingElse))["x"]
    assert len(check.failures) == 3
    assert check.kinks == ()


def test_kinks_and_ties_are_named_and_do_not_fail():
    relu = {"inputs": {"x": [[0.0, 1e-9, 1.0]]}, "layers": [{"name": "r", "op": "ReLU"}], "gradient": {"r": 1}}
    check = checks(relu)["x"]
    assert check.ok and check.kinks == (0, 1)
    assert check.note == "at a kink or a tie, where no difference can tell: [0, 0], [0, 1]"
    assert check.max_abs_error < 1e-8
    pool = {
        "inputs": {"x": {"shape": [1, 1, 2, 2], "value": [3, 3, 1, 2]}},
        "layers": [{"name": "p", "op": "MaxPool2d", "kernel_size": 2}],
        "gradient": {"p": 1},
    }
    assert checks(pool)["x"].kinks == (0, 1)


def test_a_kink_that_differences_cannot_see_is_one_all_the_same():
    # relu(x) − relu(−x) = x has the slope 1 everywhere, and automatic differentiation gives 0 at 0.
    layers = [
        {"name": "a", "op": "ReLU", "inputs": ["x"]},
        {"name": "b", "op": "ReLU", "inputs": ["minus"]},
        {"name": "d", "op": "Sub", "inputs": ["a", "b"]},
    ]
    layers.insert(1, {"name": "minus", "op": "Mul", "inputs": ["x", "m"]})
    source = {"inputs": {"x": [0.0], "m": [-1.0]}, "layers": layers, "gradient": {"d": 1}}
    check = checks(source)["x"]
    assert check.ok and check.kinks == (0,)


def test_a_jump_of_the_function_is_named():
    source = {"inputs": {"x": [[0.5, 1.0, -0.5]]}, "layers": [{"name": "h", "op": "Hardshrink"}], "gradient": {"h": 1}}
    check = checks(source)["x"]
    assert check.ok and check.kinks == (0, 2)


def test_gradients_that_torch_has_otherwise_on_purpose_are_told():
    source = {
        "inputs": {"n": {"value": [0, 1, 1], "dtype": "int64"}},
        "layers": [{"name": "e", "op": "Embedding", "num_embeddings": 2, "embedding_dim": 2, "padding_idx": 0}],
        "gradient": {"e": 1},
    }
    check = checks(source)["e.weight"]
    assert check.ok
    assert check.note == "not the derivative, on purpose: e gives no gradient to its padding_idx"
    assert check.max_abs_error == pytest.approx(1)
    wrong = checks(with_op(load(source), "e", ElsewhereToo))["e.weight"]
    assert [failure.index for failure in wrong.failures] == [3]


def test_single_precision_is_checked_in_double():
    source = {
        "dtype": "float32",
        "inputs": {"x": [[0.1, 0.2], [0.3, -0.4]], "y": {"value": [0, 1], "dtype": "int64"}},
        "layers": [{"name": "fc", "op": "Linear", "out_features": 2}],
        "loss": {"op": "CrossEntropyLoss", "inputs": ["fc", "y"]},
    }
    found = checks(source)
    assert set(found) == {"x", "fc.weight", "fc.bias", "fc"}
    assert all(check.ok and check.max_abs_error < 1e-9 for check in found.values())


def test_large_tensors_are_sampled_and_say_so():
    source = {
        "inputs": {"x": {"init": "normal", "shape": [1, 40]}},
        "layers": [{"name": "fc", "op": "Linear", "out_features": 30}],
        "gradient": {"fc": 1},
    }
    check = checks(source)["fc.weight"]
    assert check.checked == 400
    assert check.note == "400 of 1200 elements, a sample"
    assert checks(source)["fc.weight"] == check


def test_numbers_that_are_not_finite_are_told():
    source = {"inputs": {"x": [[np.inf, 1.0]]}, "layers": [{"name": "t", "op": "ReLU"}], "gradient": {"t": 1}}
    check = checks(source)["x"]
    assert check.not_finite == 1 and check.ok
    assert "not finite" in check.note


def test_without_a_backward_pass_there_is_nothing_to_check():
    assert checks({"inputs": {"x": [1.0]}, "layers": [{"op": "ReLU", "name": "r"}]}) == {}
