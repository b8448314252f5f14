"""Every operation and every optimizer that a network file may name: one line each."""

from __future__ import annotations

from convstep.ops.activation import ReLU, Sigmoid, Tanh
from convstep.ops.arithmetic import Add
from convstep.ops.avg_pool import AvgPool2d
from convstep.ops.base import Operation
from convstep.ops.conv import Conv2d
from convstep.ops.copying import Cat, Flatten
from convstep.ops.cross_entropy import CrossEntropyLoss
from convstep.ops.linear import Linear
from convstep.ops.loss import MSELoss
from convstep.ops.max_pool import MaxPool2d
from convstep.ops.optimizers import Optimizer
from convstep.ops.sgd import SGD
from convstep.ops.softmax import Softmax

OPERATIONS: dict[str, type[Operation]] = {
    "Add": Add,
    "AvgPool2d": AvgPool2d,
    "Cat": Cat,
    "Conv2d": Conv2d,
    "CrossEntropyLoss": CrossEntropyLoss,
    "Flatten": Flatten,
    "Linear": Linear,
    "MSELoss": MSELoss,
    "MaxPool2d": MaxPool2d,
    "ReLU": ReLU,
    "Sigmoid": Sigmoid,
    "Softmax": Softmax,
    "Tanh": Tanh,
}

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "SGD": SGD,
}
