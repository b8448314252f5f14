"""Networks picked by hand, each for one thing that is easily wrong; `torch_networks.py` stores torch's answers."""

from __future__ import annotations

from typing import Any

import numpy as np

NAN, INF = float("nan"), float("inf")


def _wave(*shape: int) -> Any:
    """Numbers that are the same on every machine: no random generator, no library's sine."""
    return ((np.arange(int(np.prod(shape))) * 37 % 19 - 9) / 8).reshape(shape)


def _conv(name: str, reads: str, weight: Any, **arguments: Any) -> dict[str, Any]:
    out, _, *kernel = weight.shape
    given = {"name": name, "op": "Conv2d", "inputs": [reads], "out_channels": out, "kernel_size": kernel}
    return {**given, "bias": False, "weight": weight, **arguments}


def _linear(name: str, reads: str, weight: Any, **arguments: Any) -> dict[str, Any]:
    return {
        "name": name,
        "op": "Linear",
        "inputs": [reads],
        "out_features": len(weight),
        "weight": weight,
        "bias": False,
        **arguments,
    }


def _layer(name: str, op: str, *reads: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "op": op, "inputs": list(reads), **arguments}


_MSE = {"name": "C", "op": "MSELoss"}

PICKED: dict[str, dict[str, Any]] = {
    "strided_padded_groups": {
        "inputs": {"x": _wave(2, 4, 6, 5), "y": _wave(2, 4, 3, 3)},
        "layers": [_conv("c", "x", _wave(4, 2, 3, 2), stride=2, padding=1, groups=2, bias=_wave(4))],
        "loss": {**_MSE, "inputs": ["c", "y"]},
        "optimizer": {"op": "SGD", "lr": 0.1, "momentum": 0.9},
        "iterations": 4,
    },
    "same_padding_of_an_even_dilated_kernel": {
        "inputs": {"x": _wave(1, 1, 5, 4), "y": _wave(1, 2, 5, 4)},
        "layers": [_conv("c", "x", _wave(2, 1, 2, 4), padding="same", dilation=[3, 1])],
        "loss": {**_MSE, "inputs": ["c", "y"], "reduction": "sum"},
        "optimizer": {"op": "SGD", "lr": 0.01, "weight_decay": 0.1, "maximize": True},
        "iterations": 3,
    },
    "overlapping_maxima_with_ties": {
        "inputs": {"x": np.round(_wave(2, 2, 5, 5)), "y": _wave(2, 2, 3, 3)},
        "layers": [_layer("m", "MaxPool2d", "x", kernel_size=3, stride=2, padding=1)],
        "loss": {**_MSE, "inputs": ["m", "y"]},
    },
    "uneven_windows": {
        "inputs": {"x": _wave(1, 2, 6, 5)},
        "layers": [
            _layer("m", "MaxPool2d", "x", kernel_size=2, stride=3, ceil_mode=True),
            _layer("a", "AvgPool2d", "x", kernel_size=3, stride=2, padding=1, ceil_mode=True),
            _layer("b", "AvgPool2d", "x", kernel_size=2, padding=1, ceil_mode=True, count_include_pad=False),
        ],
        "gradient": {"m": _wave(1, 2, 2, 2), "a": _wave(1, 2, 4, 3), "b": _wave(1, 2, 4, 3)},
    },
    "one_weight_used_three_times": {
        "inputs": {"x": _wave(3, 3), "y": _wave(3, 3)},
        "layers": [
            _linear("f", "x", _wave(3, 3), bias=_wave(3)),
            _layer("t", "Tanh", "f"),
            _linear("g", "t", _wave(3, 3)) | {"weight": "f.weight"},
            _layer("s", "Sigmoid", "g"),
            _linear("h", "s", _wave(3, 3)) | {"weight": "f.weight", "bias": "f.bias"},
        ],
        "loss": {**_MSE, "inputs": ["h", "y"]},
        "optimizer": {"op": "SGD", "lr": 0.2, "momentum": 0.9, "nesterov": True},
        "iterations": 5,
    },
    "one_tensor_with_many_users": {
        "inputs": {"x": _wave(2, 1, 3, 3), "y": _wave(2, 3, 3, 3)},
        "layers": [
            _layer("r", "ReLU", "x"),
            _layer("twice", "Add", "r", "r", "x"),
            _layer("s", "Sigmoid", "twice"),
            _layer("all", "Cat", "r", "s", "twice", dim=1),
        ],
        "loss": {**_MSE, "inputs": ["all", "y"]},
    },
    "a_row_spread_over_a_batch": {
        "inputs": {"x": _wave(4, 3), "row": _wave(1, 3), "one": 0.5, "y": _wave(4, 3)},
        "layers": [_layer("a", "Add", "x", "row", "one", "row"), _layer("s", "Softmax", "a", dim=0)],
        "loss": {**_MSE, "inputs": ["s", "y"], "reduction": "sum"},
    },
    "layers_the_loss_does_not_use": {
        "inputs": {"x": _wave(2, 3), "unused": _wave(2, 2), "y": _wave(2, 2)},
        "layers": [
            _linear("used", "x", _wave(2, 3)),
            _linear("aside", "used", _wave(2, 2)),
            _layer("alone", "Sigmoid", "unused"),
        ],
        "loss": {**_MSE, "inputs": ["used", "y"]},
        "optimizer": {"op": "SGD", "lr": 0.1, "momentum": 0.5},
        "iterations": 2,
    },
    "classes_in_batches": {
        "inputs": {"x": _wave(5, 4), "label": np.array([2, 0, 1, 2, 2])},
        "layers": [
            _linear("f", "x", _wave(4, 4), bias=_wave(4)),
            _layer("r", "ReLU", "f"),
            _linear("g", "r", _wave(3, 4)),
        ],
        "loss": {"op": "CrossEntropyLoss", "inputs": ["g", "label"], "ignore_index": 1, "label_smoothing": 0.1},
        "optimizer": {"op": "SGD", "lr": 0.5, "momentum": 0.9, "dampening": 0.1},
        "batch_size": 3,
        "iterations": 7,
    },
    "gradients_given_at_two_layers": {
        "inputs": {"x": _wave(1, 1, 4, 4)},
        "layers": [
            _conv("c", "x", _wave(2, 1, 2, 2)),
            _layer("r", "ReLU", "c"),
            _layer("p", "AvgPool2d", "r", kernel_size=2, stride=1),
        ],
        "gradient": {"r": _wave(1, 2, 3, 3), "p": _wave(1, 2, 2, 2)},
        "optimizer": {"op": "SGD", "lr": 1},
        "iterations": 2,
    },
    "numbers_that_are_not_finite": {
        "inputs": {"x": np.array([[1.0, NAN, -INF], [INF, 0.0, -800.0]]), "y": np.zeros((2, 3))},
        "layers": [_layer("t", "Tanh", "x"), _layer("r", "ReLU", "t"), _layer("s", "Softmax", "r", dim=1)],
        "loss": {**_MSE, "inputs": ["s", "y"]},
    },
    "no_parameter_and_no_loss": {
        "inputs": {"x": _wave(2, 2, 3, 3)},
        "layers": [_layer("m", "MaxPool2d", "x", kernel_size=2), _layer("f", "Flatten", "m")],
        "optimizer": {"op": "SGD", "lr": 1},
        "iterations": 2,
    },
    "single_precision": {
        "dtype": "float32",
        "inputs": {"x": _wave(2, 1, 5, 5), "y": _wave(2, 2)},
        "layers": [
            _conv("c", "x", _wave(2, 1, 3, 3)),
            _layer("t", "Tanh", "c"),
            _layer("f", "Flatten", "t"),
            _linear("g", "f", _wave(2, 18)),
        ],
        "loss": {**_MSE, "inputs": ["g", "y"]},
        "optimizer": {"op": "SGD", "lr": 0.1, "momentum": 0.9},
        "iterations": 4,
    },
}
