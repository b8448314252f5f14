"""Types of arguments that torch.nn takes: sizes per axis, and what is said about a wrong one."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isfinite
from typing import Annotated, Any

from convstep.errors import ArgumentError
from convstep.ops.checked import Check, choice, or_none
from convstep.ops.records import Shape, Spec


def require_floats(inputs: Sequence[Spec]) -> None:
    """Raises ArgumentError where an input holds integers."""
    for number, spec in enumerate(inputs, start=1):
        if not spec.is_float:
            which = "the input is" if len(inputs) == 1 else f"input {number} is"
            raise ArgumentError(
                "inputs", f"takes floating-point numbers, but {which} {spec.dtype}; give it `dtype: float64` or float32"
            )


def constant(value: float) -> str:
    """A constant of a rule in words: `0.001`, `1e-8`."""
    return f"{value:.6g}".replace("e-0", "e-")


def dimension(argument: str, dim: int, shape: Shape) -> int:
    """A dimension counted from 0, given one that may count from the end. A scalar counts as one dimension."""
    count = max(len(shape), 1)
    if not -count <= dim < count:
        raise ArgumentError(argument, f"is {dim}, but an input of shape {list(shape)} has {-count} to {count - 1}")
    return dim % count


def _is_integer(value: Any, least: float) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


_LARGEST_SIZE = 2**31 - 1
"""Along one axis: so that strides in bytes stay within 64 bits."""


def _tuple(values: Any) -> tuple[Any, ...]:
    for value in values:
        if value is not None and value > _LARGEST_SIZE:
            raise ValueError(f"takes sizes of {_LARGEST_SIZE} or less, not {value}")
    return tuple(values)


def integer(least: float = -inf) -> Check:
    kind = {-inf: "an integer", 1: "a positive integer"}.get(least, f"an integer of {least} or more")

    def check(value: Any) -> Any:
        if not _is_integer(value, least):
            raise ValueError(f"takes {kind}, not {value!r}")
        return value

    return check


def _sizes(axes: int, least: int, words: tuple[str, ...] = ()) -> Check:
    kind = "a positive integer" if least == 1 else "an integer of 0 or more"
    kinds = [kind, f"a list of {axes}", *(f"'{word}'" for word in words)]

    def check(value: Any) -> Any:
        if isinstance(value, str) and value in words:
            return value
        values = value if isinstance(value, (list, tuple)) else [value] * axes
        if len(values) != axes or not all(_is_integer(v, least) for v in values):
            raise ValueError(f"takes {' or '.join(kinds)}, not {value!r}")
        return _tuple(values)

    return check


def _some_sizes(value: Any) -> Any:
    values = value if isinstance(value, (list, tuple)) else [value]
    if not values or not all(_is_integer(v, 1) for v in values):
        raise ValueError(f"takes a positive integer or a list of them, not {value!r}")
    return _tuple(values)


def _sizes_or_nones(axes: int) -> Check:
    def check(value: Any) -> Any:
        values = value if isinstance(value, (list, tuple)) else [value] * axes
        if len(values) != axes or not all(v is None or _is_integer(v, 1) for v in values):
            raise ValueError(f"takes a positive integer or a list of {axes} (null: as the input), not {value!r}")
        return _tuple(values)

    return check


def _integers(value: Any) -> Any:
    values = value if isinstance(value, (list, tuple)) else [value]
    if not all(_is_integer(v, -inf) for v in values):
        raise ValueError(f"takes a list of integers, not {value!r}")
    return tuple(values)


def _real(least: float = -inf, most: float = inf, finite: bool = True) -> Check:
    kind = "a number" if least == -inf else f"a number of {least:g} or more"
    if most < inf:
        kind = f"a number from {least:g} to {most:g}"

    def check(value: Any) -> Any:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        number = number and (isfinite(value) or (not finite and value == inf))
        if not number or not least <= value <= most:
            raise ValueError(f"takes {kind}, not {value!r}")
        return float(value)

    return check


def _factor(value: Any) -> Any:
    if not _real()(value) > 0 or value > 1:
        raise ValueError(f"takes a number above 0, at most 1, not {value!r}")
    return float(value)


def _nonzero(value: Any) -> Any:
    if not _is_integer(value, -inf) or value == 0:
        raise ValueError(f"takes an integer other than 0, not {value!r}")
    return value


def _flag(value: Any) -> Any:
    if not isinstance(value, bool):
        raise ValueError(f"takes true or false, not {value!r}")
    return value


def only(word: Any, why: str) -> Check:
    """The check of an argument that takes one value alone, for this reason."""

    def check(value: Any) -> Any:
        if value != word:
            raise ValueError(f"takes only {str(word).lower()}: {why}")
        return value

    return check


def _betas(value: Any) -> Any:
    number = _real(0.0)
    try:
        first, second = (number(beta) for beta in value)
    except (TypeError, ValueError):
        first = second = inf
    if not max(first, second) < 1:
        raise ValueError(f"takes two numbers from 0 to below 1, such as [0.9, 0.999], not {value!r}")
    return first, second


Flag = Annotated[bool, _flag]
FlagOrNone = Annotated[bool | None, or_none(_flag)]
PaddingMode = Annotated[str, choice("zeros", "reflect", "replicate", "circular")]
"""torch's `padding_mode`."""
FromTheStart = Annotated[int, only(-1, "training starts at iteration 0")]
"""A scheduler's `last_epoch`."""
Factor = Annotated[float, _factor]
"""A number above 0, at most 1."""
ZerosMode = Annotated[str, only("zeros", "torch has no other padding here")]
"""The `padding_mode` of a transposed convolution."""
UpsampleMode = Annotated[str, choice("nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area")]
Reduction = Annotated[str, choice("mean", "sum", "none")]
BatchReduction = Annotated[str, choice("mean", "batchmean", "sum", "none")]
"""`batchmean` divides by the first dimension's size alone."""
Approximate = Annotated[str, choice("none", "tanh")]
"""How GELU is computed."""

Integer = Annotated[int, integer()]
Integers = Annotated[tuple[int, ...], _integers]
"""Any number of integers; one alone is a list of one."""
IntegersOrNone = Annotated[tuple[int, ...] | None, or_none(_integers)]
IntegerOrNone = Annotated[int | None, or_none(integer())]
Positive = Annotated[int, integer(1)]
PositiveOrNone = Annotated[int | None, or_none(integer(1))]
NonzeroOrNone = Annotated[int | None, or_none(_nonzero)]

Real = Annotated[float, _real()]
RealOrInfinity = Annotated[float, _real(finite=False)]
RealOrNone = Annotated[float | None, or_none(_real())]
FromZero = Annotated[float, _real(0.0)]
"""A number of 0 or more."""
Share = Annotated[float, _real(0.0, 1.0)]
"""A number from 0 to 1."""

Sizes = Annotated[tuple[int, ...], _some_sizes]
"""Any number of positive sizes; one integer is one size."""
Single = Annotated[tuple[int, ...], _sizes(1, 1)]
"""One positive size, as a list of 1."""
SingleFrom0 = Annotated[tuple[int, ...], _sizes(1, 0)]
SingleOrNone = Annotated[tuple[int, ...] | None, or_none(_sizes(1, 1))]
SingleOrWords = Annotated[tuple[int, ...] | str, _sizes(1, 0, ("same", "valid"))]
SingleOfNone = Annotated[tuple[int | None, ...], _sizes_or_nones(1)]
"""One positive size or None."""
Pair = Annotated[tuple[int, ...], _sizes(2, 1)]
"""Two positive sizes; one integer stands for both."""
PairFrom0 = Annotated[tuple[int, ...], _sizes(2, 0)]
"""Two sizes of 0 or more; one integer stands for both."""
PairOrNone = Annotated[tuple[int, ...] | None, or_none(_sizes(2, 1))]
PairOfNone = Annotated[tuple[int | None, ...], _sizes_or_nones(2)]
"""Two positive sizes, each of which may be None; one stands for both."""
PairOrWords = Annotated[tuple[int, ...] | str, _sizes(2, 0, ("same", "valid"))]
"""The padding of a convolution."""
Triple = Annotated[tuple[int, ...], _sizes(3, 1)]
"""Three positive sizes; one integer stands for all."""
TripleFrom0 = Annotated[tuple[int, ...], _sizes(3, 0)]
TripleOrWords = Annotated[tuple[int, ...] | str, _sizes(3, 0, ("same", "valid"))]

Betas = Annotated[tuple[float, float], _betas]
"""The weights of the past in Adam's two running means."""
