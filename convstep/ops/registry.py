"""Every operation and every optimizer that a network file may name: one line each."""

from __future__ import annotations

from convstep.ops.activation import ReLU, Sigmoid, Tanh
from convstep.ops.arithmetic import Add
from convstep.ops.base import Operation
from convstep.ops.conv import Conv2d
from convstep.ops.linear import Linear
from convstep.ops.loss import MSELoss
from convstep.ops.optimizers import Optimizer
from convstep.ops.sgd import SGD

OPERATIONS: dict[str, type[Operation]] = {
    "Add": Add,
    "Conv2d": Conv2d,
    "Linear": Linear,
    "MSELoss": MSELoss,
    "ReLU": ReLU,
    "Sigmoid": Sigmoid,
    "Tanh": Tanh,
}

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "SGD": SGD,
}
