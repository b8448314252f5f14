"""The Python API: `run` and `trace` on paths and on dicts that hold numpy arrays (contract §4)."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from networks import sample

import convstep
from convstep import ConvstepError


def network(**changes):
    return {
        "inputs": {"x": np.arange(6.0).reshape(2, 3), "y": np.ones((2, 2))},
        "layers": [
            {"name": "f", "op": "Linear", "out_features": 2, "weight": np.full((2, 3), 0.5), "bias": np.zeros(2)},
        ],
        "loss": {"op": "MSELoss", "inputs": ["f", "y"]},
        "optimizer": {"op": "SGD", "lr": 0.1, "momentum": 0.9},
        **changes,
    }


def test_a_dict_with_arrays():
    run = convstep.run(network(), iterations=2)
    for group in (run.values, run.grads, run.params, run.buffers, run.optim):
        assert isinstance(group, Mapping)
        assert all(isinstance(array, np.ndarray) for array in group.values())
    assert set(run.values) == {"x", "y", "f", "loss", "f.weight", "f.bias"}
    assert set(run.grads) == set(run.values)
    assert set(run.params) == {"f.weight", "f.bias"}
    assert set(run.optim) == {"f.weight.momentum_buffer", "f.bias.momentum_buffer"}
    assert dict(run.buffers) == {}
    assert run.losses.shape == (2,)
    assert run.losses.dtype == np.float64


def test_the_same_as_in_a_file(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text(
        "inputs: {x: [[0, 1, 2], [3, 4, 5]], y: {shape: [2, 2], value: 1}}\n"
        "layers: [{name: f, op: Linear, out_features: 2, weight: {value: 0.5}, bias: {value: 0}}]\n"
        "loss: {op: MSELoss, inputs: [f, y]}\noptimizer: {op: SGD, lr: 0.1, momentum: 0.9}\n"
    )
    for source in (str(path), path):
        mine, other = convstep.run(source, 3).arrays(), convstep.run(network(), 3).arrays()
        assert set(mine) == set(other)
        assert all(mine[name].tobytes() == other[name].tobytes() for name in mine)


def test_running_changes_nothing_that_was_given():
    source = network()
    x, weight = source["inputs"]["x"], source["layers"][0]["weight"]
    before = x.copy(), weight.copy()
    convstep.run(source, 3)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(weight, before[1])


def test_single_precision_stays_single():
    run = convstep.run(network(dtype="float32"))
    for group in (run.values, run.grads, run.params, run.optim):
        assert {array.dtype for array in group.values()} == {np.dtype(np.float32)}


def test_scalars_are_arrays_without_dimensions():
    layers = [{"name": "a", "op": "Tanh"}, {"name": "b", "op": "Add", "inputs": ["a", "x", "a"]}]
    run = convstep.run({"inputs": {"x": 2.0}, "layers": layers, "gradient": {"b": 1.0}})
    for group in (run.values, run.grads):
        assert all(isinstance(array, np.ndarray) and array.shape == () for array in group.values())
    assert run.grads["a"] == 2


def test_trace_starts_at_any_position():
    for level in ("op", "element", "term"):
        for order in ("gather", "scatter"):
            whole = list(convstep.trace(network(iterations=2), level, order))
            assert [step["position"] for step in whole] == list(range(len(whole)))
            middle = len(whole) // 2
            assert (
                list(convstep.trace(network(iterations=2), level, order, middle, middle + 3))
                == whole[middle : middle + 3]
            )
            assert list(convstep.trace(network(iterations=2), level, order, len(whole) - 1, 10**9)) == whole[-1:]
            assert list(convstep.trace(network(iterations=2), level, order, len(whole))) == []


def test_trace_starts_at_once_wherever_it_starts():
    layers = [{"name": f"c{k}", "op": "Conv2d", "out_channels": 16, "kernel_size": 3, "padding": 1} for k in range(2)]
    source = {"inputs": {"x": {"init": "ones", "shape": [1, 16, 32, 32]}}, "layers": layers}
    (step,) = convstep.trace(source, "term", start=4_000_000, stop=4_000_001)
    assert step["position"] == 4_000_000
    assert step["layer"] == "c1"


def test_trace_is_plain_data():
    def check(value):
        assert type(value) in (dict, list, str, int, float, type(None))
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            check(item)

    for step in convstep.trace(network(), "term", "scatter"):
        check(step)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: convstep.run("no such file.yaml"), "no such file.yaml"),
        (lambda: convstep.run(Path("no such file.yaml")), "no such file.yaml"),
        (lambda: convstep.run({}), "layers"),
        (lambda: convstep.run(3), "a path or a mapping"),
        (lambda: convstep.run(None), "a path or a mapping"),
        (lambda: convstep.run(network(), iterations=0), "iterations"),
        (lambda: convstep.run(network(), iterations=1.5), "iterations"),
        (lambda: convstep.run(network(), iterations=True), "iterations"),
        (lambda: convstep.run("nul\0byte"), "nul"),
        (lambda: convstep.trace(network(), "atom"), "op, element, term"),
        (lambda: convstep.trace(network(), "op", "random"), "gather, scatter"),
        (lambda: convstep.trace(network(), start=-1), "0 or more"),
        (lambda: convstep.trace(network(), stop=-2), "0 or more"),
        (lambda: convstep.trace(network(), start=1.5), "whole number"),
        (lambda: convstep.trace(network(), stop="3"), "whole number"),
        (lambda: convstep.trace(network(loss={"op": "MSELoss", "inputs": ["g", "y"]})), "g"),
    ],
)
def test_bad_input_raises_at_once_and_in_one_line(call, says):
    with pytest.raises(ConvstepError) as raised:
        call()
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_numpy_whole_numbers_are_whole_numbers():
    assert len(convstep.run(sample("two_conv"), np.int64(2)).losses) == 2
    assert len(list(convstep.trace(sample("two_conv"), start=np.int64(9), stop=np.int32(11)))) == 2


def test_labels_outside_the_classes_name_the_layer():
    source = {
        "inputs": {"x": np.zeros((2, 3)), "label": np.array([0, 7])},
        "layers": [{"name": "t", "op": "Tanh"}],
        "loss": {"op": "CrossEntropyLoss", "inputs": ["t", "label"]},
    }
    with pytest.raises(ConvstepError, match="7"):
        convstep.run(source)
