"""Geometries to which every operation is held: one line each.

A family of operations has a file of its own, `cases_NAME.py` with CASES and EXTREME_CASES, which are taken in here.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from convstep.ops.base import Array, Call, Operation, Spec
from convstep.ops.registry import OPERATIONS

Maker = Callable[[np.random.Generator], Array]


def normal(*shape: int) -> Maker:
    return lambda rng: rng.normal(size=shape)


def positive(*shape: int) -> Maker:
    return lambda rng: rng.uniform(0.5, 3.0, size=shape)


def distinct(*shape: int) -> Maker:
    """Numbers far enough apart for central differences to keep the order."""
    return lambda rng: rng.permutation(int(np.prod(shape))).reshape(shape) * 0.37 - 2.03


def tied(*shape: int) -> Maker:
    """Few different numbers, zero among them."""
    return lambda rng: rng.integers(-1, 2, size=shape).astype(np.float64)


def labels(classes: int, *shape: int) -> Maker:
    return lambda rng: rng.integers(0, classes, size=shape)


def shares(*shape: int) -> Maker:
    """Probabilities; the classes are the second dimension, or the only one."""

    def make(rng: np.random.Generator) -> Array:
        numbers = rng.uniform(size=shape)
        return numbers / numbers.sum(axis=0 if len(shape) == 1 else 1, keepdims=True)

    return make


def sure(rng: np.random.Generator) -> Array:
    """Scores of which one is far above the rest: shares close to 1."""
    return rng.normal(size=(3, 4)) + np.eye(3, 4) * 30


def given(numbers: Any) -> Maker:
    return lambda rng: np.array(numbers)


@dataclass(frozen=True)
class Case:
    """An operation with arguments on inputs. `smooth` is false where central differences meet a kink.

    `note` tells cases apart that look alike: the id names the stored answers. In eval mode `training` is false.
    """

    op: str
    inputs: tuple[Maker, ...]
    arguments: dict[str, Any] = field(default_factory=dict)
    smooth: bool = True
    note: str = ""
    training: bool = True

    @property
    def id(self) -> str:
        shapes = "_".join("x".join(map(str, a.shape)) or "scalar" for a in self._data())
        args = "_".join(f"{k}={v}" for k, v in self.arguments.items())
        mode = "" if self.training else "eval"
        return "-".join(filter(None, (self.op, shapes, args, self.note, mode))).replace(" ", "")

    def _data(self) -> list[Array]:
        rng = np.random.default_rng(zlib.crc32(repr((self.op, sorted(self.arguments.items()), self.note)).encode()))
        return [make(rng) for make in self.inputs]

    def build(self, dtype: Any = np.float64) -> tuple[Operation, tuple[Array, ...]]:
        """The bound operation and its operands; floats have this dtype."""
        data = [a.astype(dtype) if a.dtype.kind == "f" else a for a in self._data()]
        specs = [Spec(a.shape, a.dtype) for a in data]
        op = OPERATIONS[self.op](**self.arguments).bind(specs, self.training, np.dtype(dtype))
        return op, (*data, *owned(op, np.random.default_rng(zlib.crc32(self.id.encode())), dtype))


def owned(op: Operation, rng: np.random.Generator, dtype: Any = np.float64) -> list[Array]:
    """Numbers for the parameters, buffers (above 0, as variances are) and masks of a bound operation."""
    parameters = [rng.normal(size=p.shape).astype(dtype) for p in op.parameters.values()]
    buffers = [rng.uniform(0.5, 2.0, size=b.shape).astype(b.dtype or dtype) for b in op.buffers.values()]
    masks = [op.draw(name, rng.uniform(size=shape)).astype(dtype) for name, shape in op.masks.items()]
    return [*parameters, *buffers, *masks]


def call(op: Operation, operands: tuple[Array, ...]) -> Call:
    """One use of a bound operation."""
    saved: dict[str, Array] = {}
    return Call(operands, op.forward(operands, saved), saved)


def case(op: str, *inputs: Maker, smooth: bool = True, note: str = "", training: bool = True, **arguments: Any) -> Case:
    return Case(op, inputs, arguments, smooth, note, training)


CASES = [
    case("Conv2d", normal(1, 1, 3, 3), out_channels=1, kernel_size=2, bias=False),
    case("Conv2d", normal(2, 3, 5, 4), out_channels=2, kernel_size=[3, 2]),
    case("Conv2d", normal(2, 2, 6, 5), out_channels=4, kernel_size=3, stride=2, padding=1, groups=2),
    case("Conv2d", normal(1, 2, 7, 8), out_channels=2, kernel_size=[2, 3], stride=[3, 2], padding=[1, 2], dilation=2),
    case("Conv2d", normal(2, 4, 4), out_channels=3, kernel_size=3, padding="same"),
    case("Conv2d", normal(1, 1, 5, 5), out_channels=1, kernel_size=[2, 4], padding="same", dilation=[2, 1]),
    case("Conv2d", normal(1, 2, 5, 5), out_channels=1, kernel_size=1, stride=3, padding="valid", bias=False),
    case("Linear", normal(3), out_features=2),
    case("Linear", normal(4, 3), out_features=2),
    case("Linear", normal(2, 3, 4), out_features=3, bias=False),
    case("Linear", normal(2, 1), out_features=1, in_features=1),
    case("MaxPool2d", distinct(1, 2, 4, 4), kernel_size=2),
    case("MaxPool2d", distinct(2, 1, 5, 6), kernel_size=3, stride=2, padding=1),
    case("MaxPool2d", distinct(2, 7, 6), kernel_size=[3, 2], stride=[2, 3], padding=1, ceil_mode=True),
    case("MaxPool2d", distinct(1, 1, 8, 8), kernel_size=3, stride=1, dilation=2, padding=1),
    case("MaxPool2d", tied(1, 2, 5, 5), kernel_size=3, stride=2, padding=1, ceil_mode=True, smooth=False, note="ties"),
    case("AvgPool2d", normal(1, 2, 4, 4), kernel_size=2),
    case("AvgPool2d", normal(2, 1, 5, 6), kernel_size=3, stride=2, padding=1),
    case("AvgPool2d", normal(2, 7, 6), kernel_size=[3, 2], stride=[2, 3], padding=1, ceil_mode=True),
    case("AvgPool2d", normal(1, 1, 6, 6), kernel_size=3, stride=2, padding=1, ceil_mode=True, count_include_pad=False),
    case("AvgPool2d", normal(1, 1, 5, 5), kernel_size=2, stride=1, divisor_override=3),
    case("AvgPool2d", normal(1, 1, 3, 3), kernel_size=2, divisor_override=-2),
    case("MaxPool2d", distinct(1, 1, 3, 3), kernel_size=2, stride=1, return_indices=True),
    case("AdaptiveMaxPool2d", distinct(1, 1, 3, 3), output_size=2, return_indices=True),
    case("ReLU", distinct(2, 3)),
    case("ReLU", tied(3, 4), inplace=True, smooth=False, note="ties"),
    case("Sigmoid", normal(2, 3)),
    case("Tanh", normal(2, 1, 2)),
    case("Softmax", normal(4)),
    case("Softmax", normal(2, 3)),
    case("Softmax", normal(2, 3, 2)),
    case("Softmax", normal(2, 3, 2), dim=1),
    case("Softmax", normal(2, 2, 3, 2), dim=-1),
    case("Softmax", given(0.5)),
    case("Softmax", sure, dim=1, note="sure"),
    case("Flatten", normal(2, 3, 2)),
    case("Flatten", normal(2, 1, 2, 2), start_dim=0, end_dim=-2),
    case("Flatten", given(2.5), start_dim=0),
    case("Add", normal(2, 3), normal(2, 3)),
    case("Add", normal(2, 3), normal(3), normal(2, 1)),
    case("Add", normal(2, 1, 3), normal(4, 1), given(1.5)),
    case("Cat", normal(2, 3), normal(1, 3)),
    case("Cat", normal(2, 3), normal(2, 1), normal(2, 2), dim=-1),
    case("Cat", normal(2, 1, 2), normal(2, 3, 2), dim=1),
    case("Cat", normal(2)),
    case("MSELoss", normal(2, 3), normal(2, 3)),
    case("MSELoss", normal(1, 1, 1, 1), normal(1, 1, 1, 1), reduction="sum"),
    case("MSELoss", normal(2, 3), normal(2, 3), reduction="none"),
    case("MSELoss", normal(2, 1, 3), normal(2, 3)),
    case("MSELoss", normal(3, 2), normal(2), reduction="none"),
    case("MSELoss", given(1.5), given(-0.5)),
    case("MSELoss", normal(2, 2), labels(3, 2, 2), reduction="sum"),
    case("CrossEntropyLoss", normal(3, 4), labels(4, 3)),
    case("CrossEntropyLoss", sure, given([0, 1, 3]), note="sure"),
    case("CrossEntropyLoss", sure, given([2, 1, 2]), reduction="none", note="unsure"),
    case("CrossEntropyLoss", normal(3), labels(3), reduction="sum"),
    case("CrossEntropyLoss", normal(2, 3, 2), labels(3, 2, 2), reduction="none"),
    case("CrossEntropyLoss", normal(4, 3), given([0, 1, 2, 1]), ignore_index=1),
    case("CrossEntropyLoss", normal(4, 3), given([0, 1, 2, 1]), ignore_index=1, label_smoothing=0.1),
    case("CrossEntropyLoss", normal(2, 3, 2), labels(3, 2, 2), label_smoothing=0.3, reduction="none"),
    case("CrossEntropyLoss", normal(3, 4), shares(3, 4)),
    case("CrossEntropyLoss", normal(2, 3, 2), shares(2, 3, 2), label_smoothing=0.2),
    case("CrossEntropyLoss", normal(2, 3, 2), normal(2, 3, 2), reduction="none"),
    case("CrossEntropyLoss", normal(3), shares(3), reduction="sum", label_smoothing=0.1),
]

_inf, _nan = np.inf, np.nan
_EXTREMES = [
    [-1000.0, 1000.0, 0.0, -0.0],
    [_inf, 1.0, -_inf, 2.0],
    [_nan, 1.0, 30.0, -_inf],
    [1e300, -1e300, 5e-324, 40.0],
]

EXTREME_CASES = [
    *(case(op, given(_EXTREMES)) for op in ("ReLU", "Sigmoid", "Tanh", "Softmax")),
    case("Softmax", given(_EXTREMES), dim=0),
    case("MaxPool2d", given([_EXTREMES]), kernel_size=2, stride=1, padding=1),
    case("MaxPool2d", given([[[_nan, 1.0, _nan], [_nan, 2.0, 3.0], [-_inf, -_inf, -_inf]]]), kernel_size=[1, 3]),
    case("AvgPool2d", given([_EXTREMES]), kernel_size=2, stride=1, padding=1),
    case("Conv2d", given([_EXTREMES]), out_channels=2, kernel_size=2, padding=1),
    case("Linear", given(_EXTREMES), out_features=2),
    case("Add", given(_EXTREMES), given(_EXTREMES[1])),
    case("MSELoss", given(_EXTREMES), given(_EXTREMES), reduction="none"),
    case("MSELoss", given([1e200, 1.0]), given([-1e200, 0.0])),
    case("CrossEntropyLoss", given(_EXTREMES), given([1, 0, 1, 2]), reduction="none"),
    case("CrossEntropyLoss", given(_EXTREMES[0]), given(0)),
    case("CrossEntropyLoss", given([[1e10, 1e10 + 1], [-800.0, -801.0]]), given([0, 1]), note="huge"),
    case("CrossEntropyLoss", given([[1.0, 2.0], [3.0, 4.0]]), given([-100, -100]), note="all ignored"),
    case(
        "CrossEntropyLoss", given([[1.0, 2.0], [3.0, 4.0]]), given([-100, -100]), reduction="sum", label_smoothing=0.1
    ),
    case("CrossEntropyLoss", given([[-1000.0, 1000.0], [0.0, 1000.0]]), given([[0.5, 0.5], [1.0, 0.0]])),
]

FAMILIES = {"first": [*CASES, *EXTREME_CASES]}
"""All cases by the file that they are from; each family's answers are stored apart."""

for file in sorted(Path(__file__).parent.glob("cases_*.py")):
    module = import_module(file.stem)
    FAMILIES[file.stem.removeprefix("cases_")] = [*module.CASES, *module.EXTREME_CASES]
    CASES += module.CASES
    EXTREME_CASES += module.EXTREME_CASES

SGD_ARGUMENTS: list[dict[str, Any]] = [
    {"lr": 0.1, "momentum": momentum, "dampening": damp, "weight_decay": decay, "nesterov": nesterov, "maximize": up}
    for momentum, damp, decay, nesterov, up in product(
        (0.0, 0.9), (0.0, 0.3), (0.0, 0.01), (False, True), (False, True)
    )
    if not nesterov or (momentum and not damp)
]
SGD_START = np.array([[0.3, -0.7], [1.5, 2.0]])
SGD_GRADIENTS = [np.array([[1.0, -2.0], [0.5, 0.0]]) * (k + 1) for k in range(3)]
