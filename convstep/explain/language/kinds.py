"""Numbers, texts, truths: what kind of value a part of a condition has, of which shape, and what goes together."""

from __future__ import annotations

from math import prod
from typing import Literal

import numpy as np

from convstep.explain.language.evaluation import MOST_ELEMENTS
from convstep.explain.language.nodes import (
    Apply,
    Before,
    Compare,
    ExpressionError,
    Here,
    Logic,
    Node,
    Not,
    Quantified,
    Reference,
    Test,
    Text,
    parts,
    walk,
)
from convstep.explain.language.vocabulary import Vocabulary
from convstep.explain.naming import Names
from convstep.network.words import did_you_mean
from convstep.ops.base import Shape

OF_TERMS = ("sum", "product", "factors", "local", "upstream", "term")
INSIDE = (*OF_TERMS, "value", "index")
"""What there is inside of operations: in their elements, and in the terms of these."""
NUMBERS_HERE = ("iteration", "position", *INSIDE)
TEXTS_HERE = ("phase", "layer", "op", "level")
REDUCTIONS = ("sum", "min", "max", "mean")

Kind = Literal["number", "text", "truth"]


def kind_of(node: Node) -> Kind:
    """Whether a node stands for numbers, for text, or is true or false."""
    match node:
        case Compare() | Test() | Logic() | Not() | Quantified():
            return "truth"
        case Text():
            return "text"
        case Here(_, word):
            return "text" if word in TEXTS_HERE else "number"
        case _:
            return "number"


def uses(node: Node, *words: str) -> bool:
    """Whether one of these words of the position stands in it."""
    return any(isinstance(each, Here) and bare(each.word) in words for each in walk(node))


def inside(node: Node) -> set[str]:
    """The words in it for what there is inside of operations, `index[1]` and `factors[0]` with their numbers."""
    return {each.word for each in walk(node) if isinstance(each, Here) and bare(each.word) in INSIDE}


def bare(word: str) -> str:
    """A word without its number: `index` of `index[1]`."""
    return word.partition("[")[0]


def check(node: Node, words: Vocabulary) -> Kind:
    """The kind of a node whose parts go together. Raises ExpressionError where they do not."""
    kinds = [check(part, words) for part in parts(node)]
    match node:
        case Compare():
            _check_comparison(node, words)
        case Logic() | Not() | Quantified():
            for part, kind in zip(parts(node), kinds, strict=True):
                if kind != "truth":
                    raise ExpressionError(part.column, "a comparison is missing here, such as … > 0")
            if isinstance(node, Quantified):
                _forbid(node.of, f"{node.word}(…)", "tensors", *NUMBERS_HERE[1:], *TEXTS_HERE)
        case _:
            for part, kind in zip(parts(node), kinds, strict=True):
                if kind != "number":
                    what = "a text" if kind == "text" else "a comparison"
                    raise ExpressionError(part.column, f"{what} is no number: nothing can be calculated with it")
            if isinstance(node, Before):
                _forbid(node.of, "prev(…)", "tensors and the loss", *NUMBERS_HERE)
            if isinstance(node, Test):
                _forbid(node.of, f"{node.function}(…)", "tensors, the loss, sum and value", "iteration", "position")
                _check_single(node, (node.of,), words)
    return kind_of(node)


def _forbid(node: Node, inside: str, instead: str, *words: str) -> None:
    for each in walk(node):
        if isinstance(each, Here) and bare(each.word) in words:
            raise ExpressionError(each.column, f"{inside} takes {instead}; {each.word} stands outside of it")


def _check_comparison(node: Compare, words: Vocabulary) -> None:
    texts = [side for side in (node.left, node.right) if kind_of(side) == "text"]
    truths = [side for side in (node.left, node.right) if kind_of(side) == "truth"]
    if truths:
        raise ExpressionError(truths[0].column, "what is true or false is not compared: leave the comparison out")
    if texts:
        _check_text(node, words)
    for side, other in ((node.left, node.right), (node.right, node.left)):
        if uses(side, "position") and (not isinstance(side, Here) or uses(other, "position", *INSIDE)):
            raise ExpressionError(side.column, "position stands alone on one side: position > 100")
    _check_single(node, (node.left, node.right), words)


def _check_single(node: Node, sides: tuple[Node, ...], words: Vocabulary) -> None:
    for word in (*INSIDE, "position"):
        if uses(node, word) and any(shape_of(side, words.names) for side in sides):
            what = f"{word} is one number and goes with one: a tensor needs an index here"
            raise ExpressionError(node.column, what)


def _check_text(node: Compare, words: Vocabulary) -> None:
    if isinstance(node.left, Text):
        text, here = node.left, node.right
    elif isinstance(node.right, Text):
        text, here = node.right, node.left
    else:
        known = "phase, layer, op and level are compared with a text in quotes: phase == 'update'"
        raise ExpressionError(node.column, known)
    if not isinstance(here, Here) or here.word not in words.texts:
        raise ExpressionError(text.column, "only phase, layer, op and level are compared with a text")
    if node.sign not in ("==", "!="):
        raise ExpressionError(node.column, f"{here.word} is compared with == or !=")
    if text.value not in words.texts[here.word]:
        known = did_you_mean(text.value, words.texts[here.word])
        raise ExpressionError(text.column, f"there is no {here.word} '{text.value}'{known}")


def shape_of(node: Node, names: Names, inside: bool = False) -> Shape:
    """The shape of a node's value; `inside` any or all, that of a condition too. Raises ExpressionError."""
    inside = inside or isinstance(node, Quantified)
    shapes = [shape_of(part, names, inside) for part in parts(node)]
    match node:
        case Reference(_, key, index):
            return () if index is not None else names.shape(key)
        case Apply(_, function, arguments) if function in REDUCTIONS and len(arguments) == 1:
            return ()
        case Quantified():
            return ()
        case Logic() if not inside:
            return ()
    try:
        shape = np.broadcast_shapes(*shapes) if shapes else ()
    except ValueError:
        sizes = " and ".join("×".join(map(str, shape)) or "1" for shape in shapes)
        raise ExpressionError(node.column, f"tensors of the sizes {sizes} do not go together") from None
    if prod(shape) > max([MOST_ELEMENTS, *map(prod, shapes)]):
        raise ExpressionError(node.column, "the result would be too large a tensor")
    return shape
