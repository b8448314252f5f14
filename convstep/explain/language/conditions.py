"""Conditions on a run: `abs(grad(w1)) > 1`, `loss > prev(loss)`, `iteration == 3 and phase == 'update'`, `sum > 40`.

    or       and ("or" and)*
    and      not ("and" not)*
    not      "not" not | compare
    compare  side (("<" | "<=" | ">" | ">=" | "==" | "!=") side)?
    side     sum | text

A sum is as `language` has it, with `min`, `mean`, `prev(x)` and these words more (a tensor of the same name wins):

- `loss` is the loss, whatever its name.
- `iteration` and `position` are numbers; `phase`, `layer`, `op` and `level` are compared with text: `layer == 'o1'`.
- `sum` is the running sum of the element that is being made, left to right, after the present term. It is there on
  the level of terms; on elements it is the whole sum, but not in scatter order, where a step feeds many sums; on
  operations, and where an operation adds nothing up, there is none.

When a condition holds:

- Tensors count as they stand at the position. An element counts once it is finished: a partial sum is no number yet.
  What needs a number that is not there yet does not hold, and neither does its `not`.
- A comparison of whole tensors means any of their elements; `not (o1 > 5)` holds when all are there and none is
  above 5. `any(…)` and `all(…)` say it outright, and join conditions element by element: `any(o1 > 2 and o1 < 3)`.
- `min max mean sum` of a tensor need all of it.
- `prev(x)` is what x was once the iteration before was over; in iteration 0 nothing that needs it holds.
- NaN compares as it does everywhere: only `!=` holds. `isnan`, `isinf`, `isfinite` ask for it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np

from convstep.engine.timeline import LEVELS, PHASES, Timeline
from convstep.explain.language.evaluation import MOST_ELEMENTS
from convstep.explain.language.language import FUNCTIONS, TOKEN, Parser, Token
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
from convstep.explain.naming import Names
from convstep.network.graph import Graph
from convstep.network.words import did_you_mean
from convstep.ops.base import Shape

NUMBERS_HERE = ("iteration", "position", "sum")
TEXTS_HERE = ("phase", "layer", "op", "level")
TESTS = ("isnan", "isinf", "isfinite")
REDUCTIONS = ("sum", "min", "max", "mean")
_QUANTIFIERS = ("any", "all")
_DEEPEST = 40
_INSTEAD = {"=": "==", "<>": "!=", "&": "and", "&&": "and", "|": "or", "||": "or", "!": "not"}
_COMPARISONS = {"≤": "<=", "≥": ">=", "≠": "!="}
_SIGNS = ("<", "<=", ">", ">=", "==", "!=", "≤", "≥", "≠", *_INSTEAD)

Kind = Literal["number", "text", "truth"]


@dataclass(frozen=True)
class Vocabulary:
    """The names that a condition may use: tensors, the loss, and the texts of `phase`, `layer`, `op`, `level`.

    `keys` are the tensors that exist in a run, as `State.read` takes them.
    """

    names: Names
    loss: str | None
    texts: Mapping[str, Collection[str]]
    keys: Collection[str]


def vocabulary(graph: Graph, timeline: Timeline, names: Names) -> Vocabulary:
    """The vocabulary of a network."""
    values = {graph.aliases.get(name, name) for name in names.all() if name not in graph.symbols.values()}
    written = {f"new({s.tensor})" if s.phase == "update" else s.writes for s in timeline.steps}
    seeds = {f"grad({graph.loss.name})"} if graph.loss else {f"grad({name})" for name in graph.seeds}
    texts = {
        "phase": PHASES,
        "level": LEVELS,
        "layer": tuple(dict.fromkeys(step.layer for step in timeline.steps)),
        "op": tuple(dict.fromkeys(step.op for step in timeline.steps)),
    }
    return Vocabulary(names, graph.loss.name if graph.loss else None, texts, values | written | seeds)


def parse_condition(text: str, words: Vocabulary) -> Node:
    """The tree of a condition. Raises ExpressionError, also where it is a number and no condition."""
    node = parse_watch(text, words)
    if kind_of(node) != "truth":
        raise ExpressionError(1, "this is a number and no condition: compare it, as in … > 0")
    return node


def parse_watch(text: str, words: Vocabulary) -> Node:
    """The tree of a number, a tensor or a condition. Raises ExpressionError."""
    node = _Parser(text, words).whole()
    if _check(node, words) == "text":
        raise ExpressionError(node.column, "a text alone is nothing to watch: compare it, as in layer == 'o1'")
    shape_of(node, words.names)
    return node


class _Parser(Parser):
    pattern = re.compile(
        TOKEN + r"""| (?P<compare>[<>=!]=|<>|&&|\|\||[<>=≤≥≠&|!]) | (?P<text>'[^']*'|"[^"]*")""", re.VERBOSE
    )
    functions = (*FUNCTIONS, "min", "mean", "prev", *TESTS, *_QUANTIFIERS)
    several = ("max", "min")

    def __init__(self, text: str, words: Vocabulary) -> None:
        super().__init__(text, words.names)
        self.words = words
        self.tensors = set(words.names.all())

    def inside(self) -> Node:
        self._check_depth(self.depth)
        self.depth += 1
        try:
            return self._joined("or", "and")
        finally:
            self.depth -= 1

    def _check_depth(self, depth: int) -> None:
        if depth > _DEEPEST:
            raise ExpressionError(self.next.column, f"nested more than {_DEEPEST} levels deep")

    def _joined(self, word: str, tighter: str = "") -> Node:
        joined = [self._joined(tighter) if tighter else self._denied()]
        column = joined[0].column
        while self._says(word):
            self.at += 1
            joined.append(self._joined(tighter) if tighter else self._denied())
        return Logic(column, word, tuple(joined)) if len(joined) > 1 else joined[0]

    def _says(self, word: str) -> bool:
        return self.next.kind == "word" and self.next.text == word

    def _denied(self) -> Node:
        negations = []
        while self._says("not"):
            negations.append(self.take())
            self._check_depth(len(negations))
        node = self._compared()
        for token in reversed(negations):
            node = Not(token.column, node)
        return node

    def _compared(self) -> Node:
        left = self.chain("+", "-")
        if self.next.kind != "compare":
            return left
        sign = self._sign()
        right = self.chain("+", "-")
        if self.next.kind == "compare":
            self._sign()
            column = self.tokens[self.at - 1].column
            raise ExpressionError(column, "comparisons do not go in a row: write 1 < x and x < 2")
        return Compare(left.column, sign, left, right)

    def _sign(self) -> str:
        token = self.take()
        if token.text in _INSTEAD:
            raise ExpressionError(token.column, f"'{token.text}' is written {_INSTEAD[token.text]}")
        return _COMPARISONS.get(token.text, token.text)

    def atom(self) -> Node:
        if self.next.kind == "text":
            token = self.take()
            return Text(token.column, token.text[1:-1])
        if self.next.kind == "compare":
            self._sign()
            self.at -= 1
        return super().atom()

    def function(self, token: Token) -> Node:
        node = super().function(token)
        if not isinstance(node, Apply):
            return node
        if node.function in TESTS:
            return Test(node.column, node.function, node.arguments[0])
        if node.function in _QUANTIFIERS:
            return Quantified(node.column, node.function, node.arguments[0])
        return Before(node.column, node.arguments[0]) if node.function == "prev" else node

    def _meant(self, word: str) -> str:
        """What a word that is no tensor was meant for, and how that is written."""
        if word.lower() in ("nan", "inf", "infinity"):
            return f"{word} is asked for with isnan(…), isinf(…) or isfinite(…)"
        of = next((here for here, texts in self.words.texts.items() if word in texts), "")
        return f"a text stands in quotes: {of} == '{word}'" if of else ""

    def reference(self, token: Token, written: str) -> Node:
        if written == token.text and token.text not in self.tensors:
            if token.text in (*NUMBERS_HERE, *TEXTS_HERE):
                return Here(token.column, token.text)
            if token.text == "loss" and self.words.loss is not None:
                loss = Reference(token.column, self.words.loss, None)
                return Apply(token.column, "sum", (loss,)) if self.names.shape(loss.key) else loss
            if instead := self._meant(token.text):
                raise ExpressionError(token.column, instead)
        node = super().reference(token, written)
        assert isinstance(node, Reference)
        if node.key not in self.words.keys:
            key = self.names.tensor(node.key)
            why = "the loss does not depend on it" if key.startswith("grad") else "nothing updates it"
            raise ExpressionError(token.column, f"there is no {key}: {why}")
        return node


# -- what goes together


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
    return any(isinstance(each, Here) and each.word in words for each in walk(node))


def _check(node: Node, words: Vocabulary) -> Kind:
    """The kind of a node whose parts go together. Raises ExpressionError where they do not."""
    kinds = [_check(part, words) for part in parts(node)]
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
            if isinstance(node, (Before, Test)):
                name = "prev" if isinstance(node, Before) else node.function
                _forbid(node.of, f"{name}(…)", "tensors and the loss", *NUMBERS_HERE)
    return kind_of(node)


def _forbid(node: Node, inside: str, instead: str, *words: str) -> None:
    for each in walk(node):
        if isinstance(each, Here) and each.word in words:
            raise ExpressionError(each.column, f"{inside} takes {instead}; {each.word} stands outside of it")


def _check_comparison(node: Compare, words: Vocabulary) -> None:
    texts = [side for side in (node.left, node.right) if kind_of(side) == "text"]
    truths = [side for side in (node.left, node.right) if kind_of(side) == "truth"]
    if truths:
        raise ExpressionError(truths[0].column, "what is true or false is not compared: leave the comparison out")
    if texts:
        _check_text(node, words)
    for side, other in ((node.left, node.right), (node.right, node.left)):
        if uses(side, "position") and (not isinstance(side, Here) or uses(other, "position", "sum")):
            raise ExpressionError(side.column, "position stands alone on one side: position > 100")
    for word in ("sum", "position"):
        if uses(node, word) and any(shape_of(side, words.names) for side in (node.left, node.right)):
            what = f"{word} is one number and compares with one: a tensor needs an index here"
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
