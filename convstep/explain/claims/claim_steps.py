"""A typed formula worked out on paper: what each of its parentheses comes to, before the result."""

from __future__ import annotations

from convstep.explain.language.evaluation import Read, evaluate
from convstep.explain.language.nodes import Chain, Constant, Negative, Node
from convstep.explain.numbers import short
from convstep.explain.sentences import signed

_WRITTEN = {"*": " · ", "/": " / ", "+": " + ", "-": " - "}


def worked(node: Node, read: Read) -> str:
    """`12 · 2 · 6` for `(…) · (…) · 2 · (…)`: the value of each factor, or of each term of a sum.

    A bare number belongs to the parenthesis after it. "" where there is nothing between formula and result, or
    where a part is a tensor of several numbers. Raises ExpressionError as `evaluate` does.
    """
    if isinstance(node, Negative):
        inner = worked(node.of, read)
        return f"-({inner})" if inner else ""
    if not isinstance(node, Chain):
        return ""
    parts: list[tuple[str, float]] = []
    held: tuple[str, float] | None = None
    for sign, operand in (("", node.first), *node.rest):
        value = evaluate(operand, read)
        if value.size != 1:
            return ""
        number = value.item()
        if held is not None and sign == "*":
            sign, number = held[0], held[1] * number
        elif held is not None:
            parts.append(held)
        held = (sign, number)
        if not (isinstance(operand, Constant) and sign in ("", "*") and _multiplies(node)):
            parts.append(held)
            held = None
    if held is not None:
        parts.append(held)
    return "".join(_part(sign, number) for sign, number in parts) if len(parts) > 1 else ""


def _multiplies(node: Chain) -> bool:
    return node.rest[0][0] in ("*", "/")


def _part(sign: str, number: float) -> str:
    if sign in ("+", "-") and number < 0:
        return f"{_WRITTEN['-' if sign == '+' else '+']}{short(-number)}"
    return f"{_WRITTEN[sign]}{signed(number)}" if sign else short(number)
