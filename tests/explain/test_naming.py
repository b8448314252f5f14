"""Names as the person writes them, and back again."""

import numpy as np
import pytest
from hypothesis import given, settings
from networks import networks, sample

from convstep.errors import ConvstepError
from convstep.explain.naming import Names
from convstep.network import load


@pytest.fixture(scope="module")
def names():
    return Names(load(sample("two_conv")))


def test_symbols_replace_state_dict_names(names):
    assert names.tensor("o1.weight") == "w1"
    assert names.tensor("grad(o1.weight)") == "grad(w1)"
    assert names.tensor("new(o1.weight)") == "new(w1)"
    assert names.tensor("o1.weight.momentum_buffer") == "w1.momentum_buffer"
    assert names.element("grad(o1.weight)", 2, (1, 1, 2, 2)) == "grad(w1)[3]"


@pytest.mark.parametrize(
    "text", ["w1", "o1.weight", " w1 ", "grad(w1)", "w1.grad", "o1.weight.grad", "new(w1)", "grad(o1)", "i", "C"]
)
def test_every_way_to_write_a_tensor(names, text):
    key, index = names.parse(text)
    assert index is None
    assert names.tensor(key).replace("o1.weight", "w1") in (text.strip(), "w1", "grad(w1)")


@settings(max_examples=30)
@given(networks(4))
def test_what_is_written_can_be_read(source):
    graph = load({**source, "symbols": {graph_first(source): "q"}})
    names = Names(graph)
    for name in names.all():
        for key in (name, f"grad({name})"):
            key = names.parse(key)[0]
            shape = names.shape(key)
            size = int(np.prod(shape))
            for flat in {0, size // 2, size - 1}:
                assert names.parse(names.element(key, flat, shape)) == (key, flat if shape else None)


def graph_first(source):
    return source["layers"][0]["name"]


def test_with_flat1_several_numbers_are_a_torch_index(names):
    assert names.parse("w1[3]") == names.parse("w1[0, 0, 1, 0]") == ("o1.weight", 2)
    assert names.parse("i[-1, -1, -1, -1]") == ("i", 8)


def test_with_torch_one_number_does_not_do_for_four():
    names = Names(load(sample("conv_pool_sigmoid")))
    assert names.parse("b[1]") == ("conv.bias", 1)
    with pytest.raises(ConvstepError, match="outside"):
        names.parse("w[3]")


def test_a_shared_parameter_may_be_typed_under_each_name():
    source = {
        "inputs": {"x": [[1.0, 2.0]]},
        "layers": [
            {"name": "a", "op": "Linear", "out_features": 2, "bias": False},
            {"name": "b", "op": "Linear", "out_features": 2, "bias": False, "weight": "a.weight"},
        ],
    }
    names = Names(load(source))
    assert names.parse("b.weight[0, 1]") == names.parse("a.weight[0, 1]") == ("a.weight", 1)
