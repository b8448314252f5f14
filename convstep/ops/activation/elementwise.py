"""What all functions of one number have in common: y = f(x), element by element."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from convstep.ops.arguments import require_floats
from convstep.ops.base import OUTPUT, Array, Call, IntArray, Links, Naming, Operation, Read, Shape, Spec, Term, quiet
from convstep.ops.blocks import in_blocks
from convstep.ops.expression import Apply, Element, Expression, Number
from convstep.ops.rendering import Style, render


class Elementwise(Operation):
    """An operation that applies one function to every element.

    A subclass is one short block: its name `function`, `apply`, `slope`, both as expressions (`written`,
    `slope_expression`), and the words `effect` and, where there is more to say, `tell_slope`.
    """

    function: ClassVar[str]
    effect: ClassVar[str]
    """What happens to the input: "squashes every number of {} into 0 … 1"; {self.alpha} is an argument."""

    large: ClassVar[int] = 2**22
    """The bytes from which on a tensor is worked on block by block: fewer where there are many passes."""

    kinks: ClassVar[tuple[float, ...]] = ()
    """Where there is no derivative, and torch takes one."""

    @abstractmethod
    def apply(self, x: Array) -> Array:
        """The function of every element, in the dtype of x."""

    @abstractmethod
    def slope(self, x: Array, y: Array) -> Array:
        """The derivative at x, where the function is y."""

    def pulled(self, upstream: Array, x: Array, y: Array) -> Array:
        """What comes back of the upstream gradient."""
        pulled: Array = upstream * self.slope(x, y)
        return pulled

    def written(self, x: Element, at: float) -> Expression:
        """The function at the element x, whose number is `at`; by default the one of this name in `FUNCTIONS`."""
        return Apply(self.function, (x,))

    @abstractmethod
    def slope_expression(self, x: Element, y: Element, at: float) -> Expression:
        """The derivative at the element x, whose number is `at`."""

    def tell_slope(self, x: str, y: str, at: float, naming: Naming) -> str:
        """How y reacts to x, given as "z[3] = 2" and "a1[3]"."""
        return f"{y} is the {self.function} of {x}, whose slope there is {naming.number(self.slope_at(at))}"

    @quiet
    def slope_at(self, at: float) -> float:
        """The derivative at one number."""
        x = np.array([at])
        return float(self.slope(x, self.apply(x))[0])

    # -- what follows from these

    def infer_output(self) -> Spec:
        require_floats(self.inputs)
        return self.inputs[0]

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        return in_blocks(self.apply, self.large, operands[0])

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        return [in_blocks(self.pulled, self.large, upstream, call.operands[0], call.output) if wanted[0] else None]

    def row_grid(self, slot: int) -> Shape:
        return (1,)

    def column_grid(self, slot: int) -> Shape:
        return (1,)

    @quiet
    def row(self, call: Call, slot: int, out: IntArray) -> Links:
        # In the tensors' own dtype, as `vjp` has it: 1 − y² of a single-precision y near 1 has few digits.
        x, y = (tensor.reshape(-1)[out] for tensor in (call.operands[0], call.output))
        return Links(out[:, None], self.slope(x, y)[:, None].astype(np.float64))

    def column(self, call: Call, slot: int, into: IntArray) -> Links:
        return self.row(call, slot, into)

    def derivative(self, call: Call, slot: int, out: int, into: int, partner: int) -> Expression:
        return self.slope_expression(Element(0, into), Element(OUTPUT, out), call.value(0, into))

    def at_kink(self, call: Call, slot: int, out: IntArray, into: IntArray) -> npt.NDArray[np.bool_]:
        return np.isin(call.operands[0].reshape(-1)[into], self.kinks)

    def term_count(self) -> int:
        return 1

    def terms(self, call: Call, out: int) -> Sequence[Term]:
        x, result = call.value(0, out), call.value(OUTPUT, out)
        name, rule = f"{self.function}(x)", self.written(Element(0, out), x)
        text = render(rule, Style(element=lambda e: "x", number=lambda number: f"{number:.6g}"))
        does = name if text == name or isinstance(rule, Number) else f"{name} = {text}"
        return [Term((Read(0, out, x),), result, does=does, holds=result)]

    def formula(self, call: Call, out: int) -> Expression:
        return self.written(Element(0, out), call.value(0, out))

    def tell(self, naming: Naming) -> str:
        return self.effect.format(naming.tensor(0), self=self)

    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        return f"is {self.function}({naming.element(0, out)}) = {self.function}({naming.number(call.value(0, out))})"

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        at = call.value(0, into)
        x = f"{naming.element(0, into)} = {naming.number(at)}"
        return self.tell_slope(x, naming.element(OUTPUT, out), at, naming)
