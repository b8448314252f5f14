"""Every operation, optimizer and scheduler that a network file may name: one line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TypeVar

from convstep.ops.base import Operation
from convstep.ops.optimizers import Optimizer
from convstep.ops.schedulers import Scheduler

_Kind = TypeVar("_Kind")


class _Registry(Mapping[str, type[_Kind]]):
    """Classes by name. The module of a class is imported when the class is first asked for: start-up is felt."""

    def __init__(self, modules: dict[str, str]) -> None:
        self._modules = modules

    def __getitem__(self, name: str) -> type[_Kind]:
        kind: type[_Kind] = getattr(import_module(f"convstep.ops.{self._modules[name]}"), name)
        return kind

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


OPERATIONS = _Registry[Operation](
    {
        "AdaptiveAvgPool1d": "adaptive_pool",
        "AdaptiveAvgPool2d": "adaptive_pool",
        "AdaptiveMaxPool1d": "adaptive_pool",
        "AdaptiveMaxPool2d": "adaptive_pool",
        "Add": "arithmetic",
        "AvgPool1d": "avg_pool",
        "AvgPool2d": "avg_pool",
        "BCELoss": "binary_loss",
        "BCEWithLogitsLoss": "binary_loss",
        "BatchNorm1d": "running_norm",
        "BatchNorm2d": "running_norm",
        "Bilinear": "bilinear",
        "CELU": "exponential",
        "Cat": "copying",
        "CircularPad1d": "padding",
        "CircularPad2d": "padding",
        "CircularPad3d": "padding",
        "ConstantPad1d": "padding",
        "ConstantPad2d": "padding",
        "ConstantPad3d": "padding",
        "Conv1d": "conv",
        "Conv2d": "conv",
        "Conv3d": "conv",
        "ConvTranspose1d": "conv_transpose",
        "ConvTranspose2d": "conv_transpose",
        "ConvTranspose3d": "conv_transpose",
        "CrossEntropyLoss": "cross_entropy",
        "Div": "binary",
        "Dropout": "dropout",
        "Dropout1d": "dropout",
        "Dropout2d": "dropout",
        "ELU": "exponential",
        "Embedding": "embedding",
        "Flatten": "shape",
        "GELU": "gelu",
        "GLU": "glu",
        "GaussianNLLLoss": "likelihood_loss",
        "GroupNorm": "layer_norm",
        "Hardshrink": "rectifiers",
        "Hardsigmoid": "rectifiers",
        "Hardswish": "rectifiers",
        "Hardtanh": "rectifiers",
        "HingeEmbeddingLoss": "margin_loss",
        "HuberLoss": "loss",
        "Identity": "shape",
        "InstanceNorm1d": "running_norm",
        "InstanceNorm2d": "running_norm",
        "KLDivLoss": "binary_loss",
        "L1Loss": "loss",
        "LPPool1d": "lp_pool",
        "LPPool2d": "lp_pool",
        "LayerNorm": "layer_norm",
        "LeakyReLU": "rectifiers",
        "Linear": "linear",
        "LocalResponseNorm": "local_response_norm",
        "LogSigmoid": "activation",
        "LogSoftmax": "log_softmax",
        "MSELoss": "loss",
        "MatMul": "matmul",
        "MaxPool1d": "max_pool",
        "MaxPool2d": "max_pool",
        "Mean": "reduction",
        "Mish": "activation",
        "Mul": "binary",
        "NLLLoss": "nll",
        "PReLU": "prelu",
        "Permute": "shape",
        "PixelShuffle": "shape",
        "PixelUnshuffle": "shape",
        "PoissonNLLLoss": "likelihood_loss",
        "RMSNorm": "layer_norm",
        "ReLU": "activation",
        "ReLU6": "rectifiers",
        "ReflectionPad1d": "padding",
        "ReflectionPad2d": "padding",
        "ReflectionPad3d": "padding",
        "ReplicationPad1d": "padding",
        "ReplicationPad2d": "padding",
        "ReplicationPad3d": "padding",
        "Reshape": "shape",
        "SELU": "exponential",
        "SiLU": "activation",
        "Sigmoid": "activation",
        "SmoothL1Loss": "loss",
        "SoftMarginLoss": "margin_loss",
        "Softmax": "softmax",
        "Softmax2d": "softmax",
        "Softmin": "softmax",
        "Softplus": "activation",
        "Softshrink": "rectifiers",
        "Softsign": "activation",
        "Sub": "binary",
        "Sum": "reduction",
        "Tanh": "activation",
        "Tanhshrink": "activation",
        "Threshold": "rectifiers",
        "Unflatten": "shape",
        "Upsample": "upsample",
        "UpsamplingBilinear2d": "upsample",
        "UpsamplingNearest2d": "upsample",
        "ZeroPad1d": "padding",
        "ZeroPad2d": "padding",
        "ZeroPad3d": "padding",
    }
)

OPTIMIZERS = _Registry[Optimizer](
    {
        "Adagrad": "adagrad",
        "Adam": "adam",
        "AdamW": "adam",
        "RMSprop": "rmsprop",
        "SGD": "sgd",
    }
)

SCHEDULERS = _Registry[Scheduler](
    {
        "CosineAnnealingLR": "schedulers",
        "StepLR": "schedulers",
    }
)
