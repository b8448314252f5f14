"""The initialisers of torch.nn.init, under their names without the final underscore."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from math import isfinite, prod, sqrt
from typing import Any

import numpy as np

from convstep.errors import ArgumentError
from convstep.network.draw import DOUBLE, Draw, Floats
from convstep.network.words import did_you_mean, listed, show
from convstep.ops.base import Array, Shape

_MODES = ("fan_in", "fan_out")
_LINEAR = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
_NONLINEARITIES = (*_LINEAR, "sigmoid", "tanh", "relu", "leaky_relu", "selu")


class UnknownArgument(ArgumentError):
    """An argument that the initialiser does not have."""


def uniform(draw: Draw, shape: Shape, a: float = 0.0, b: float = 1.0) -> Array:
    """U(a, b)."""
    if b < a:
        raise ArgumentError("b", f"is {b:g}, below a = {a:g}")
    return draw.between(shape, a, b - a)


def normal(draw: Draw, shape: Shape, mean: float = 0.0, std: float = 1.0) -> Array:
    """N(mean, std²)."""
    if std < 0:
        raise ArgumentError("std", f"takes a number of 0 or more, not {std:g}")
    return draw.around(shape, mean, std)


def trunc_normal(
    draw: Draw, shape: Shape, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0
) -> Floats:
    """N(mean, std²) within [a, b], by the inverse of its distribution function."""
    if std <= 0:
        raise ArgumentError("std", f"takes a number above 0, not {std:g}")
    if b <= a:
        raise ArgumentError("b", f"is {b:g}, not above a = {a:g}")
    from statistics import NormalDist

    standard = NormalDist()
    low, high = standard.cdf((a - mean) / std), standard.cdf((b - mean) / std)
    levels = np.clip(low + (high - low) * draw.uniform(shape), 2.0**-60, 1 - 2.0**-53)
    values = np.array([standard.inv_cdf(level) for level in levels.reshape(-1).tolist()]).reshape(shape)
    return np.clip(mean + std * values, a, b)


def constant(draw: Draw, shape: Shape, val: float) -> Array:
    """One number everywhere."""
    return np.full(shape, val, draw.dtype)


def zeros(draw: Draw, shape: Shape) -> Array:
    """0 everywhere."""
    return np.zeros(shape, draw.dtype)


def ones(draw: Draw, shape: Shape) -> Array:
    """1 everywhere."""
    return np.ones(shape, draw.dtype)


def eye(draw: Draw, shape: Shape) -> Floats:
    """The identity matrix."""
    _need_rank(shape, (2,), "eye")
    return np.eye(shape[0], shape[1])


def dirac(draw: Draw, shape: Shape, groups: float = 1) -> Floats:
    """A convolution's weight that passes as many channels on unchanged as it can."""
    _need_rank(shape, (3, 4, 5), "dirac")
    if groups < 1 or groups != int(groups) or shape[0] % int(groups):
        raise ArgumentError("groups", f"takes a positive integer that divides the {shape[0]} output channels")
    each = shape[0] // int(groups)
    values = np.zeros(shape)
    centre = tuple(size // 2 for size in shape[2:])
    for k in range(shape[0]):
        if k % each < shape[1]:
            values[(k, k % each, *centre)] = 1.0
    return values


def xavier_uniform(draw: Draw, shape: Shape, gain: float = 1.0) -> Array:
    """U(−a, a) with a = gain · √(6 / (fan_in + fan_out))."""
    bound = gain * sqrt(6.0 / sum(fans(shape)))
    return draw.between(shape, -bound, 2 * bound)


def xavier_normal(draw: Draw, shape: Shape, gain: float = 1.0) -> Array:
    """N(0, gain² · 2 / (fan_in + fan_out))."""
    return draw.around(shape, 0.0, gain * sqrt(2.0 / sum(fans(shape))))


def kaiming_uniform(
    draw: Draw, shape: Shape, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
) -> Array:
    """U(−b, b) with b = gain · √(3 / fan)."""
    bound = sqrt(3.0) * _kaiming_std(shape, a, mode, nonlinearity)
    return draw.between(shape, -bound, 2 * bound)


def kaiming_normal(
    draw: Draw, shape: Shape, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
) -> Array:
    """N(0, gain² / fan)."""
    return draw.around(shape, 0.0, _kaiming_std(shape, a, mode, nonlinearity))


def orthogonal(draw: Draw, shape: Shape, gain: float = 1.0) -> Floats:
    """A (semi-)orthogonal matrix; further dimensions count as columns."""
    if len(shape) < 2:
        raise ArgumentError("init", f"orthogonal takes a tensor of two or more dimensions, not {list(shape)}")
    rows, columns = shape[0], prod(shape[1:])
    flat = draw.normal((rows, columns))
    q, r = np.linalg.qr(flat if rows >= columns else flat.T)
    q = q * np.sign(np.diag(r))
    return np.ascontiguousarray(gain * (q if rows >= columns else q.T)).reshape(shape)


def sparse(draw: Draw, shape: Shape, sparsity: float, std: float = 0.01) -> Array:
    """N(0, std²) with the fraction `sparsity` of each column set to 0."""
    _need_rank(shape, (2,), "sparse")
    if not 0 <= sparsity <= 1:
        raise ArgumentError("sparsity", f"takes a number from 0 to 1, not {sparsity:g}")
    values = normal(draw, shape, 0.0, std)
    count = int(np.ceil(sparsity * shape[0]))
    order = np.argsort(draw.uniform(shape), axis=0, kind="stable")
    np.put_along_axis(values, order[:count], 0.0, axis=0)
    return values


INITIALISERS: dict[str, Callable[..., Array]] = {
    f.__name__: f
    for f in (
        uniform, normal, trunc_normal, constant, zeros, ones, eye, dirac,
        xavier_uniform, xavier_normal, kaiming_uniform, kaiming_normal, orthogonal, sparse,
    )
}  # fmt: skip


def initialise(how: Mapping[str, Any], shape: Shape, seed: int, name: str, dtype: np.dtype[Any] = DOUBLE) -> Array:
    """Draws a tensor: `how` is `{init: NAME, …arguments}`, without shape and seed.

    The numbers depend on seed, name, shape and arguments alone; they are made in float64, and rounded to the dtype.
    Raises ArgumentError with the key at fault.
    """
    function = find(how["init"])
    arguments = {key: value for key, value in how.items() if key != "init"}
    _check(function, arguments)
    return function(Draw(seed, name, dtype), shape, **arguments).astype(dtype, copy=False)


def find(name: Any) -> Callable[..., Array]:
    """The initialiser of that name; torch's final underscore may be there."""
    function = INITIALISERS.get(name.removesuffix("_")) if isinstance(name, str) else None
    if function is None:
        raise ArgumentError("init", f"there is no initialiser {show(name)}{did_you_mean(str(name), INITIALISERS)}")
    return function


def fans(shape: Shape) -> tuple[int, int]:
    """How many numbers an output reads, and how many outputs an input feeds, as torch counts them."""
    if len(shape) < 2:
        raise ArgumentError("init", f"this initialiser needs a tensor of two or more dimensions, not {list(shape)}")
    field = prod(shape[2:])
    return shape[1] * field, shape[0] * field


def gain_of(nonlinearity: str, slope: float) -> float:
    """torch.nn.init.calculate_gain."""
    gains = {"tanh": 5 / 3, "relu": sqrt(2.0), "selu": 3 / 4, "leaky_relu": sqrt(2.0 / (1 + slope**2))}
    return gains.get(nonlinearity, 1.0)


def _kaiming_std(shape: Shape, a: float, mode: str, nonlinearity: str) -> float:
    for argument, word, known in (("mode", mode, _MODES), ("nonlinearity", nonlinearity, _NONLINEARITIES)):
        if word not in known:
            raise ArgumentError(argument, f"takes {listed(known)}, not {show(word)}")
    return gain_of(nonlinearity, a) / sqrt(fans(shape)[_MODES.index(mode)])


def _need_rank(shape: Shape, ranks: tuple[int, ...], init: str) -> None:
    if len(shape) not in ranks:
        raise ArgumentError("init", f"{init} takes a tensor of {listed(ranks)} dimensions, not {list(shape)}")


def _check(function: Callable[..., Array], arguments: Mapping[str, Any]) -> None:
    """The arguments' names and kinds, by the function's own signature."""
    parameters = dict(list(inspect.signature(function).parameters.items())[2:])
    for key, value in arguments.items():
        if key not in parameters:
            taken = did_you_mean(key, [*parameters, "shape", "seed", "dtype"])
            raise UnknownArgument(key, f"{function.__name__} has no `{key}`{taken}")
        if parameters[key].annotation == "str":
            if not isinstance(value, str):
                raise ArgumentError(key, f"takes a word, not {show(value)}")
        elif isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
            raise ArgumentError(key, f"takes a number, not {show(value)}")
    for key, parameter in parameters.items():
        if parameter.default is parameter.empty and key not in arguments:
            raise ArgumentError("init", f"{function.__name__} needs `{key}`")
