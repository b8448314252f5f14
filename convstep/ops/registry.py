"""Every operation, optimizer and scheduler that a network file may name: one line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TypeVar

from convstep.ops.base import Operation
from convstep.ops.optim.optimizers import Optimizer
from convstep.ops.optim.schedulers import Scheduler

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
        "AdaptiveAvgPool1d": "pool.adaptive_pool",
        "AdaptiveAvgPool2d": "pool.adaptive_pool",
        "AdaptiveMaxPool1d": "pool.adaptive_pool",
        "AdaptiveMaxPool2d": "pool.adaptive_pool",
        "Add": "arithmetic.arithmetic",
        "AvgPool1d": "pool.avg_pool",
        "AvgPool2d": "pool.avg_pool",
        "BCELoss": "loss.binary_loss",
        "BCEWithLogitsLoss": "loss.binary_loss",
        "BatchNorm1d": "norm.running_norm",
        "BatchNorm2d": "norm.running_norm",
        "Bilinear": "linear.bilinear",
        "CELU": "activation.exponential",
        "Cat": "shape.copying",
        "CircularPad1d": "shape.padding",
        "CircularPad2d": "shape.padding",
        "CircularPad3d": "shape.padding",
        "ConstantPad1d": "shape.padding",
        "ConstantPad2d": "shape.padding",
        "ConstantPad3d": "shape.padding",
        "Conv1d": "conv.conv",
        "Conv2d": "conv.conv",
        "Conv3d": "conv.conv",
        "ConvTranspose1d": "conv.conv_transpose",
        "ConvTranspose2d": "conv.conv_transpose",
        "ConvTranspose3d": "conv.conv_transpose",
        "CrossEntropyLoss": "loss.cross_entropy",
        "Div": "arithmetic.binary",
        "Dropout": "norm.dropout",
        "Dropout1d": "norm.dropout",
        "Dropout2d": "norm.dropout",
        "ELU": "activation.exponential",
        "Embedding": "linear.embedding",
        "Flatten": "shape.shape",
        "GELU": "activation.gelu",
        "GLU": "activation.glu",
        "GaussianNLLLoss": "loss.likelihood_loss",
        "GroupNorm": "norm.layer_norm",
        "Hardshrink": "activation.rectifiers",
        "Hardsigmoid": "activation.rectifiers",
        "Hardswish": "activation.rectifiers",
        "Hardtanh": "activation.rectifiers",
        "HingeEmbeddingLoss": "loss.margin_loss",
        "HuberLoss": "loss.loss",
        "Identity": "shape.shape",
        "InstanceNorm1d": "norm.running_norm",
        "InstanceNorm2d": "norm.running_norm",
        "KLDivLoss": "loss.binary_loss",
        "L1Loss": "loss.loss",
        "LPPool1d": "pool.lp_pool",
        "LPPool2d": "pool.lp_pool",
        "LayerNorm": "norm.layer_norm",
        "LeakyReLU": "activation.rectifiers",
        "Linear": "linear.linear",
        "LocalResponseNorm": "norm.local_response_norm",
        "LogSigmoid": "activation.activation",
        "LogSoftmax": "activation.log_softmax",
        "MSELoss": "loss.loss",
        "MatMul": "linear.matmul",
        "MaxPool1d": "pool.max_pool",
        "MaxPool2d": "pool.max_pool",
        "Mean": "arithmetic.reduction",
        "Mish": "activation.activation",
        "Mul": "arithmetic.binary",
        "NLLLoss": "loss.nll",
        "PReLU": "activation.prelu",
        "Permute": "shape.shape",
        "PixelShuffle": "shape.shape",
        "PixelUnshuffle": "shape.shape",
        "PoissonNLLLoss": "loss.likelihood_loss",
        "RMSNorm": "norm.layer_norm",
        "ReLU": "activation.activation",
        "ReLU6": "activation.rectifiers",
        "ReflectionPad1d": "shape.padding",
        "ReflectionPad2d": "shape.padding",
        "ReflectionPad3d": "shape.padding",
        "ReplicationPad1d": "shape.padding",
        "ReplicationPad2d": "shape.padding",
        "ReplicationPad3d": "shape.padding",
        "Reshape": "shape.shape",
        "SELU": "activation.exponential",
        "SiLU": "activation.activation",
        "Sigmoid": "activation.activation",
        "SmoothL1Loss": "loss.loss",
        "SoftMarginLoss": "loss.margin_loss",
        "Softmax": "activation.softmax",
        "Softmax2d": "activation.softmax",
        "Softmin": "activation.softmax",
        "Softplus": "activation.activation",
        "Softshrink": "activation.rectifiers",
        "Softsign": "activation.activation",
        "Sub": "arithmetic.binary",
        "Sum": "arithmetic.reduction",
        "Tanh": "activation.activation",
        "Tanhshrink": "activation.activation",
        "Threshold": "activation.rectifiers",
        "Unflatten": "shape.shape",
        "Upsample": "shape.upsample",
        "UpsamplingBilinear2d": "shape.upsample",
        "UpsamplingNearest2d": "shape.upsample",
        "ZeroPad1d": "shape.padding",
        "ZeroPad2d": "shape.padding",
        "ZeroPad3d": "shape.padding",
    }
)

OPTIMIZERS = _Registry[Optimizer](
    {
        "Adagrad": "optim.adagrad",
        "Adam": "optim.adam",
        "AdamW": "optim.adam",
        "RMSprop": "optim.rmsprop",
        "SGD": "optim.sgd",
    }
)

SCHEDULERS = _Registry[Scheduler](
    {
        "ConstantLR": "optim.schedulers",
        "CosineAnnealingLR": "optim.cosines",
        "CosineAnnealingWarmRestarts": "optim.cosines",
        "ExponentialLR": "optim.schedulers",
        "LinearLR": "optim.schedulers",
        "MultiStepLR": "optim.schedulers",
        "PolynomialLR": "optim.schedulers",
        "StepLR": "optim.schedulers",
    }
)
