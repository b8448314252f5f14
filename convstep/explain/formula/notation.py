"""How the elements and numbers of a formula are written: in the person's names, in the file's, in LaTeX."""

from __future__ import annotations

import math
import re
import sys
import unicodedata
from collections.abc import Callable

from convstep.engine.state import split_name
from convstep.engine.trace import element_name, plain
from convstep.explain.formula.folding import FOLDED
from convstep.explain.formula.formula import Formulas
from convstep.explain.numbers import short
from convstep.ops.expression import Element, Named
from convstep.ops.rendering import Style


class Notation:
    """Text in the person's names and indices, numbers with six digits: `i[1]·grad(o1)[1]`."""

    def __init__(self, formulas: Formulas) -> None:
        self.formulas = formulas
        loss = formulas.recording.graph.loss
        self.root = formulas.names.tensor(loss.name) if loss else ""
        """What is differentiated, "" where there is no loss."""

    def element(self, key: str, index: int) -> str:
        """`w1[3]`, `grad(w1)[3]`, `given(o2)[1]`."""
        names, shape = self.formulas.names, self.formulas.shape(key)
        return _given(key, names.tensor) + names.index(index, shape)

    def derivative(self, key: str, index: int) -> str:
        """`∂C/∂w1[3]` for a gradient of the loss, "" for anything else."""
        kind, name = split_name(key)
        return f"∂{self.root}/∂{self.element(name, index)}" if kind == "grad" and self.root else ""

    def partial(self, out: tuple[str, int], into: tuple[str, int]) -> str:
        """`∂o1[2]/∂i[1]`, a local derivative by its name."""
        return f"∂{self.element(*out)}/∂{self.element(*into)}"

    def number(self, value: float) -> str:
        """A number."""
        return short(value)

    def folded(self) -> str:
        """What stands for terms left out, among names."""
        return FOLDED

    def rest(self, value: float) -> str:
        """What stands for terms left out, among numbers."""
        return f"({FOLDED} {self.number(value)})"

    def names(self) -> Style:
        """How a formula is written with names."""

        def named(of: Named) -> str:
            return self.folded() if of.name == FOLDED else of.name

        return self.style(lambda e: self.element(self.formulas.key(e), e.index), named)

    def numbers(self) -> Style:
        """How a formula is written with numbers."""

        def named(of: Named) -> str:
            return self.rest(of.value) if of.name == FOLDED else self.number(of.value)

        return self.style(lambda e: self.number(self.formulas.value(e)), named)

    def style(self, element: Callable[[Element], str], named: Callable[[Named], str]) -> Style:
        """The style that writes elements and named numbers so; it folds nothing more."""
        return Style(element, self.number, sys.maxsize, named)


class FileNotation(Notation):
    """What a machine reads: the file's names, torch indices, all digits, `*` and `**`."""

    def element(self, key: str, index: int) -> str:
        return element_name(key, index, self.formulas.shape(key))

    def number(self, value: float) -> str:
        if not math.isfinite(value):
            return str(plain(value))
        return str(int(value)) if value == int(value) and abs(value) < _EXACT else repr(value)

    def rest(self, value: float) -> str:
        return self.number(value)

    def style(self, element: Callable[[Element], str], named: Callable[[Named], str]) -> Style:
        return Style(element, self.number, sys.maxsize, named, "*", lambda exponent: f"**{_signed(exponent)}")


class LatexNotation(Notation):
    """The person's names in LaTeX: indices are subscripts, gradients are fractions of ∂."""

    def element(self, key: str, index: int) -> str:
        kind, name = split_name(key)
        if kind == "grad" and self.root:
            return self.derivative(key, index)
        at = self.formulas.names.index(index, self.formulas.shape(key))
        below = f"_{{{at[1:-1]}}}" if at else ""
        if kind == "value" and not key.startswith("given("):
            return latex_name(self.formulas.names.tensor(key)) + below
        name = self.formulas.names.tensor(key[key.index("(") + 1 : -1])
        if kind == "new":
            return rf"{latex_name(name)}{below}^{{\mathrm{{new}}}}"
        return rf"\mathrm{{{'grad' if kind == 'grad' else 'given'}}}({latex_name(name)}){below}"

    def derivative(self, key: str, index: int) -> str:
        kind, name = split_name(key)
        if kind != "grad" or not self.root:
            return ""
        return rf"\frac{{\partial {latex_name(self.root)}}}{{\partial {self.element(name, index)}}}"

    def partial(self, out: tuple[str, int], into: tuple[str, int]) -> str:
        return rf"\frac{{\partial {self.element(*out)}}}{{\partial {self.element(*into)}}}"

    def number(self, value: float) -> str:
        if math.isnan(value):
            return r"\mathrm{NaN}"
        if math.isinf(value):
            return r"\infty" if value > 0 else r"-\infty"
        mantissa, _, exponent = short(value).partition("e")
        return rf"{mantissa} \cdot 10^{{{exponent}}}" if exponent else mantissa

    def folded(self) -> str:
        return r"\cdots"

    def rest(self, value: float) -> str:
        return rf"\underbrace{{\cdots}}_{{{self.number(value)}}}"


_EXACT = 2.0**53
_PLAIN_NAME = re.compile(r"[A-Za-zΓ-ω]\d*")
_LIKE_LATIN = "ΑΒΕΖΗΙΚΜΝΟΡΤΧο"
"""Greek letters for which LaTeX has no command."""


def latex_name(name: str) -> str:
    """A tensor's name in a formula: upright where it is a word."""
    text = "".join(map(_greek, latex_text(name)))
    return text if _PLAIN_NAME.fullmatch(name) else rf"\mathrm{{{text}}}"


def _greek(letter: str) -> str:
    r"""`{\beta}` for β, which most fonts of LaTeX do not have; other characters, accented ones too, as they are."""
    words = unicodedata.name(letter, "").split()
    if len(words) != 4 or words[0] != "GREEK" or letter in _LIKE_LATIN:
        return letter
    command = words[3].lower().replace("lamda", "lambda")
    return rf"{{\{command.capitalize() if letter.isupper() else command}}}"


def latex_text(text: str) -> str:
    """Plain text inside LaTeX."""
    return re.sub(r"([_%&#${}])", r"\\\1", text)


def _given(key: str, tensor: Callable[[str], str]) -> str:
    """The tensor's name; a given gradient's too, which is no tensor of the network."""
    return f"given({tensor(key[len('given(') : -1])})" if key.startswith("given(") else tensor(key)


def _signed(exponent: int) -> str:
    return f"({exponent})" if exponent < 0 else str(exponent)
