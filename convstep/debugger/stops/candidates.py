"""Within which elements a condition on what is inside of operations might hold, found without looking at most terms.

What is known of an element at once is an interval for each word: how far its sum can go, how large a product can be.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from convstep.debugger.stops.along import Along
from convstep.debugger.stops.inside import Inside
from convstep.debugger.stops.intervals import SLACK, Interval, Question, hull, joined, times
from convstep.debugger.stops.near import Near
from convstep.debugger.stops.needles import needles
from convstep.debugger.stops.truth import Bools, Truth
from convstep.engine.sums import Floats
from convstep.explain.language.kinds import inside
from convstep.ops.base import OUTPUT, Array, Call, IntArray
from convstep.ops.bounded import Bounded
from convstep.ops.factors import Factors
from convstep.ops.products import ProductSum

_FEW = 2**22
"""So many terms are rather looked at than thought about closely."""
_LARGE = 1e15
"""Beyond this, single precision may have no room for what numbers come to."""
_ROOT = 8
"""The largest of n numbers is at most the root of the sum of their powers, and that is at most n^(1/8) times it."""


def candidates(truth: Truth, there: Inside, elements: IntArray, whole: bool) -> IntArray:
    """Those of some elements of an operation within which a condition may hold.

    `whole`: only what is known of each as a whole counts.
    """
    if len(elements) < 2:
        return elements
    search = _Search(truth, there, whole)
    if not search.anywhere():
        return elements[:0]
    elements = search.exact(elements)
    if "sum" in search.words and isinstance(search.operation, Bounded):
        elements = search.by_sums(elements)
    if not whole and search.words & {"product", "factors[0]", "factors[1]", "local", "upstream"}:
        elements = search.by_products(elements)
    return elements


def sources_of(truth: Truth, there: Inside, sources: IntArray) -> IntArray:
    """In scatter order: those of some upstream elements among whose shares a condition may hold."""
    search = _Search(truth, there, False)
    return search.sources(sources) if search.anywhere() else sources[:0]


class _Search:
    """A condition in one operation, and what is known of its words."""

    def __init__(self, truth: Truth, there: Inside, whole: bool) -> None:
        self.truth, self.there, self.whole = truth, there, whole
        self.words = inside(truth.node)
        self.step, self.iteration = there.step, there.iteration
        self.operation = None if self.step.node is None else self.step.node.op
        self.question = Question(truth, truth.windows(*truth.clock.span(there.k)))
        self.here: dict[str, Interval] = {}
        """Of the words in the condition: one interval for all elements."""

    @property
    def call(self) -> Call:
        return self.iteration.calls[self.step.layer]

    @property
    def upstream(self) -> Array:
        return self.iteration.grads.get(self.step.layer, np.zeros(0))

    def may(self, **here: Interval) -> Bools:
        """Whether it may hold with these intervals for the words that are in it, and what is known of the others."""
        return self.question.may_hold(self.here | {word: each for word, each in here.items() if word in self.words})

    def anywhere(self) -> bool:
        """Whether it may hold in the operation at all, as far as its largest and least numbers tell."""
        self.truth.clock.check()
        if not self.whole:
            most = max(self.step.terms.values())
            wide = {"term": Interval(np.zeros(1), np.full(1, most - 1.0))} | self._wide()
            self.here = {word: each for word, each in wide.items() if word in self.words}
        return bool(self.may()[0])

    def _wide(self) -> dict[str, Interval]:
        if isinstance(self.operation, ProductSum):
            one, two = self._factors()
            first, second, product = hull(one), hull(two), times(hull(one), hull(two))
            if self.step.is_backward:
                return {"local": first, "upstream": second, "product": product}
            biases = [hull(bias) for bias in self.call.operands[2:]]
            return {"product": joined(product, *biases), "factors[0]": joined(first, *biases), "factors[1]": second}
        return {"upstream": hull(self.upstream)} if self.step.is_backward else {}

    def _factors(self) -> tuple[Array, Array]:
        """The two tensors whose elements meet in products; for a bias there are only ones."""
        slot, operands = self.step.slot, self.call.operands
        if slot == OUTPUT:
            return operands[0], operands[1]
        return (np.ones(1) if slot == 2 else operands[1 - slot]), self.upstream

    def exact(self, elements: IntArray) -> IntArray:
        """Those whose index and value, each a single number, leave it possible."""
        known = {}
        for word, told in self.there.indices(elements, self.words).items():
            known[word] = Interval(*(np.where(told.there, told.values, end) for end in (-np.inf, np.inf)))
        if "value" in self.words:
            known["value"] = Interval(self.there.values[elements], self.there.values[elements])
        return elements[np.broadcast_to(self.may(**known), elements.shape)] if known else elements

    # -- by running sums

    def by_sums(self, elements: IntArray) -> IntArray:
        """Those whose sums may go far enough."""
        operation, step = self.operation, self.step
        assert isinstance(operation, Bounded)
        terms = step.terms["gather"]
        if isinstance(operation, ProductSum):
            # What no sum of the whole operation can reach is seen from its largest factors.
            with np.errstate(all="ignore"):
                if not self._within(terms * operation.largest_product(self.call, step.slot, self.upstream)):
                    return elements[:0]
        bound = operation.reach(self.call, step.slot, self.upstream)
        if bound is None:
            return elements
        self.truth.clock.check()
        precision = np.finfo(bound.dtype)
        rate = 4 * terms * float(precision.eps)
        largest = float(bound.max()) * (1 + rate) + float(precision.tiny)
        if not self._within(largest):
            return elements[:0]
        most = bound.reshape(-1).astype(np.float64)
        rounding = most * rate + float(precision.tiny)
        low, high = -most - rounding, most + rounding
        sums = self._whole_sums()
        if sums is not None and self.whole:
            low, high = sums - rounding, sums + rounding
        elif sums is not None:
            # It goes up by its positive products, and down by its negative ones.
            low, high = (sums - most) / 2 - rounding, (sums + most) / 2 + rounding
        left = elements[self.may(sum=Interval(low[elements], high[elements]))]
        self.truth.clock.check()
        if self.whole or len(left) * terms < _FEW:
            return left
        return self._by_single_sums(left, largest)

    def _by_single_sums(self, elements: IntArray, most: float) -> IntArray:
        """Those with a running sum, of at most a magnitude, for which it may hold."""
        operation, step, check = self.operation, self.step, self.truth.clock.check
        assert isinstance(operation, Bounded)
        if not most < _LARGE:
            return elements
        room = 8 * step.terms["gather"] * float(np.finfo(np.float64).eps) * most
        factors = self._as_matrices()
        courses = operation.courses(self.call, step.slot, self.upstream, elements)
        if factors is None and courses is None:
            return elements
        wanted = self._wanted(elements)
        found = needles(lambda sums: self.may(sum=sums), most * (1 + SLACK) + room)
        if not found:
            return elements[:0]
        if factors is not None:
            return Near(factors, found, room, wanted, check).elements()
        assert courses is not None
        left = []
        for course in courses:
            check()
            left.append(Along(course.only(wanted), found, room, check).elements())
        return np.sort(np.concatenate([elements[:0], *left]))

    def _within(self, bound: float) -> bool:
        """Whether it may hold with a sum of at most this magnitude."""
        bound = bound * (1 + SLACK)
        return bool(self.may(sum=Interval(np.array([-bound]), np.array([bound])))[0])

    def _whole_sums(self) -> Floats | None:
        """The whole sum of each element, to within rounding, as it was recorded."""
        if self.step.is_backward:
            return self.iteration.given[self.there.k].reshape(-1).astype(np.float64)
        if isinstance(self.operation, ProductSum):
            return self.iteration.values[self.step.layer].reshape(-1).astype(np.float64)
        return None

    # -- by single products

    def by_products(self, elements: IntArray) -> IntArray:
        """Those in which factors meet that may make it hold."""
        step, operation = self.step, self.operation
        if len(elements) * step.terms["gather"] < _FEW:
            return elements
        if not isinstance(operation, ProductSum):
            return self._spanned(elements, sources=False)
        if self._holds_where_empty():
            return elements
        marks = self._marks()
        met = operation.combined(self.call, step.slot, *marks).reshape(-1)
        self.truth.clock.check()
        elements = elements[met[elements] > 0]
        if "product" not in self.words or len(elements) * step.terms["gather"] < _FEW:
            return elements
        largest = self._largest_products(operation, marks)
        if largest is not None:
            elements = elements[self.may(product=Interval(-largest[elements], largest[elements]))]
        return self._by_single_products(operation, elements)

    def _by_single_products(self, operation: ProductSum, elements: IntArray) -> IntArray:
        """Those with a product for which it may hold."""
        step = self.step
        with np.errstate(all="ignore"):
            most = operation.largest_product(self.call, step.slot, self.upstream)
        factors = self._as_matrices()
        if len(elements) * step.terms["gather"] < _FEW or not most < _LARGE or factors is None:
            return elements
        found = needles(lambda products: self.may(product=products), most * (1 + SLACK))
        if not found:
            return elements[:0]
        room = 4 * float(np.finfo(np.float64).eps) * most
        return Near(factors, found, room, self._wanted(elements), self.truth.clock.check, alone=True).elements()

    def _as_matrices(self) -> Factors | None:
        """The terms as products of two matrices, where single precision has room for all factors."""
        if not isinstance(self.operation, ProductSum):
            return None
        ends = [end for factor in map(hull, self._factors()) for end in (-factor.low[0], factor.high[0])]
        return self.operation.factors(self.call, self.step.slot, self.upstream) if max(ends) < _LARGE else None

    def _wanted(self, elements: IntArray) -> Bools:
        wanted = np.zeros(prod(self.step.shape), bool)
        wanted[elements] = True
        return wanted

    def _holds_where_empty(self) -> bool:
        """Whether it may hold at an empty term, which no two factors show."""
        nothing = Interval(np.zeros(1), np.zeros(1))
        return bool(self.may(**{"local": nothing, "factors[0]": nothing, "product": nothing})[0])

    def _marks(self) -> tuple[tuple[Array, ...], Array]:
        """1 for each factor with which it may hold, whatever it meets, and else 0: the operands, and the upstream."""
        one, two = self._factors()
        first, second = ("local", "upstream") if self.step.is_backward else ("factors[0]", "factors[1]")
        marks = [
            self._marked(one, lambda own: {first: own, "product": times(own, hull(two))}),
            self._marked(two, lambda own: {second: own, "product": times(hull(one), own)}),
        ]
        slot, operands = self.step.slot, self.call.operands
        if slot == OUTPUT:
            biases = [self._marked(bias, lambda own: {"product": own, first: own}) for bias in operands[2:]]
            return (*marks, *biases), np.zeros(0)
        return tuple(marks[0] if k == 1 - slot else operand for k, operand in enumerate(operands)), marks[1]

    def _marked(self, factor: Array, told: Callable[[Interval], dict[str, Interval]]) -> Array:
        numbers = factor.reshape(-1).astype(np.float64)
        may = np.broadcast_to(self.may(**told(Interval(numbers, numbers))), numbers.shape)
        return may.astype(factor.dtype).reshape(factor.shape)

    def _largest_products(self, operation: ProductSum, marks: tuple[tuple[Array, ...], Array]) -> Floats | None:
        """No product of marked factors in an element exceeds this in magnitude; None where that cannot be told."""
        with np.errstate(all="ignore"):
            one, two = (float(np.abs(factor).max(initial=0.0)) for factor in self._factors())
            biases = self.call.operands[2:] if self.step.slot == OUTPUT else ()
            most = max([one * two, *(float(np.abs(bias).max(initial=0.0)) for bias in biases)])
            if not (0 < most < np.inf and one * two > 0):
                return None
            scales = [one, two * most / (one * two), most]
            if self.step.is_backward:
                scales = [one, one, most] if self.step.slot != 2 else [1.0, 1.0, 1.0]

            def power(mark: Array, factor: Array, scale: float) -> Array:
                return np.asarray(mark * (np.abs(factor) / factor.dtype.type(scale)) ** _ROOT)

            operands = tuple(map(power, marks[0], self.call.operands, scales))
            upstream = power(marks[1], self.upstream, two) if self.step.is_backward else marks[1]
            total = operation.combined(self.call, self.step.slot, operands, upstream).reshape(-1).astype(np.float64)
        floor = max(self.step.terms.values()) * float(np.finfo(self.call.output.dtype).tiny)
        return most * (1 + 1e-3) * (total + floor) ** (1 / _ROOT)

    def _spanned(self, elements: IntArray, sources: bool) -> IntArray:
        """Those, or those upstream elements, whose local derivatives and products leave it possible."""
        if not isinstance(self.operation, Bounded):
            return elements
        spans = self.operation.spans(self.call, self.step.slot, self.upstream, sources)
        if spans is None:
            return elements
        local, product = (Interval(low.reshape(-1)[elements], high.reshape(-1)[elements]) for low, high in spans)
        return elements[np.broadcast_to(self.may(local=local, product=product), elements.shape)]

    def sources(self, sources: IntArray) -> IntArray:
        """Those upstream elements among whose shares it may hold."""
        given = self.upstream.reshape(-1)[sources].astype(np.float64)
        own = Interval(given, given)
        operation = self.operation
        product = {}
        if isinstance(operation, ProductSum):
            product = {"product": times(hull(self._factors()[0]), own)}
        sources = sources[np.broadcast_to(self.may(upstream=own, **product), sources.shape)]
        if len(sources) * self.step.terms["scatter"] < _FEW:
            return sources
        if not isinstance(operation, ProductSum):
            return self._spanned(sources, sources=True)
        if self.step.slot == 2 or self._holds_where_empty():
            return sources
        marks, _ = self._marks()
        slot = 1 - self.step.slot
        ones = tuple(marks[k] if k == slot else np.full_like(x, k < 2) for k, x in enumerate(self.call.operands))
        met = operation.combined(self.call, OUTPUT, ones, self.upstream).reshape(-1)
        return sources[met[sources] > 0]
