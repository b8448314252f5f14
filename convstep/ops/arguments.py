"""Types of arguments that torch.nn takes: sizes per axis, and what is said about a wrong one."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Annotated, Any

from pydantic import BeforeValidator

from convstep.errors import ArgumentError
from convstep.ops.base import Spec


def require_floats(inputs: Sequence[Spec]) -> None:
    """Raises ArgumentError where an input holds integers."""
    for number, spec in enumerate(inputs, start=1):
        if not spec.is_float:
            which = "the input is" if len(inputs) == 1 else f"input {number} is"
            raise ArgumentError(
                "inputs", f"takes floating-point numbers, but {which} {spec.dtype}; give it `dtype: float64` or float32"
            )


def _sizes(axes: int, least: int) -> BeforeValidator:
    kind = "a positive integer" if least == 1 else "an integer of 0 or more"

    def check(value: Any) -> tuple[int, ...]:
        values = [value] * axes if isinstance(value, int) else value
        if (
            not isinstance(values, (list, tuple))
            or len(values) != axes
            or any(isinstance(v, bool) or not isinstance(v, int) or v < least for v in values)
        ):
            raise ValueError(f"takes {kind}" + (f" or a list of {axes}" if axes > 1 else "") + f", not {value!r}")
        return tuple(values)

    return BeforeValidator(check)


def _integer(least: int | None) -> BeforeValidator:
    kind = "an integer" if least is None else "a positive integer" if least == 1 else f"an integer of {least} or more"

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or (least is not None and value < least):
            raise ValueError(f"takes {kind}, not {value!r}")
        return value

    return BeforeValidator(check)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"takes true or false, not {value!r}")
    return value


def _real(least: float | None) -> BeforeValidator:
    kind = "a number" if least is None else f"a number of {least:g} or more"

    def check(value: Any) -> float:
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
        if not number or (least is not None and value < least):
            raise ValueError(f"takes {kind}, not {value!r}")
        return float(value)

    return BeforeValidator(check)


def _choice(*names: str) -> BeforeValidator:
    def check(value: Any) -> str:
        if value not in names:
            raise ValueError(f"takes {', '.join(names[:-1])} or {names[-1]}, not {value!r}")
        return str(value)

    return BeforeValidator(check)


Flag = Annotated[bool, BeforeValidator(_flag)]
Positive = Annotated[int, _integer(1)]
Integer = Annotated[int, _integer(None)]
Real = Annotated[float, _real(None)]
FromZero = Annotated[float, _real(0.0)]
"""A number of 0 or more."""
Reduction = Annotated[str, _choice("mean", "sum", "none")]
Pair = Annotated[tuple[int, ...], _sizes(2, 1)]
"""Two positive sizes; one integer stands for both."""
PairFrom0 = Annotated[tuple[int, ...], _sizes(2, 0)]
"""Two sizes of 0 or more; one integer stands for both."""
