"""The number, or the tensor, that a typed expression stands for: float64, element by element, broadcast as in numpy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from convstep.explain.language.nodes import Apply, Chain, Constant, ExpressionError, Negative, Node, Power, Reference

Floats = npt.NDArray[np.float64]
Read = Callable[[str], npt.NDArray[np.generic]]
"""The tensor of a key (`o1`, `grad(o1)`, `new(o1.weight)`); raises KeyError where there is none."""

MOST_ELEMENTS = 1_000_000
"""Where broadcasting makes a larger tensor than its operands are."""


def evaluate(node: Node, read: Read) -> Floats:
    """The value of an expression; a number has the shape ().

    Raises ExpressionError where numbers that are finite lead to one that is not (1/0, log of 0, 9^9^9), where
    shapes do not go together, and where a tensor has no gradient.
    """
    with np.errstate(all="ignore"):
        return _value(node, read)


def _value(node: Node, read: Read) -> Floats:
    match node:
        case Constant(_, value):
            return np.array(value)
        case Reference(column, key, index):
            try:
                tensor = read(key)
            except KeyError:
                raise ExpressionError(column, f"there is no {key} in this network") from None
            return np.asarray(tensor if index is None else tensor.reshape(-1)[index], dtype=np.float64)
        case Chain(_, first, rest):
            total = _value(first, read)
            for sign, operand in rest:
                total = _combine(operand.column, sign, total, _value(operand, read))
            return total
        case Power(column, base, exponent):
            return _combine(column, "^", _value(base, read), _value(exponent, read))
        case Negative(_, of):
            return np.negative(_value(of, read))
        case Apply(column, function, arguments):
            return _apply(column, function, [_value(argument, read) for argument in arguments])
        case _:
            raise ExpressionError(node.column, "this belongs to a condition, and is no number")


COMBINE: dict[str, Callable[[Floats, Floats], Floats]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
}


def _combine(column: int, sign: str, left: Floats, right: Floats) -> Floats:
    try:
        shape = np.broadcast_shapes(left.shape, right.shape)
    except ValueError:
        sizes = " and ".join("×".join(map(str, side.shape)) for side in (left, right))
        raise ExpressionError(column, f"tensors of the sizes {sizes} do not go together") from None
    if np.prod([float(size) for size in shape]) > max(MOST_ELEMENTS, left.size, right.size):
        raise ExpressionError(column, "the result would be too large a tensor")
    if sign == "/" and bool((right == 0).any()):
        raise ExpressionError(column, "division by 0")
    result = np.asarray(COMBINE[sign](left, right))
    what = "this power is too large, or has no real value" if sign == "^" else "the result is too large a number"
    return _finite(column, what, result, left, right)


FUNCTIONS: dict[str, Callable[[Floats], Floats]] = {
    "sum": np.sum,
    "max": np.max,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "sigmoid": lambda x: 0.5 + 0.5 * np.tanh(0.5 * x),
    "relu": lambda x: np.maximum(x, 0.0),
    "abs": np.abs,
}


def _apply(column: int, function: str, values: list[Floats]) -> Floats:
    if len(values) > 1:
        result = values[0]
        for value in values[1:]:
            _combine(column, "-", result, value)  # the shapes must go together
            result = np.maximum(result, value)
        return np.asarray(result)
    if function == "max" and not values[0].size:
        raise ExpressionError(column, "max(…) of no numbers")
    result = np.asarray(FUNCTIONS[function](values[0]))
    return _finite(column, f"{function}(…) has no finite value there", result, values[0])


def _finite(column: int, what: str, result: Floats, *operands: Floats) -> Floats:
    if not np.isfinite(result).all() and all(np.isfinite(operand).all() for operand in operands):
        raise ExpressionError(column, what)
    return result
