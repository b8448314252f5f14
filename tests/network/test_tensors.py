"""Every spelling of a tensor, and what dtype and shape it gets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convstep.errors import ConvstepError
from convstep.network import load
from convstep.network.graph import Graph
from convstep.ops.base import Array


def net(tensor: Any, **more: Any) -> Graph:
    return load({"inputs": {"x": [[1.0]], "t": tensor}, "layers": [{"name": "r", "op": "ReLU"}], **more})


def given(tensor: Any, **more: Any) -> Array:
    return net(tensor, **more).data["t"]


def weight(tensor: Any, **more: Any) -> Array:
    layer = {"name": "fc", "op": "Linear", "out_features": 2, "bias": False, "weight": tensor}
    return load({"inputs": {"x": np.ones((1, 3))}, "layers": [layer], **more}).parameters["fc.weight"]


def test_literals() -> None:
    assert given(3).shape == ()
    assert given([[1, 2], [3, 4]]).tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert given([1, 2]).dtype == np.float64
    assert given([1, 2], dtype="float32").dtype == np.float32
    assert given({"value": [1, 2, 3, 4], "shape": [2, 1, 2]}).tolist() == [[[1, 2]], [[3, 4]]]
    assert given({"value": 7, "shape": [2, 2]}).tolist() == [[7, 7], [7, 7]]
    assert given({"value": [[1, 2], [3, 4]], "shape": [4]}).tolist() == [1, 2, 3, 4]
    labels = given({"value": [3, 1], "dtype": "int64"})
    assert labels.dtype == np.int64
    assert labels.tolist() == [3, 1]


def test_not_a_number_and_infinity_are_numbers() -> None:
    assert np.isnan(given([float("nan"), 1])[0])
    assert given([float("inf")], dtype="float32")[0] == np.inf


def test_a_parameter_takes_numbers_row_major() -> None:
    for spelling in ([1, 2, 3, 4, 5, 6], [[1, 2], [3, 4], [5, 6]], {"value": [1, 2, 3, 4, 5, 6], "shape": [2, 3]}):
        assert weight(spelling).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert weight(0.5).tolist() == [[0.5] * 3] * 2
    assert weight(np.arange(6)).dtype == np.float64
    assert weight([1] * 6, dtype="float32").dtype == np.float32


def test_arrays_of_integers_stay_integers() -> None:
    assert given(np.array([1, 2], dtype=np.uint8)).dtype == np.uint8
    assert given(np.array([1, 2])).dtype == np.int64
    assert given(np.array([1, 2], dtype=">i4")).dtype == np.dtype("int32")
    assert given({"value": np.array([1, 2]), "dtype": "float64"}).dtype == np.float64


def test_arrays_of_floats_take_the_dtype_of_the_net() -> None:
    assert given(np.array([1.5], dtype=np.float16)).dtype == np.float64
    assert given(np.array([1.5]), dtype="float32").dtype == np.float32


def test_numpy_numbers_and_tuples_are_fine() -> None:
    layers = [{"name": "c", "op": "Conv2d", "out_channels": np.int64(1), "kernel_size": (2, 2)}]
    graph = load({"inputs": {"x": np.ones((1, 1, 2, 2))}, "layers": layers})
    assert graph.layers[0].op.output.shape == (1, 1, 1, 1)


def test_what_is_given_is_not_aliased() -> None:
    mine = np.ones((1, 1))
    graph = net(mine)
    mine[:] = 7
    assert graph.data["t"].tolist() == [[1.0]]


@pytest.mark.parametrize("key", [None, "a"])
def test_numpy_files(write: Callable[..., str], key: str | None) -> None:
    np.savez("one.npz", a=np.arange(4, dtype=np.int32))
    file = {"file": "one.npz", "shape": [2, 2]} | ({} if key is None else {"key": key})
    assert given(file).tolist() == [[0, 1], [2, 3]]
    assert given(file).dtype == np.int32
    np.save("four.npy", np.arange(4, dtype=np.float32))
    assert given({"file": "four.npy"}).dtype == np.float64


def test_safetensors(write: Callable[..., str]) -> None:
    # Written by hand: numpy has no bfloat16, which is the upper half of a float32.
    numbers = np.array([0.33203125, -(2.0**99), 3.0], dtype=np.float32)
    contents = {
        "half": ("F16", np.array([[1.5, -2.0]], dtype=np.float16)),
        "brain": ("BF16", (numbers.view(np.uint32) >> 16).astype(np.uint16)),
        "whole": ("I64", np.array([1, 2])),
    }
    header, data = {}, b""
    for name, (kind, array) in contents.items():
        header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    Path("t.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
    assert given({"file": "t.safetensors", "key": "half"}).tolist() == [[1.5, -2.0]]
    brain = given({"file": "t.safetensors", "key": "brain"})
    assert brain.dtype == np.float64
    assert brain.tolist() == numbers.tolist()
    assert given({"file": "t.safetensors", "key": "whole"}).dtype == np.int64


def test_files_are_found_beside_the_network(write: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    np.save("x.npy", np.ones((1, 2)))
    name = write("inputs: {x: {file: x.npy}}\nlayers: [{name: r, op: ReLU}]\n")
    here = Path.cwd()
    monkeypatch.chdir("/")
    assert load(here / name).data["x"].shape == (1, 2)


def test_a_state_dict(write: Callable[..., str]) -> None:
    np.savez("state.npz", **{"fc.weight": np.arange(6.0).reshape(2, 3), "fc.bias": np.array([1.0, 2.0])})
    layer: dict[str, Any] = {"name": "fc", "op": "Linear", "out_features": 2}
    document = {"inputs": {"x": np.ones((1, 3))}, "layers": [layer], "weights": "state.npz"}
    assert load(document).parameters["fc.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    # Values written in the file win.
    layer["bias"] = 7
    graph = load(document)
    assert graph.parameters["fc.bias"].tolist() == [7, 7]
    assert graph.parameters["fc.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_bias_is_a_flag_or_a_tensor() -> None:
    def names(bias: Any) -> list[str]:
        layer = {"name": "fc", "op": "Linear", "out_features": 1, "bias": bias}
        return list(load({"inputs": {"x": [[1.0]]}, "layers": [layer]}).parameters)

    assert names(True) == ["fc.weight", "fc.bias"]
    assert names(False) == ["fc.weight"]
    assert names([3]) == ["fc.weight", "fc.bias"]
    assert names(0) == ["fc.weight", "fc.bias"]
    assert names(np.array([3.0])) == ["fc.weight", "fc.bias"]


def test_a_huge_file_in_few_bytes_is_refused_before_it_is_made() -> None:
    with pytest.raises(ConvstepError, match="'t' takes the most"):
        given({"init": "zeros", "shape": [2**20, 2**20]})
