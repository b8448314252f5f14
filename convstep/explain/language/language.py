"""The expressions that a person types: `(i[1] + i[2]) · w2[1] × 2(…)` is read here, and never by Python.

    sum      product (("+" | "-") product)*
    product  unary (("*" | "/" | "×" | "÷" | "·") unary)*
    unary    ("-" | "+") unary | power
    power    atom ("^" | "**") unary | atom "²"
    atom     number | tensor ("[" index "]")? | function "(" sum ("," sum)* ")" | "(" sum ")"

A tensor is `w1`, `o1.weight`, `grad(w1)`, `w1.grad` or `new(w1)`; an index is as `indexing` says.
`conditions` adds comparisons to this.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from convstep.errors import ConvstepError
from convstep.explain.language.nodes import Apply, Chain, Constant, ExpressionError, Negative, Node, Power, Reference
from convstep.explain.naming import Names
from convstep.network.words import did_you_mean

_LONGEST = 10_000
_DEEPEST = 50

FUNCTIONS = ("sum", "exp", "log", "sqrt", "tanh", "sigmoid", "relu", "max", "abs")
_OF_TENSORS = ("grad", "new")
_GRAD_SUFFIX = ".grad"

_SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
TOKEN = r"""(?P<space>\s+)
      | (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w.]))
      | (?P<raised>[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)
      | (?P<word>[^\W⁰¹²³⁴⁵⁶⁷⁸⁹]+(?:\.[^\W⁰¹²³⁴⁵⁶⁷⁸⁹]+)*)
      | (?P<index>\[[^\[\]]*\])
      | (?P<sign>\*\*|[-−+*×·/÷^(),])"""
_WORD = re.compile(r"\w+(?:\.\w+)*")
_INDEX = re.compile(r"\s*(?:-?[0-9]{1,15}\s*(?:,\s*-?[0-9]{1,15}\s*)*)?")
_SAME = {"−": "-", "×": "*", "·": "*", "÷": "/", "**": "^"}


def parse(text: str, names: Names) -> Node:
    """The tree of an expression. Raises ExpressionError with the column of the first mistake."""
    return Parser(text, names).whole()


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    column: int


def _tokens(text: str, names: Names, pattern: re.Pattern[str]) -> list[Token]:
    tokens: list[Token] = []
    known = set(names.all())
    at = 0
    while at < len(text):
        match = pattern.match(text, at)
        word = _WORD.match(text, at)
        # A layer may be called 0, or x²: what is a known name is one where a number would make no sense.
        if (
            word is not None
            and word[0] in known
            and (not match or match.lastgroup != "number" or text[word.end() :][:1] == "[")
        ):
            tokens.append(Token("word", word[0], at + 1))
            at = word.end()
            continue
        if match is None:
            raise ExpressionError(at + 1, _no_token(text[at:]))
        kind = match.lastgroup or ""
        if kind != "space":
            tokens.append(Token(kind, _SAME.get(match[0], match[0]), at + 1))
        at = match.end()
    tokens.append(Token("end", "", len(text.rstrip()) + 1))
    return tokens


def _no_token(rest: str) -> str:
    """Why no token begins here."""
    if rest[0] != "[":
        return f"'{rest[0]}' is no part of an expression"
    nested = "[" in rest[1:].partition("]")[0]
    return "an index is made of whole numbers, not of other elements" if nested else "'[' is never closed"


class Parser:
    """Reads one text. `pattern` are its tokens, `functions` those of numbers, `several` those of several arguments."""

    pattern = re.compile(TOKEN, re.VERBOSE)
    functions: tuple[str, ...] = FUNCTIONS
    several: tuple[str, ...] = ("max",)

    def __init__(self, text: str, names: Names) -> None:
        if len(text) > _LONGEST:
            raise ExpressionError(_LONGEST + 1, f"the expression is longer than {_LONGEST} characters")
        self.names = names
        self.tokens = _tokens(text, names, self.pattern)
        self.at = 0
        self.depth = 0

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def takes(self, *signs: str) -> bool:
        """Whether one of these signs comes next."""
        return self.next.kind == "sign" and self.next.text in signs

    def expect(self, sign: str, opened: Token) -> None:
        if not self.takes(sign):
            found = f"'{self.next.text}'" if self.next.text else "the end"
            what = f"'{sign}' is missing before {found}, for the '(' in column {opened.column}"
            raise ExpressionError(self.next.column, what)
        self.at += 1

    def whole(self) -> Node:
        node = self.inside()
        token = self.next
        if token.kind == "end":
            return node
        if token.text == ")":
            raise ExpressionError(token.column, "this ')' closes nothing")
        if token.kind == "index":
            raise ExpressionError(token.column, "only a tensor has an index, once")
        if token.kind == "sign" and token.text != "(":
            raise ExpressionError(token.column, f"'{token.text}' does not belong here")
        raise ExpressionError(token.column, f"an operator is missing before '{token.text}', such as *")

    def inside(self) -> Node:
        """What may stand alone, in parentheses, or as an argument."""
        return self.chain("+", "-")

    def chain(self, *signs: str) -> Node:
        column = self.next.column
        first = self.operand(signs)
        rest: list[tuple[str, Node]] = []
        while self.takes(*signs):
            sign = self.take().text
            rest.append((sign, self.operand(signs)))
        return Chain(column, first, tuple(rest)) if rest else first

    def operand(self, signs: tuple[str, ...]) -> Node:
        return self.chain("*", "/") if "+" in signs else self.unary()

    def unary(self) -> Node:
        if self.depth >= _DEEPEST:
            raise ExpressionError(self.next.column, f"nested more than {_DEEPEST} levels deep")
        self.depth += 1
        try:
            if self.takes("-"):
                return Negative(self.take().column, self.unary())
            if self.takes("+"):
                self.at += 1
                return self.unary()
            return self.power()
        finally:
            self.depth -= 1

    def power(self) -> Node:
        base = self.atom()
        if self.next.kind == "raised":
            token = self.take()
            digits = token.text.translate(_SUPERSCRIPTS)
            if not re.fullmatch(r"-?[0-9]{1,9}", digits):
                raise ExpressionError(token.column, f"'{token.text}' is no power")
            return Power(token.column, base, Constant(token.column, float(digits)))
        if self.takes("^"):
            return Power(self.take().column, base, self.unary())
        return base

    def atom(self) -> Node:
        token = self.take()
        if token.kind == "number":
            value = float(token.text)
            if math.isinf(value):
                raise ExpressionError(token.column, "this number is too large")
            return Constant(token.column, value)
        if token.kind == "word":
            return self.function(token) if self.takes("(") else self.reference(token, token.text)
        if token.text == "(":
            node = self.inside()
            self.expect(")", token)
            return node
        if token.kind == "end":
            raise ExpressionError(token.column, "the expression ends where a number or a tensor is missing")
        raise ExpressionError(token.column, f"'{token.text}' stands where a number or a tensor is missing")

    def function(self, token: Token) -> Node:
        opened = self.take()
        if token.text in _OF_TENSORS:
            inside = self.take()
            if inside.kind not in ("word", "number"):
                raise ExpressionError(inside.column, f"{token.text}(…) takes the name of a tensor")
            self.expect(")", opened)
            return self.reference(inside, f"{token.text}({inside.text})")
        if token.text not in self.functions:
            known = [*self.functions, *_OF_TENSORS]
            what = f"there is no function '{token.text}'{did_you_mean(token.text, known)}"
            raise ExpressionError(token.column, what)
        arguments = [self.inside()]
        while self.takes(","):
            self.at += 1
            arguments.append(self.inside())
        self.expect(")", opened)
        if len(arguments) > 1 and token.text not in self.several:
            raise ExpressionError(token.column, f"{token.text}(…) takes one argument, not {len(arguments)}")
        return Apply(token.column, token.text, tuple(arguments))

    def reference(self, token: Token, written: str) -> Node:
        """The tensor or element; `token` is the word in the text that a mistake would be about."""
        index = ""
        if self.next.kind == "index":
            bracket = self.take()
            index = bracket.text
            if not _INDEX.fullmatch(index[1:-1]):
                raise ExpressionError(bracket.column, f"{index} is no index: it is made of whole numbers")
        try:
            key, flat = self.names.parse(written + index)
        except ConvstepError as error:
            raise ExpressionError(token.column, str(error)) from None
        return Reference(token.column, key, flat)
