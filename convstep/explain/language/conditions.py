"""Conditions on a run: `abs(grad(w1)) > 1`, `loss > prev(loss)`, `iteration == 3 and phase == 'update'`, `sum > 40`.

    or       and ("or" and)*
    and      not ("and" not)*
    not      "not" not | compare
    compare  side (("<" | "<=" | ">" | ">=" | "==" | "!=") side)?
    side     sum | text

A sum is as `language` has it, with `min`, `mean`, `prev(x)` and these words more. A tensor of the same name wins; with
a dollar sign, `$sum`, it is always the word:

- `loss` is the loss, whatever its name.
- `iteration` and `position` are numbers; `phase`, `layer`, `op` and `level` are compared with text: `layer == 'o1'`.
- `sum` is the running sum of the element that is being made, left to right, after the present term. It is there on
  the level of terms; on elements it is the whole sum, but not in scatter order, where a step feeds many sums; on
  operations, and where an operation adds nothing up, there is none.
- `product`, and in the backward phase `local` and `upstream`, are those of the present term, `term` is its number from
  0: on the level of terms, as traces have them. In the other phases a product has `factors[0]`, as an input or a bias,
  and `factors[1]`, as a weight. A share that goes nowhere, in scatter order, has none of them.
- `value` is what the element holds once it is finished, at the step that finishes it; `index` is the element's number
  as `flat1` counts, `index[0]` one of its torch indices. They are there on elements and on terms.

When a condition holds:

- Tensors count as they stand at the position. An element counts once it is finished: a partial sum is no number yet.
  What needs a number that is not there yet does not hold, and neither does its `not`.
- A comparison of whole tensors means any of their elements; `not (o1 > 5)` holds when all are there and none is
  above 5. `any(…)` and `all(…)` say it outright, and join conditions element by element: `any(o1 > 2 and o1 < 3)`.
- `min max mean sum` of a tensor need all of it.
- `prev(x)` is what x was once the iteration before was over; in iteration 0 nothing that needs it holds.
- It becomes true where it holds and did not one step before. The sum of each element begins anew; all else that is
  inside of operations belongs to one step, so that each one at which it holds counts.
- NaN compares as it does everywhere: only `!=` holds. `isnan`, `isinf`, `isfinite` ask for it.
"""

from __future__ import annotations

import re

from convstep.explain.language.kinds import NUMBERS_HERE, TEXTS_HERE, check, kind_of, shape_of
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
    references,
)
from convstep.explain.language.vocabulary import Vocabulary
from convstep.network.words import did_you_mean, nearest

TESTS = ("isnan", "isinf", "isfinite")
_QUANTIFIERS = ("any", "all")
_DEEPEST = 40
_INSTEAD = {"=": "==", "<>": "!=", "&": "and", "&&": "and", "|": "or", "||": "or", "!": "not"}
_HERE = ("loss", *NUMBERS_HERE, *TEXTS_HERE)
_COMPARISONS = {"≤": "<=", "≥": ">=", "≠": "!="}


def parse_condition(text: str, words: Vocabulary) -> Node:
    """The tree of a condition. Raises ExpressionError, also where it is a number and no condition."""
    node = parse_watch(text, words)
    if kind_of(node) != "truth":
        raise ExpressionError(1, "this is a number and no condition: compare it, as in … > 0")
    return node


def taken(text: str, words: Vocabulary) -> str:
    """`; sum is the tensor here, $sum the word`, where a tensor has a word's name; else nothing."""
    found = references(parse_watch(text, words)) & {*_HERE} - {words.loss}
    return "".join(f"; {word} is the tensor here, ${word} the word" for word in sorted(found))


def parse_watch(text: str, words: Vocabulary) -> Node:
    """The tree of a number, a tensor or a condition. Raises ExpressionError."""
    node = _Parser(text, words).whole()
    if check(node, words) == "text":
        raise ExpressionError(node.column, "a text alone is nothing to watch: compare it, as in layer == 'o1'")
    shape_of(node, words.names)
    return node


class _Parser(Parser):
    pattern = re.compile(
        TOKEN + r"""| (?P<compare>[<>=!]=|<>|&&|\|\||[<>=≤≥≠&|!]) | (?P<text>'[^']*'|"[^"]*") | (?P<here>\$\w+)""",
        re.VERBOSE,
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
        if self.next.kind == "here":
            token = self.take()
            if node := self._here(token, token.text[1:]):
                return node
            raise ExpressionError(token.column, f"there is no {token.text}{did_you_mean(token.text[1:], _HERE)}")
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
        if of:
            return f"a text stands in quotes: {of} == '{word}'"
        here = nearest(word, _HERE)
        likelier = nearest(word, [*self.tensors, *_HERE]) if here else None
        return f"there is no '{word}'; did you mean '{here}'?" if here and likelier == here else ""

    def _here(self, token: Token, word: str) -> Node | None:
        """What a word stands for that is no tensor's name."""
        if word == "loss" and self.words.loss is not None:
            loss = Reference(token.column, self.words.loss, None)
            return Apply(token.column, "sum", (loss,)) if self.names.shape(loss.key) else loss
        if word == "index":
            return self._index(token)
        if word == "factors":
            return self._factor(token)
        return Here(token.column, word) if word in (*NUMBERS_HERE, *TEXTS_HERE) else None

    def _factor(self, token: Token) -> Node:
        bracket = self.take() if self.next.kind == "index" else token
        which = bracket.text[1:-1].strip()
        if not re.fullmatch(r"[0-9]", which):
            what = "factors[0] is the first factor of a product, as an input or a bias, factors[1] is as a weight"
            raise ExpressionError(bracket.column, what)
        return Here(token.column, f"factors[{which}]")

    def _index(self, token: Token) -> Node:
        if self.next.kind != "index":
            if self.names.flat1:
                return Here(token.column, "index")
            what = "index has a number for each dimension: index[0] is the first of them, index[-1] the last"
            raise ExpressionError(token.column, what)
        bracket = self.take()
        which = bracket.text[1:-1].strip()
        if not re.fullmatch(r"-?[0-9]{1,2}", which):
            raise ExpressionError(bracket.column, "index[0] is the first number of a torch index, index[-1] the last")
        return Here(token.column, f"index[{int(which)}]")

    def reference(self, token: Token, written: str) -> Node:
        if written == token.text and token.text not in self.tensors:
            if node := self._here(token, token.text):
                return node
            if instead := self._meant(token.text):
                raise ExpressionError(token.column, instead)
        node = super().reference(token, written)
        assert isinstance(node, Reference)
        if node.key not in self.words.keys:
            key = self.names.tensor(node.key)
            why = "the loss does not depend on it" if key.startswith("grad") else "nothing updates it"
            raise ExpressionError(token.column, f"there is no {key}: {why}")
        return node
