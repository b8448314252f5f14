"""Types of arguments that torch.nn takes: sizes per axis, and what is said about a wrong one."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, StrictBool, StrictInt

Flag = StrictBool


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


def _integer(least: int) -> BeforeValidator:
    kind = "a positive integer" if least == 1 else f"an integer of {least} or more"

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"takes {kind}, not {value!r}")
        return value

    return BeforeValidator(check)


Positive = Annotated[int, _integer(1)]
Integer = StrictInt
Pair = Annotated[tuple[int, ...], _sizes(2, 1)]
"""Two positive sizes; one integer stands for both."""
PairFrom0 = Annotated[tuple[int, ...], _sizes(2, 0)]
"""Two sizes of 0 or more; one integer stands for both."""
