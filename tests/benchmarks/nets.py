"""The networks of the benchmarks, as dicts."""

from __future__ import annotations

from typing import Any

Net = dict[str, Any]


def lenet(batch: int) -> Net:
    """LeNet-5 on 28×28 pictures, float32."""
    return {
        "dtype": "float32",
        "inputs": {
            "x": {"init": "normal", "shape": [batch, 1, 28, 28]},
            "y": {"value": [k % 10 for k in range(batch)], "dtype": "int64"},
        },
        "layers": [
            {"name": "conv1", "op": "Conv2d", "out_channels": 6, "kernel_size": 5, "padding": 2},
            {"name": "relu1", "op": "ReLU"},
            {"name": "pool1", "op": "MaxPool2d", "kernel_size": 2},
            {"name": "conv2", "op": "Conv2d", "out_channels": 16, "kernel_size": 5},
            {"name": "relu2", "op": "ReLU"},
            {"name": "pool2", "op": "MaxPool2d", "kernel_size": 2},
            {"name": "flat", "op": "Flatten"},
            {"name": "fc1", "op": "Linear", "out_features": 120},
            {"name": "relu3", "op": "ReLU"},
            {"name": "fc2", "op": "Linear", "out_features": 84},
            {"name": "relu4", "op": "ReLU"},
            {"name": "fc3", "op": "Linear", "out_features": 10},
        ],
        "loss": {"op": "CrossEntropyLoss", "inputs": ["fc3", "y"]},
        "optimizer": {"op": "SGD", "lr": 0.01, "momentum": 0.9},
    }


def mobilenet() -> Net:
    """Depthwise and pointwise convolutions in turn, as in MobileNet, on one 112×112 picture, float32."""
    layers: list[Net] = [
        {"name": "stem", "op": "Conv2d", "out_channels": 16, "kernel_size": 3, "stride": 2, "padding": 1}
    ]
    channels = 16
    for k, (out, stride) in enumerate([(32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1)]):
        common = {"op": "Conv2d", "bias": False}
        depthwise = {"out_channels": channels, "kernel_size": 3, "stride": stride, "padding": 1, "groups": channels}
        layers += [
            {"name": f"deep{k}", **common, **depthwise},
            {"name": f"bn{k}a", "op": "BatchNorm2d"},
            {"name": f"relu{k}a", "op": "ReLU6"},
            {"name": f"point{k}", **common, "out_channels": out, "kernel_size": 1},
            {"name": f"bn{k}b", "op": "BatchNorm2d"},
            {"name": f"relu{k}b", "op": "ReLU6"},
        ]
        channels = out
    layers += [
        {"name": "pool", "op": "AdaptiveAvgPool2d", "output_size": 1},
        {"name": "flat", "op": "Flatten"},
        {"name": "fc", "op": "Linear", "out_features": 100},
    ]
    return {
        "dtype": "float32",
        "inputs": {"x": {"init": "normal", "shape": [1, 3, 112, 112]}, "y": {"value": [7], "dtype": "int64"}},
        "layers": layers,
        "loss": {"op": "CrossEntropyLoss", "inputs": ["fc", "y"]},
        "optimizer": {"op": "SGD", "lr": 0.01, "momentum": 0.9},
    }
