"""GLU: one half of the numbers, let through as far as the sigmoid of the other half says."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from convstep.errors import ArgumentError
from convstep.ops.activation.activation import sigmoid
from convstep.ops.arguments import Integer, dimension, require_floats
from convstep.ops.base import OUTPUT, Array, Call, IntArray, Links, Naming, Operation, Read, Shape, Spec, Term, quiet
from convstep.ops.expression import Apply, Element, Expression, Number, Product, difference
from convstep.ops.lines import Lines


class GLU(Operation):
    """torch.nn.GLU: y = a · sigmoid(b), where a and b are the first and the second half along `dim`."""

    dim: Integer = -1

    def infer_output(self) -> Spec:
        require_floats(self.inputs)
        shape, dtype = self.inputs[0].shape, self.inputs[0].dtype
        if not shape:
            raise ArgumentError("inputs", "takes an input of at least one dimension, not a scalar")
        dim = dimension("dim", self.dim, shape)
        if shape[dim] % 2:
            raise ArgumentError("dim", f"is {self.dim}, of size {shape[dim]}, which has no two equal halves")
        return Spec((*shape[:dim], shape[dim] // 2, *shape[dim + 1 :]), dtype)

    @cached_property
    def _lines(self) -> Lines:
        """The input's lines; an output element at position k reads positions k and k + half."""
        shape = self.inputs[0].shape
        return Lines.along(shape, dimension("dim", self.dim, shape))

    @property
    def _half(self) -> int:
        return self._lines.length // 2

    def _halves(self, x: Array) -> tuple[Array, Array]:
        split = self._lines.split(x)
        return split[:, : self._half], split[:, self._half :]

    # -- the whole tensor

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        a, b = self._halves(operands[0])
        gate = sigmoid(b)
        saved["gate"] = gate
        return (a * gate).reshape(self.output.shape)

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        if not wanted[0]:
            return [None]
        a, _ = self._halves(call.operands[0])
        gate, u = call.saved["gate"], upstream.reshape(a.shape)
        gradient = np.empty(self.inputs[0].shape, upstream.dtype)
        by_a, by_b = self._halves(gradient)
        np.multiply(u, gate, out=by_a)
        # u · (a · (gate · (1 − gate))), from the inside.
        np.subtract(1, gate, out=by_b)
        for factor in (gate, a, u):
            by_b *= factor
        return [gradient]

    # -- one element

    def _pair(self, out: IntArray) -> IntArray:
        """The two input elements behind each output element, (m, 2)."""
        inner, half = self._lines.inner, self._half
        outer, rest = np.divmod(out, half * inner)
        first = outer * 2 * half * inner + rest
        return np.stack([first, first + half * inner], axis=1)

    @quiet
    def _slopes(self, call: Call, out: IntArray) -> Array:
        """∂y/∂a and ∂y/∂b, (m, 2)."""
        a, b = call.operands[0].reshape(-1)[self._pair(out)].T
        gate = sigmoid(b)
        return np.stack([gate, a * (gate * (1 - gate))], axis=1).astype(np.float64)

    def row_grid(self, slot: int) -> Shape:
        return (2,)

    def column_grid(self, slot: int) -> Shape:
        return (1,)

    def row(self, call: Call, slot: int, out: IntArray) -> Links:
        return Links(self._pair(out), self._slopes(call, out))

    def _user(self, into: IntArray) -> tuple[IntArray, IntArray]:
        """The output element that each input element feeds, and in which half it is."""
        width = self._half * self._lines.inner
        outer, rest = np.divmod(into, 2 * width)
        half, place = np.divmod(rest, width)
        return outer * width + place, half

    def column(self, call: Call, slot: int, into: IntArray) -> Links:
        out, half = self._user(into)
        local = np.take_along_axis(self._slopes(call, out), half[:, None], axis=1)
        return Links(out[:, None], local)

    def _elements(self, out: int) -> tuple[Element, Element]:
        a, b = self._pair(np.array([out]))[0]
        return Element(0, int(a)), Element(0, int(b))

    def derivative(self, call: Call, slot: int, out: int, into: int, partner: int) -> Expression:
        a, b = self._elements(out)
        gate = Apply("sigmoid", (b,))
        if into == a.index:
            return gate
        return Product((a, gate, difference(Number(1.0), gate))) if into == b.index else Number(0.0)

    def term_count(self) -> int:
        return 2

    @quiet
    def terms(self, call: Call, out: int) -> Sequence[Term]:
        a, b = (Read(0, e.index, call.value(0, e.index)) for e in self._elements(out))
        gate = float(sigmoid(np.array([b.value]))[0])
        y = a.value * gate
        return [
            Term((b,), gate, does="sigmoid(b), the gate"),
            Term((a, Read("gate", out, gate)), y, does="a · gate", holds=y),
        ]

    def formula(self, call: Call, out: int) -> Expression:
        a, b = self._elements(out)
        return Product((a, Apply("sigmoid", (b,))))

    # -- in words

    def tell(self, naming: Naming) -> str:
        dim = dimension("dim", self.dim, self.inputs[0].shape)
        return (
            f"multiplies the first half of {naming.tensor(0)} along dimension {dim} with the sigmoid of the second half"
        )

    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        a, b = (naming.element(0, e.index) for e in self._elements(out))
        return f"is {a} × sigmoid({b})"

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        a, b = self._elements(out)
        here = f"{naming.element(0, into)} = {naming.number(call.value(0, into))}"
        made = naming.element(OUTPUT, out)
        if into == a.index:
            return f"{here} went through the gate sigmoid({naming.element(0, b.index)}) when {made} was made"
        return f"{here} opens the gate through which {naming.element(0, a.index)} went when {made} was made"
