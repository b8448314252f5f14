"""A named mistake (contract §3), and what it is in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from convstep.explain.numbers import short

_WORDS = {
    "sum-before-multiply": "local derivatives and upstream gradients were added up first, then the sums multiplied; "
    "right is to multiply each pair, then add",
    "missing-upstream": "a link of the chain is missing, such as the upstream gradient or a whole layer; right is to "
    "multiply each local derivative by its upstream gradient",
    "missing-activation-derivative": "the gradient was handed on unchanged; right is to multiply it by the "
    "activation's derivative",
    "unflipped-kernel": "the input's gradient was made with the kernel as it stands; right is the kernel turned by "
    "180°",
    "reversed-gradient": "the gradient came out turned by 180°; right is to index it as in the forward pass",
    "transposed": "two dimensions are exchanged; right is the order that the tensor has",
    "ignored-stride": "the windows were taken one place after the other; right is to spread the upstream gradient "
    "apart by the stride",
    "ignored-padding": "it was computed as though there were no padding; right is to count from the padding's edge, "
    "and to cut it off at the end",
    "overwritten-overlap": "what overlapping windows give was overwritten; right is to add it up",
    "pool-spread": "a maximum's gradient was spread over its window or its ties; right is to give all of it to the "
    "first largest number",
    "missing-bias-sum": "only one position or one row was taken; right is to add up all of them",
    "mean-for-sum": "an average was taken; right is the sum",
    "sum-for-mean": "a sum was taken; right is the average",
    "missing-path": "a path to the loss was left out (a user, a channel, a sample); right is to add up all of them",
    "constant-factor": "every number is {factor} times the right one",
    "wrong-sign": "the sign is the opposite of the right one",
}

CODES = tuple(_WORDS)
"""All codes; of those that fit equally well the earlier one is the likelier one."""


@dataclass(frozen=True)
class Mistake:
    """A mistake that reproduces the wrong numbers: `at` is the layer where it was made, if that is known."""

    code: str
    factor: float | None = None
    at: str | None = None

    def as_json(self) -> dict[str, Any]:
        """`{code, factor?, at?}`."""
        known = {"factor": self.factor, "at": self.at}
        return {"code": self.code, **{key: value for key, value in known.items() if value is not None}}

    @property
    def name(self) -> str:
        """The code, and where it was made."""
        return f"{self.code} at {self.at}" if self.at else self.code

    def sentence(self) -> str:
        """What was done and what is right."""
        words = _WORDS[self.code].format(factor=None if self.factor is None else short(self.factor))
        return f"{self.name}: {words}"
