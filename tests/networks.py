"""Random networks that nobody wrote: small DAGs of every operation, as sources for `load`."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

Source = dict[str, Any]
Shape = tuple[int, ...]

SAMPLES = ("two_conv", "conv_pool_sigmoid", "digits")
_ACTIVATIONS = ("ReLU", "Sigmoid", "Tanh", "GELU", "SiLU", "LeakyReLU", "Hardswish", "ELU", "Softplus")
_OPTIMIZERS: list[Source] = [
    {"op": "SGD", "lr": 0.05},
    {"op": "SGD", "lr": 0.1, "momentum": 0.9},
    {"op": "SGD", "lr": 0.1, "momentum": 0.5, "dampening": 0.25, "weight_decay": 0.1},
    {"op": "SGD", "lr": 0.02, "momentum": 0.8, "nesterov": True, "weight_decay": 0.01},
    {"op": "SGD", "lr": 0.03, "maximize": True},
    # A gradient that is 0 but for rounding must stay small: eps is above it.
    {"op": "Adam", "lr": 0.01, "eps": 1e-3},
    {"op": "Adam", "lr": 0.02, "amsgrad": True, "betas": [0.5, 0.9], "weight_decay": 0.1, "eps": 1e-3},
    {"op": "AdamW", "lr": 0.01, "weight_decay": 0.2, "eps": 1e-2},
    {"op": "RMSprop", "lr": 0.01, "alpha": 0.9, "centered": True, "momentum": 0.5, "eps": 1e-2},
    {"op": "Adagrad", "lr": 0.05, "lr_decay": 0.1, "initial_accumulator_value": 0.1, "eps": 1e-3},
]
_SCHEDULERS: list[Source] = [
    {"op": "StepLR", "step_size": 1, "gamma": 0.5},
    {"op": "CosineAnnealingLR", "T_max": 2, "eta_min": 0.001},
    {"op": "LinearLR", "total_iters": 2},
    {"op": "MultiStepLR", "milestones": [1, 2]},
]


class _Builder:
    """A network as it grows: its layers, and the float tensors that a further layer may read."""

    def __init__(self, seed: int) -> None:
        self.choice = random.Random(seed)
        self.random = np.random.default_rng(seed)
        # Few different numbers: maxima tie, ReLU meets real zeros, products cancel.
        self.coarse = self.pick(True, False)
        self.layers: list[Source] = []
        self.shapes: dict[str, Shape] = {}
        self.inputs: Source = {}

    def pick(self, *of: Any) -> Any:
        return self.choice.choice(of)

    def numbers(self, shape: Shape) -> np.ndarray[Any, Any]:
        if self.coarse:
            return self.random.integers(-2, 3, shape).astype(np.float64)
        return self.random.normal(size=shape)

    def input(self, name: str, shape: Shape) -> None:
        self.inputs[name] = self.numbers(shape)
        self.shapes[name] = shape

    def layer(self, op: str, reads: list[str], shape: Shape, **arguments: Any) -> None:
        name = f"{op.lower()}{len(self.layers)}"
        self.layers.append({"name": name, "op": op, "inputs": reads, **arguments})
        self.shapes[name] = shape

    # -- layers

    def grow(self) -> None:
        """One more layer, mostly on the newest tensor."""
        name = list(self.shapes)[-1] if self.pick(True, True, False) else self.pick(*self.shapes)
        shape = self.shapes[name]
        image = ("conv", "conv", "transposed", "max", "avg", "upsample", "flatten")
        kinds = image if len(shape) == 4 else ("linear", "linear")
        getattr(self, f"_{self.pick(*kinds, 'norm', 'activation', 'softmax', 'add', 'cat')}")(name, shape)

    def _conv(self, name: str, shape: Shape) -> None:
        batch, channels, *size = shape
        kernel, stride, dilation = ([self.pick(*c), self.pick(*c)] for c in ((1, 2, 3), (1, 1, 2), (1, 1, 2)))
        padding: Any = self.pick(0, 1, "valid", "same", [1, 0])
        if padding == "same":
            stride = [1, 1]
        around = {"valid": [0, 0], "same": None}.get(padding, padding) if isinstance(padding, str) else padding
        around = [around] * 2 if isinstance(around, int) else around
        if around is None:
            out = size
        else:
            out = [
                (n + 2 * p - d * (k - 1) - 1) // s + 1
                for n, p, d, k, s in zip(size, around, dilation, kernel, stride, strict=True)
            ]
        if min(out) < 1:
            return
        groups = self.pick(1, channels)
        out_channels = groups * self.pick(1, 2) if groups < 3 else groups
        arguments: Source = {
            "out_channels": out_channels,
            "kernel_size": kernel,
            "stride": stride,
            "dilation": dilation,
            "padding": padding,
            "groups": groups,
            "bias": self.pick(True, False),
        }
        self._parameters("Conv2d", arguments, (out_channels, channels // groups, *kernel), out_channels)
        self.layer("Conv2d", [name], (batch, out_channels, *out), **arguments)

    def _transposed(self, name: str, shape: Shape) -> None:
        batch, channels, *size = shape
        kernel, stride, out_channels = self.pick(1, 2, 3), self.pick(1, 2), self.pick(1, 2)
        out = [(n - 1) * stride + kernel for n in size]
        if max(out) > 9:
            return
        arguments: Source = {"out_channels": out_channels, "kernel_size": kernel, "stride": stride, "bias": True}
        self._parameters("ConvTranspose2d", arguments, (channels, out_channels, kernel, kernel), out_channels)
        self.layer("ConvTranspose2d", [name], (batch, out_channels, *out), **arguments)

    def _upsample(self, name: str, shape: Shape) -> None:
        if max(shape[2:]) > 4:
            return
        mode = self.pick("nearest", "bilinear")
        self.layer("Upsample", [name], (*shape[:2], *(2 * n for n in shape[2:])), scale_factor=2, mode=mode)

    def _norm(self, name: str, shape: Shape) -> None:
        """One whose groups have more than one number: of a single one nothing is left."""
        batch, channels, *size = shape
        places = int(np.prod(size))
        kinds: list[tuple[str, Source]] = [("RMSNorm", {"normalized_shape": shape[-1]})]
        if shape[-1] > 1:
            kinds.append(("LayerNorm", {"normalized_shape": shape[-1], "bias": self.pick(True, False)}))
        if batch * places > 1:
            momentum = self.pick(0.1, None)
            kinds.append((f"BatchNorm{2 if size else 1}d", {"num_features": channels, "momentum": momentum}))
        if places > 1:
            kinds.append(("InstanceNorm2d", {"num_features": channels, "affine": True, "track_running_stats": True}))
            kinds.append(("GroupNorm", {"num_groups": channels, "num_channels": channels}))
        op, arguments = self.pick(*kinds)
        # Where numbers do not vary, a small eps makes rounding large.
        self.layer(op, [name], shape, eps=0.1, **arguments)

    def _linear(self, name: str, shape: Shape) -> None:
        out = self.pick(1, 2, 3, shape[-1])
        arguments: Source = {"out_features": out, "bias": self.pick(True, False)}
        self._parameters("Linear", arguments, (out, shape[-1]), out)
        self.layer("Linear", [name], (*shape[:-1], out), **arguments)

    def _parameters(self, op: str, arguments: Source, weight: Shape, out: int) -> None:
        """Given values, torch's defaults, or the very weight of an earlier layer."""
        owners = [
            layer["name"]
            for layer in self.layers
            if layer["op"] == op and np.shape(layer.get("weight", "none")) == weight
        ]
        how = self.pick("values", "default", "shared")
        if how == "shared" and owners:
            arguments["weight"] = f"{self.pick(*owners)}.weight"
        elif how != "default":
            arguments["weight"] = self.numbers(weight)
        if arguments["bias"] and how == "values":
            arguments["bias"] = self.numbers((out,))

    def _max(self, name: str, shape: Shape) -> None:
        self._pool("MaxPool2d", name, shape)

    def _avg(self, name: str, shape: Shape) -> None:
        self._pool("AvgPool2d", name, shape, count_include_pad=self.pick(True, False))

    def _pool(self, op: str, name: str, shape: Shape, **more: Any) -> None:
        kernel, stride = self.pick(1, 2, 3), self.pick(1, 2, 3)
        padding, ceil = self.pick(0, 0, kernel // 2), self.pick(False, False, True)
        out = []
        for n in shape[2:]:
            over = n + 2 * padding - kernel
            if over < 0:
                return
            count = (over + (stride - 1 if ceil else 0)) // stride + 1
            # A last window may not begin on the padding beyond the end.
            out.append(count - (ceil and (count - 1) * stride >= n + padding))
        arguments = {"kernel_size": kernel, "stride": stride, "padding": padding, "ceil_mode": ceil}
        self.layer(op, [name], (*shape[:2], *out), **arguments, **more)

    def _flatten(self, name: str, shape: Shape) -> None:
        self.layer("Flatten", [name], (shape[0], int(np.prod(shape[1:]))))

    def _activation(self, name: str, shape: Shape) -> None:
        self.layer(self.pick(*_ACTIVATIONS), [name], shape)

    def _softmax(self, name: str, shape: Shape) -> None:
        self.layer("Softmax", [name], shape, dim=self.pick(1, -1))

    def _add(self, name: str, shape: Shape) -> None:
        """With itself, with a tensor of the same shape, or with one that is spread over it."""
        same = [other for other, s in self.shapes.items() if s == shape]
        if self.pick(True, False):
            row = f"row{len(self.inputs)}"
            self.input(row, (1,) * (len(shape) - 1) + shape[-1:])
            same = [row]
            # What is spread is not read by anything else that wants a batch.
            del self.shapes[row]
        self.layer("Add", [name, self.pick(*same)], shape)

    def _cat(self, name: str, shape: Shape) -> None:
        others = [n for n, s in self.shapes.items() if len(s) == len(shape) and (s[0], s[2:]) == (shape[0], shape[2:])]
        other = self.pick(*others)
        self.layer("Cat", [name, other], (shape[0], shape[1] + self.shapes[other][1], *shape[2:]), dim=1)

    def more_rows(self) -> None:
        """One row more than a batch takes, so that iterations differ."""
        for name in {"x", "y", "labels"} & set(self.inputs):
            self.inputs[name] = np.concatenate([self.inputs[name], self.inputs[name][-1:]])
        self.inputs["x"][-1] += 1

    # -- where backward starts

    def end(self) -> Source:
        last = list(self.shapes)[-1]
        if not self.layers:
            self._activation(last, self.shapes[last])
            last = self.layers[-1]["name"]
        shape = self.shapes[last]
        how = self.pick("mse", "mse", "cross", "gradient")
        if how == "gradient":
            roots = {last, self.pick(*(layer["name"] for layer in self.layers))}
            return {"gradient": {name: self.numbers(self.shapes[name]) for name in sorted(roots)}}
        reduction = self.pick("mean", "sum")
        if how == "cross" and len(shape) == 2 and shape[1] > 1:
            self.inputs["labels"] = self.random.integers(0, shape[1], shape[0])
            loss = {"op": "CrossEntropyLoss", "inputs": [last, "labels"], "reduction": reduction}
            smoothing, ignored = self.pick(0.0, 0.0, 0.1), self.pick(-100, 0)
            return {"loss": {**loss, "ignore_index": ignored, "label_smoothing": smoothing}}
        self.inputs["y"] = self.numbers(shape)
        return {"loss": {"name": "C", "op": "MSELoss", "inputs": [last, "y"], "reduction": reduction}}


def random_network(seed: int, layers: int) -> Source:
    """A network of at most so many layers, on an image or rows of numbers; with two or three iterations at times."""
    builder = _Builder(seed)
    batch = builder.pick(1, 2, 3)
    if builder.pick(True, True, True, False):
        builder.input("x", (batch, builder.pick(1, 2), builder.pick(2, 3, 4, 5), builder.pick(1, 3, 4)))
    else:
        builder.input("x", (batch, builder.pick(1, 2, 4)))
    for _ in range(layers):
        builder.grow()
    source: Source = {"name": "random", "seed": seed, **builder.end()}
    source |= {"inputs": builder.inputs, "layers": builder.layers, "iterations": builder.pick(1, 2, 3)}
    if builder.pick(True, True, False):
        source["optimizer"] = builder.pick(*_OPTIMIZERS)
        if builder.pick(True, False):
            source["scheduler"] = builder.pick(*_SCHEDULERS)
    if builder.pick(True, False, False):
        source["batch_size"] = batch
        builder.more_rows()
    return {**source, "indexing": builder.pick("torch", "flat1")}


def networks(layers: int = 7) -> st.SearchStrategy[Source]:
    """Random networks; what fails shrinks to few layers."""
    return st.builds(random_network, st.integers(0, 2**32), st.integers(1, layers))


def sample(name: str) -> str:
    """The path of a sample net."""
    return str(Path(__file__).parents[1] / "sample_nets" / f"{name}.yaml")
