"""What a checked network says about itself, and the document from which it can be built again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convstep.errors import ConvstepError
from convstep.network import load
from convstep.network.graph import Graph, Node

SAMPLES = sorted((Path(__file__).parents[2] / "sample_nets").glob("*.yaml"))


def same(one: Any, other: Any) -> bool:
    """Equal to the bit, dtypes and order of names included."""
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, Mapping):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Node):
        return same(told(one), told(other))
    return bool(type(one) is type(other) and one == other)


def told(node: Node) -> list[Any]:
    """All that a node says, as plain data."""
    op = node.op
    return [node.name, node.op_name, op.values(), op.inputs, op.output, node.inputs, dict(node.parameters)]


def assert_same(one: Graph, other: Graph) -> None:
    # A document holds all numbers: it needs no files, and nothing in it is drawn.
    names = {field.name for field in fields(Graph)} - {"files", "written"} | {"document"}
    for name in sorted(names):
        assert same(getattr(one, name), getattr(other, name)), name


def plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and plain(v) for key, v in value.items())
    if isinstance(value, list):
        return all(map(plain, value))
    return value is None or isinstance(value, (bool, int, float, str, np.ndarray))


EVERYTHING: dict[str, Any] = {
    "name": "everything",
    "about": "All spellings at once.",
    "seed": 7,
    "mode": "eval",
    "inputs": {
        "x": {"init": "normal", "shape": [6, 3], "seed": 1},
        "labels": {"value": [0, 1, 1, 0, 1, 0], "dtype": "int64"},
        "bytes": np.arange(6, dtype=np.uint8),
        "odd": [float("nan"), float("inf"), -0.0],
    },
    "layers": [
        {"name": "a", "op": "Linear", "out_features": 3, "weight": "b.weight", "bias": False},
        {"name": "b", "op": "Linear", "out_features": 3, "bias": [1, 2, 3]},
        {"name": "sum", "op": "Add", "inputs": ["a", "b"]},
        {"name": "out", "op": "Linear", "out_features": 2, "bias": {"init": "zeros"}},
    ],
    "loss": {"op": "CrossEntropyLoss", "inputs": ["out", "labels"]},
    "optimizer": {"op": "SGD", "lr": 0.25},
    "iterations": 3,
    "batch_size": 2,
    "symbols": {"b.weight": "w"},
    "indexing": "flat1",
    "claims": [{"of": "w", "index": [1], "is": "x[1]"}, {"of": "out", "is": [[1, 2], [3, 4]]}],
}


def test_the_document_builds_the_very_same_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(EVERYTHING)
    monkeypatch.chdir(tmp_path)
    assert plain(first.document)
    again = load(first.document)
    assert_same(first, again)
    assert_same(again, load(again.document))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
def test_samples_survive_their_document(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(path)
    monkeypatch.chdir(tmp_path)
    assert plain(first.document)
    assert len(first.about) > 100
    assert first.name == path.stem
    assert_same(first, load(first.document))


def test_given_gradients_survive_too() -> None:
    document = {"inputs": {"x": [1, 2]}, "layers": [{"name": "r", "op": "ReLU"}], "gradient": {"r": [3, 4]}}
    graph = load(document)
    assert graph.seeds["r"].tolist() == [3.0, 4.0]
    assert_same(graph, load(graph.document))


def test_defaults() -> None:
    graph = load({"inputs": {"x": [1], "y": [2]}, "layers": [{"name": "a", "op": "ReLU"}, {"name": "b", "op": "ReLU"}]})
    assert (graph.mode, graph.seed, graph.iterations, graph.batch_size) == ("train", 0, 1, None)
    assert (graph.indexing, graph.dtype, graph.loss, graph.optimizer) == ("torch", np.float64, None, None)
    assert [node.inputs for node in graph.layers] == [("x",), ("a",)]


def test_the_loss_is_called_loss() -> None:
    layers = [{"name": "a", "op": "ReLU"}]
    graph = load({"inputs": {"x": [1]}, "layers": layers, "loss": {"op": "MSELoss", "inputs": ["a", "x"]}})
    assert graph.loss is not None
    assert graph.loss.name == "loss"
    assert graph.nodes[-1] is graph.loss


def test_without_a_start_of_the_backward_pass_nothing_is_updated() -> None:
    document = {"inputs": {"x": [1]}, "layers": [{"name": "a", "op": "ReLU"}], "optimizer": {"op": "SGD"}}
    assert load(document).optimizer is None
    assert load({**document, "gradient": {"a": 1}}).optimizer is not None


def test_batches_take_rows_of_the_inputs_that_have_as_many() -> None:
    graph = load(EVERYTHING)
    assert {name: spec.shape for name, spec in graph.inputs.items()} == {
        "x": (2, 3),
        "labels": (2,),
        "bytes": (2,),
        "odd": (3,),
    }
    assert graph.batch(4)["bytes"].tolist() == [2, 3]
    assert graph.layers[-1].op.output.shape == (2, 2)


def test_a_loss_without_reduction_may_stand_among_the_layers() -> None:
    layers = [{"name": "a", "op": "ReLU"}, {"name": "each", "op": "MSELoss", "inputs": ["a", "x"], "reduction": "none"}]
    assert load({"inputs": {"x": [1, 2, 3]}, "layers": layers}).layers[1].op.output.shape == (3,)


def test_the_network_is_called_after_its_file(write: Callable[..., str]) -> None:
    assert load(write("inputs: {x: 1}\nlayers: [{name: r, op: ReLU}]\n", "my.net.yaml")).name == "my.net"


def test_dotted_names_of_a_state_dict() -> None:
    layers = [{"name": "layer1.0", "op": "Linear", "out_features": 1}]
    graph = load({"inputs": {"x": [[1.0]]}, "layers": layers, "symbols": {"layer1.0.weight": "w"}})
    assert list(graph.parameters) == ["layer1.0.weight", "layer1.0.bias"]


def test_two_conv_is_the_network_of_the_documentation() -> None:
    graph = load(next(path for path in SAMPLES if path.stem == "two_conv"))
    assert graph.data["i"].reshape(-1).tolist() == list(range(1, 10))
    assert graph.parameters["o1.weight"].reshape(-1).tolist() == [-1, 1, 3, -2]
    assert graph.parameters["o2.weight"].reshape(-1).tolist() == [2, 3, -2, -1]
    assert graph.symbols == {"o1.weight": "w1", "o2.weight": "w2"}
    assert [claim.of for claim in graph.claims] == ["w2", "w1"]


def test_digits_are_real_ones() -> None:
    graph = load(next(path for path in SAMPLES if path.stem == "digits"))
    assert graph.data["images"].shape == (60, 1, 8, 8)
    assert graph.data["labels"].dtype == np.int64
    assert graph.inputs["images"].shape == (4, 1, 8, 8)
    assert "CC BY 4.0" in graph.about


def test_an_unknown_claim_is_refused_in_a_dict_too() -> None:
    layers = [{"name": "a", "op": "ReLU"}]
    with pytest.raises(ConvstepError, match=r"^claims\[0\]\.of: there is no tensor 'b'"):
        load({"inputs": {"x": [1]}, "layers": layers, "claims": [{"of": "b", "is": 1}]})
