"""Parameters that are drawn when somebody reads them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from convstep.network import load, tensors
from convstep.network.initialise import initialise
from convstep.network.late import Late, Numbers
from convstep.ops.base import Array, Spec

SOURCE: dict[str, Any] = {
    "inputs": {"x": [[1, 2], [3, 4]]},
    "layers": [
        {"name": "e", "op": "Embedding", "inputs": ["k"], "num_embeddings": 3, "embedding_dim": 2, "padding_idx": 1},
        {"name": "a", "op": "Linear", "inputs": ["x"], "out_features": 2, "weight": [[1, 2], [3, 4]]},
        {"name": "b", "op": "BatchNorm1d"},
    ],
}
SOURCE["inputs"]["k"] = {"value": [0, 1], "dtype": "int64"}


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the tensors that were drawn."""
    names: list[str] = []

    def draw(how: Any, shape: Any, seed: int, name: str, *dtype: Any) -> Array:
        names.append(name)
        return initialise(how, shape, seed, name, *dtype)

    monkeypatch.setattr(tensors, "initialise", draw)
    return names


def test_a_parameter_is_drawn_once_and_when_it_is_read(drawn: list[str]) -> None:
    graph = load(SOURCE)
    assert list(graph.parameters) == ["e.weight", "a.weight", "a.bias", "b.weight", "b.bias"]
    assert graph.owned["e.weight"].shape == (3, 2)
    assert "e.weight" in graph.parameters
    assert not drawn
    weight = graph.parameters["e.weight"]
    assert weight[1].tolist() == [0, 0]
    assert drawn == ["e.weight"]
    assert graph.parameters["e.weight"] is weight is graph.document["layers"][0]["weight"]
    assert sorted(drawn) == sorted(set(graph.owned) - {"a.weight"})


def test_what_is_known_before_is_what_is_made() -> None:
    graph = load({**SOURCE, "dtype": "float32"})
    for tensors_of in (graph.parameters, graph.buffers):
        for name, array in tensors_of.items():
            assert graph.owned[name] == Spec(array.shape, array.dtype)
            assert graph.owned[name].nbytes == array.nbytes


def test_threads_that_read_together_read_the_same() -> None:
    both, made = threading.Barrier(4), []

    def make() -> Array:
        made.append(np.zeros(3))
        return made[-1]

    numbers = Numbers({"w": Late(Spec((3,), np.dtype(float)), make)})

    def read(_: int) -> Array:
        both.wait()
        return numbers["w"]

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(read, range(4)))
    assert len(made) == 1
    assert all(array is made[0] for array in found)
