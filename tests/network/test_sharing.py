"""Shared parameters: one tensor under several names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from convstep.errors import ConvstepError
from convstep.network import load
from convstep.network.graph import Graph


def net(*weights: Any, **more: Any) -> Graph:
    """Layers a, b, c …, each 2 → 2, with these weights (`None`: drawn)."""
    layers: list[dict[str, Any]] = []
    for name, weight in zip("abcd", weights, strict=False):
        layer = {"name": name, "op": "Linear", "out_features": 2, "bias": False}
        layers.append(layer if weight is None else {**layer, "weight": weight})
    return load({"inputs": {"x": [[1.0, 2.0]]}, "layers": layers, **more})


def test_a_reference_back() -> None:
    graph = net(None, "a.weight")
    assert list(graph.parameters) == ["a.weight"]
    assert graph.aliases == {"a.weight": "a.weight", "b.weight": "a.weight"}
    assert graph.layers[1].parameters == {"weight": "a.weight"}
    assert graph.layers[1].operands == ("a", "a.weight")


def test_a_reference_forward_is_stored_under_the_first_name() -> None:
    graph = net("b.weight", [1, 2, 3, 4])
    assert list(graph.parameters) == ["a.weight"]
    assert graph.parameters["a.weight"].tolist() == [[1, 2], [3, 4]]
    assert graph.aliases["b.weight"] == "a.weight"


def test_chains_are_followed() -> None:
    graph = net("b.weight", "d.weight", None, "c.weight")
    assert list(graph.parameters) == ["a.weight"]
    assert set(graph.aliases.values()) == {"a.weight"}
    # Drawn as what it is defined as, whatever else refers to it.
    assert np.array_equal(graph.parameters["a.weight"], net(None, None, None).parameters["c.weight"])


def test_circles_name_themselves() -> None:
    with pytest.raises(ConvstepError, match=r"^layers\[0\]\.weight: a\.weight → b\.weight → a\.weight is a circle"):
        net("b.weight", "a.weight")


def test_a_state_dict_may_hold_a_shared_parameter_once_or_twice(write: Callable[..., str]) -> None:
    numbers = np.arange(4.0).reshape(2, 2)
    np.savez("both.npz", **{"a.weight": numbers, "b.weight": numbers})
    np.savez("one.npz", **{"b.weight": numbers})
    np.savez("differ.npz", **{"a.weight": numbers, "b.weight": numbers + 1})
    for file in ("both.npz", "one.npz"):
        assert np.array_equal(net(None, "a.weight", weights=file).parameters["a.weight"], numbers)
    with pytest.raises(ConvstepError, match=r"one shared parameter, but differ"):
        net(None, "a.weight", weights="differ.npz")
