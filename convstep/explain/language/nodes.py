"""What a typed expression is made of, and what can be asked about any of it.

Every node knows the column, from 1, where a mistake in it would be shown; two that say the same are equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from convstep.errors import ConvstepError
from convstep.network.words import printable


class ExpressionError(ConvstepError):
    """An expression that cannot be read or has no number. `column` counts from 1."""

    def __init__(self, column: int, message: str) -> None:
        super().__init__(printable(f"column {column}: {message}"))
        self.column = column


@dataclass(frozen=True)
class Constant:
    column: int = field(compare=False)
    value: float


@dataclass(frozen=True)
class Reference:
    """A tensor (`key` as `State.read` takes it), or one element of it."""

    column: int = field(compare=False)
    key: str
    index: int | None


@dataclass(frozen=True)
class Chain:
    """Operands of one precedence, left to right: `first`, then pairs of `+ -` or `* /` and an operand."""

    column: int = field(compare=False)
    first: Node
    rest: tuple[tuple[str, Node], ...]


@dataclass(frozen=True)
class Power:
    column: int = field(compare=False)
    base: Node
    exponent: Node


@dataclass(frozen=True)
class Negative:
    column: int = field(compare=False)
    of: Node


@dataclass(frozen=True)
class Apply:
    column: int = field(compare=False)
    function: str
    arguments: tuple[Node, ...]


# -- conditions only


@dataclass(frozen=True)
class Here:
    """A word for where one is: `iteration`, `sum`, `index[1]`, or with text `phase`, `layer`, `op`, `level`."""

    column: int = field(compare=False)
    word: str


@dataclass(frozen=True)
class Before:
    """`prev(x)`: what x was in the iteration before."""

    column: int = field(compare=False)
    of: Node


@dataclass(frozen=True)
class Text:
    column: int = field(compare=False)
    value: str


@dataclass(frozen=True)
class Compare:
    """`sign` is one of `< <= > >= == !=`."""

    column: int = field(compare=False)
    sign: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Test:
    """`isnan(x)`, `isinf(x)`, `isfinite(x)`."""

    column: int = field(compare=False)
    function: str
    of: Node


@dataclass(frozen=True)
class Logic:
    """`and` or `or` (`word`) between two or more parts."""

    column: int = field(compare=False)
    word: str
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    column: int = field(compare=False)
    of: Node


@dataclass(frozen=True)
class Quantified:
    """`any(…)` or `all(…)` (`word`) of a condition, element by element."""

    column: int = field(compare=False)
    word: str
    of: Node


Node = (
    Constant
    | Reference
    | Chain
    | Power
    | Negative
    | Apply
    | Here
    | Before
    | Text
    | Compare
    | Test
    | Logic
    | Not
    | Quantified
)


def parts(node: Node) -> tuple[Node, ...]:
    """The nodes directly inside a node, from left to right."""
    match node:
        case Chain(_, first, rest):
            return (first, *(operand for _, operand in rest))
        case Power(_, base, exponent):
            return (base, exponent)
        case Apply(_, _, inside) | Logic(_, _, inside):
            return inside
        case Compare(_, _, left, right):
            return (left, right)
        case Negative(_, of) | Before(_, of) | Not(_, of) | Test(_, _, of) | Quantified(_, _, of):
            return (of,)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """A node and all inside it."""
    yield node
    for part in parts(node):
        yield from walk(part)


def references(node: Node) -> set[str]:
    """The keys of all tensors in an expression."""
    return {each.key for each in walk(node) if isinstance(each, Reference)}
