"""An update as a few assignments, one after the other: one rule gives the numbers, the words and the formula."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache, reduce
from typing import Any, ClassVar, NamedTuple

import numpy as np

from convstep.ops.arguments import constant
from convstep.ops.base import Array, Read, Term, quiet
from convstep.ops.expression import (
    Apply,
    Element,
    Expression,
    Named,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    with_parts,
)
from convstep.ops.optim.optimizers import GRADIENT, PARAMETER, STATE, Optimizer, Update
from convstep.ops.rendering import Style, render

_BLOCK = 2**16
"""So many elements of a parameter are updated at a time."""


class Assignment(NamedTuple):
    """`writes` ← `rule`, an expression in names (`Stepwise.name`); `does` where words say more than the rule."""

    writes: str
    rule: Expression
    does: str = ""


class Stepwise(Optimizer):
    """An optimizer whose update is a list of assignments to names: w, g, the state's and `temporaries`."""

    temporaries: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def assignments(self, step: int, first: bool) -> list[Assignment]:
        """The update, as many assignments at every step; the last one gives the new w. `first`: there is no state."""

    def initial(self, name: str) -> float:
        """What a part of the state holds before the first step."""
        return 0.0

    def name(self, name: str) -> Element:
        """A name as an expression: w, g, a part of the state or a temporary."""
        return Element(self._names.index(name), 0)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return ("w", "g", *self.state_names, *self.temporaries)

    # -- what follows from these

    def update(
        self, step: int, parameter: Array, gradient: Array, state: Mapping[str, Array], spent: bool = False
    ) -> tuple[Array, dict[str, Array]]:
        if parameter.size <= _BLOCK:
            return self._updated(step, parameter, gradient, state)
        # Block by block, what is made on the way takes no memory.
        new = np.empty(parameter.shape, parameter.dtype)
        new_state = dict(state) if spent and state else {name: np.empty_like(new) for name in self.state_names}
        for start in range(0, parameter.size, _BLOCK):
            old = {name: _part(tensor, start) for name, tensor in state.items()}
            w, parts = self._updated(step, _part(parameter, start), _part(gradient, start), old)
            _part(new, start)[...] = w
            for name, part in parts.items():
                _part(new_state[name], start)[...] = part
        return new, new_state

    @quiet
    def _updated(
        self, step: int, parameter: Array, gradient: Array, state: Mapping[str, Array]
    ) -> tuple[Array, dict[str, Array]]:
        names = self._names
        values = self._start(parameter, gradient, state)
        for each in _assignments(self, step, not state):
            values[each.writes] = compute(each.rule, lambda e: values[names[e.slot]])
        return values["w"], {name: values[name] for name in self.state_names}

    def _start(self, parameter: Array, gradient: Array, state: Mapping[str, Array]) -> dict[str, Array]:
        fresh = {} if state else {name: np.full_like(parameter, self.initial(name)) for name in self.state_names}
        return {"w": parameter, "g": gradient, **state, **fresh}

    def term_count(self) -> int:
        return len(self.assignments(1, True))

    @quiet
    def terms(self, update: Update, index: int) -> Sequence[Term]:
        names, state = self._names, {name: _one(array, index) for name, array in update.state.items()}
        values = self._start(_one(update.parameter, index), _one(update.gradient, index), state)
        slots = [PARAMETER, GRADIENT, *range(STATE, STATE + len(self.state_names))]
        known = {
            name: Read(slot if name in ("w", "g") or state else name, index, float(values[name][0]))
            for name, slot in zip(names, slots, strict=False)
        }
        terms = []
        steps = self.assignments(update.step, not update.state)
        for each in steps:
            values[each.writes] = np.asarray(compute(each.rule, lambda e: values[names[e.slot]]))
            result = float(values[each.writes][0])
            reads = tuple(known[names[slot]] for slot in dict.fromkeys(e.slot for e in elements(each.rule)))
            last = each is steps[-1]
            terms.append(Term(reads, result, does=self._does(each, last), holds=result if last else None))
            known[each.writes] = Read(each.writes, index, result)
        return terms

    def _does(self, each: Assignment, last: bool) -> str:
        style = Style(element=lambda e: self._names[e.slot], number=constant)
        text = each.does or render(each.rule, style).replace("-", "−").replace("e−", "e-")
        return text if last else f"{each.writes} ← {text}"

    def formula(self, update: Update, index: int) -> Expression:
        names = self._names
        known: dict[str, Expression] = {"w": Element(PARAMETER, index), "g": Element(GRADIENT, index)}
        for k, name in enumerate(self.state_names):
            known[name] = Element(STATE + k, index) if update.state else Number(self.initial(name))
        for each in self.assignments(update.step, not update.state):
            known[each.writes] = substitute(each.rule, lambda e: known[names[e.slot]])
        return known["w"]


@lru_cache(maxsize=4)
def _assignments(optimizer: Stepwise, step: int, first: bool) -> list[Assignment]:
    """Those of a step, which are the same for every parameter."""
    return optimizer.assignments(step, first)


def _part(array: Array, start: int) -> Array:
    return array.reshape(-1)[start : start + _BLOCK]


def _one(array: Array, index: int) -> Array:
    return array.reshape(-1)[index : index + 1]


def _added(total: Any, own: bool, part: Expression, value: Callable[[Element], Array]) -> Any:
    """The sum with one more part, written over an array that nobody else holds where there is one."""
    # Subtracting takes one pass less than adding what was turned round.
    of = part.of if isinstance(part, Negative) else part
    other = compute(of, value)
    combine = np.subtract if isinstance(part, Negative) else np.add
    if own and isinstance(total, np.ndarray):
        return combine(total, other, out=total)
    if not isinstance(of, Element) and isinstance(other, np.ndarray):
        return combine(total, other, out=other)
    return combine(total, other)


def compute(expression: Expression, value: Callable[[Element], Array]) -> Any:
    """The numbers that an expression of whole arrays stands for, in their dtype."""
    match expression:
        case Element():
            return value(expression)
        case Number(number) | Named(_, number):
            return number
        case Sum(count, term):
            first = term(0)
            total, own = compute(first, value), not isinstance(first, Element)
            for k in range(1, count):
                total = _added(total, own, term(k), value)
                own = True
            return total
        case Product(factors):
            return reduce(np.multiply, [compute(factor, value) for factor in factors])
        case Quotient(over, under):
            return compute(over, value) / compute(under, value)
        case Power(base, exponent):
            return compute(base, value) ** exponent
        case Negative(of):
            return -compute(of, value)
        case Apply(function, arguments):
            known: dict[str, Callable[..., Any]] = {"sqrt": np.sqrt, "max": np.maximum}
            return known[function](*(compute(a, value) for a in arguments))


def substitute(expression: Expression, value: Callable[[Element], Expression]) -> Expression:
    """The expression with other expressions in the place of its elements."""
    if isinstance(expression, Element):
        return value(expression)
    return with_parts(expression, lambda part: substitute(part, value))


def elements(expression: Expression) -> Iterator[Element]:
    """The elements of an expression, from left to right."""
    match expression:
        case Element():
            yield expression
        case Sum(count, term):
            for k in range(count):
                yield from elements(term(k))
        case Product(parts) | Apply(_, parts):
            for part in parts:
                yield from elements(part)
        case Quotient(over, under):
            yield from elements(over)
            yield from elements(under)
        case Power(of, _) | Negative(of):
            yield from elements(of)
