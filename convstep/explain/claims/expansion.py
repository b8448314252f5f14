"""Gradients and typed expressions as polynomials in the elements of the network, so that they can be compared.

The gradient of an element is Σ local × upstream over all its uses. Upstream gradients are expanded the same way,
down to the loss, or to those that are to stay symbols because a claim speaks of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from convstep.engine.recording import Recording
from convstep.engine.state import split_name
from convstep.engine.sums import collect
from convstep.engine.timeline import Step
from convstep.explain.claims.polynomial import (
    Atom,
    Polynomial,
    Terms,
    TooManyTerms,
    atom,
    constant,
    element,
    function,
    substitute,
)
from convstep.explain.language import nodes
from convstep.ops import expression as formulas
from convstep.ops.base import Shape

_MOST_ELEMENTS = 1000
_MOST_TERMS = 2000
_MOST_WORK = 100_000
"""Sums of polynomials in typed expressions, products of two terms in gradients."""
_DEEPEST = 100
_LONGEST_KEPT = 6

Polynomials = npt.NDArray[Any]
"""An array whose elements are polynomials."""


class Expansion:
    """Polynomials of one recorded iteration. Tensors and gradients whose keys are in `symbols` are not expanded."""

    def __init__(self, recording: Recording, symbols: frozenset[str] = frozenset()) -> None:
        self.recording, self.symbols = recording, symbols
        self.iteration = recording.iteration(0)
        self.nodes = {node.name: node for node in recording.graph.nodes}
        self.kept: set[Terms] = set()
        """Sums that local derivatives have as factors; they stay together, in typed expressions too."""
        self.has_constants = False
        """Whether numbers on the way, such as a mean, were taken for constants: so it is for these numbers only."""
        self._gradients: dict[tuple[str, int], Polynomial] = {}
        self._values: dict[tuple[str, int], Polynomial] = {}
        self._depth = 0
        self._work = 0

    # -- the true gradient

    def gradient(self, tensor: str, index: int) -> Polynomial:
        """The derivative of the loss by one element, which itself is expanded at any rate."""
        if (tensor, index) not in self._gradients:
            self._gradients[tensor, index] = self._deeper(self._gradient, tensor, index)
        return self._gradients[tensor, index]

    def _gradient(self, tensor: str, index: int) -> Polynomial:
        seed = self.iteration.seeds.get(tensor)
        total = Polynomial() if seed is None else constant(float(seed.reshape(-1)[index]))
        for k in self.recording.timeline.writers(f"grad({tensor})"):
            total = reduce(Polynomial.__add__, self.terms(self.recording.timeline.steps[k], index).values(), total)
        return total

    def terms(self, step: Step, index: int) -> dict[int, Polynomial]:
        """What one backward step gives to an element: local × upstream by the term's number, empty ones left out."""
        collected = collect(step, self.iteration, np.array([index]))
        links, call = collected.links, self.iteration.calls[step.layer]
        assert step.node is not None
        full = np.flatnonzero(links.met[0])
        if len(full) > _MOST_TERMS:
            raise TooManyTerms
        terms = {}
        for k in full:
            out = int(links.index[0, k])
            partner = -1 if links.partner is None else int(links.partner[0, k])
            local = step.node.op.derivative(call, step.slot, out, index, partner)
            if isinstance(local, formulas.Number):
                local = formulas.Number(float(links.local[0, k]))
            upstream = element(f"grad({step.layer})", out)
            if f"grad({step.layer})" not in self.symbols:
                upstream = self.gradient(step.layer, out)
            factor = self._formula(local, step.layer, keep=True)
            self._count(len(factor.terms) * len(upstream.terms))
            terms[int(k)] = factor * upstream
        return terms

    def _count(self, work: int) -> None:
        self._work += work
        if self._work > _MOST_WORK:
            raise TooManyTerms

    # -- forward

    def value(self, tensor: str, index: int) -> Polynomial:
        """An element of a layer output, expanded down to inputs and parameters; those are themselves."""
        if tensor not in self.nodes or tensor in self.symbols:
            return element(tensor, index)
        if (tensor, index) not in self._values:
            self._values[tensor, index] = self._deeper(self._value, tensor, index)
        return self._values[tensor, index]

    def _value(self, tensor: str, index: int) -> Polynomial:
        rule = self.nodes[tensor].op.formula(self.iteration.calls[tensor], index)
        return self.to_inputs(self._formula(rule, tensor, keep=False))

    def to_inputs(self, polynomial: Polynomial) -> Polynomial:
        """The same with layer outputs and gradients expanded, in inputs and parameters alone."""

        def replace(of: Atom) -> Polynomial | None:
            kind, key, index = of
            if kind != "element" or not isinstance(index, int):
                return None
            what, tensor = split_name(key)
            if what == "grad":
                return self.to_inputs(self.gradient(tensor, index))
            return self.value(tensor, index) if tensor in self.nodes and tensor not in self.symbols else None

        return substitute(polynomial, replace)

    def _deeper(self, rule: Callable[[str, int], Polynomial], tensor: str, index: int) -> Polynomial:
        if self._depth >= _DEEPEST:
            raise TooManyTerms
        self._depth += 1
        try:
            return rule(tensor, index)
        finally:
            self._depth -= 1

    # -- formulas of operations

    def _formula(self, formula: formulas.Expression, layer: str, keep: bool) -> Polynomial:
        """An operation's formula; with `keep`, short sums in it stay together."""

        def expand(part: formulas.Expression) -> Polynomial:
            match part:
                case formulas.Number(value):
                    return constant(value)
                case formulas.Named(_, value):
                    self.has_constants = True
                    return constant(value)
                case formulas.Element(slot, index):
                    return element(self.nodes[layer].tensor(slot), index)
                case formulas.Sum(count, term):
                    if count > _MOST_TERMS:
                        raise TooManyTerms
                    total = reduce(Polynomial.__add__, (expand(term(k)) for k in range(count)), Polynomial())
                    if keep and 1 < len(total.terms) <= _LONGEST_KEPT:
                        self.kept.add(total.primitive()[0].key())
                    return self.together(total)
                case formulas.Product(factors):
                    return reduce(Polynomial.__mul__, map(expand, factors), constant(1.0))
                case formulas.Quotient(over, under):
                    return expand(over) * _reciprocal(expand(under))
                case formulas.Power(base, exponent):
                    return _power(expand(base), exponent)
                case formulas.Negative(of):
                    return -expand(of)
                case formulas.Apply(name, arguments):
                    return function(name, *map(expand, arguments))

        return expand(formula)

    def together(self, polynomial: Polynomial) -> Polynomial:
        """A sum that is to be kept becomes one atom, times its first coefficient."""
        if not self.kept or len(polynomial.terms) < 2:
            return polynomial
        unit, content = polynomial.primitive()
        return atom(("sum", "", unit.key())).times(content) if unit.key() in self.kept else polynomial

    # -- typed expressions

    def typed(self, node: nodes.Node) -> Polynomials:
        """A typed expression, a polynomial for each element of its value."""
        match node:
            case nodes.Constant(_, value):
                return _one(constant(value))
            case nodes.Reference(_, key, index):
                if index is not None:
                    return _one(element(key, index))
                return self._tensor(key)
            case nodes.Chain(_, first, rest):
                return self._chain(first, rest)
            case nodes.Power(_, base, exponent):
                powers = self.typed(exponent)
                number = powers.item().number if powers.shape == () else None
                if number is None or number != int(number):
                    return self._each(lambda x, y: function("pow", x, y), self.typed(base), powers)
                return self._each(lambda x: _power(self.together(x), int(number)), self.typed(base))
            case nodes.Negative(_, of):
                return self._each(Polynomial.__neg__, self.typed(of))
            case nodes.Apply(_, name, arguments):
                values = [self.typed(argument) for argument in arguments]
                if name == "sum":
                    return _one(reduce(Polynomial.__add__, values[0].reshape(-1).tolist(), Polynomial()))
                if name == "max" and len(values) == 1:
                    return _one(function(name, *values[0].reshape(-1).tolist()))
                return self._each(lambda *x: function(name, *x), *values)
            case _:
                raise nodes.ExpressionError(node.column, "this belongs to a condition, and is no number")

    def _chain(self, first: nodes.Node, rest: tuple[tuple[str, nodes.Node], ...]) -> Polynomials:
        total = self.typed(first)
        for sign, operand in rest:
            value = self.typed(operand)
            match sign:
                case "+":
                    total = self._each(Polynomial.__add__, total, value)
                case "-":
                    total = self._each(Polynomial.__sub__, total, value)
                case "*":
                    total = self._each(lambda x, y: self.together(x) * self.together(y), total, value)
                case _:
                    total = self._each(lambda x, y: self.together(x) * _reciprocal(self.together(y)), total, value)
        return total

    def _tensor(self, key: str) -> Polynomials:
        shape = self._shape(key)
        size = prod(shape)
        if size > _MOST_ELEMENTS:
            raise TooManyTerms
        elements = np.empty(size, dtype=object)
        elements[:] = [element(key, k) for k in range(size)]
        return elements.reshape(shape)

    def _each(self, rule: Callable[..., Polynomial], *values: Polynomials) -> Polynomials:
        """The rule for every element, broadcast."""
        shape = np.broadcast_shapes(*(value.shape for value in values))
        self._count(prod(shape))
        spread = [np.broadcast_to(value, shape).reshape(-1) for value in values]
        result = np.empty(prod(shape), dtype=object)
        result[:] = [rule(*row) for row in zip(*spread, strict=True)]
        return result.reshape(shape)

    def _shape(self, key: str) -> Shape:
        return self.iteration.values[split_name(key)[1]].shape


def _one(polynomial: Polynomial) -> Polynomials:
    array = np.empty((), dtype=object)
    array[()] = polynomial
    return array


def _reciprocal(polynomial: Polynomial) -> Polynomial:
    if not polynomial.terms:
        raise TooManyTerms  # 1/0 has no expansion
    return polynomial.reciprocal()


def _power(base: Polynomial, exponent: int) -> Polynomial:
    if exponent < 0 and not base.terms:
        raise TooManyTerms
    return base.power(exponent)
