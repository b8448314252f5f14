"""A number's formula written down: as text, LaTeX, Markdown, and as JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from convstep.engine.trace import plain
from convstep.explain.formula.folding import FOLDED, is_folded
from convstep.explain.formula.formula import Formula, Formulas, Part
from convstep.explain.formula.notation import FileNotation, LatexNotation, Notation, latex_text
from convstep.ops.expression import Expression, evaluate
from convstep.ops.rendering import Style, latex, render

_MOST_TERMS = 8
_MOST_JSON_TERMS = 1000
_MOST_UNFOLDED = 200


@dataclass(frozen=True)
class Explanation:
    """A formula as it is to be written, and what else a person should know."""

    formulas: Formulas
    formula: Formula
    notes: tuple[str, ...]

    def part_value(self, part: Part) -> float:
        """What one part gives."""
        return evaluate(part.expression, self.formulas.value)


def explain(formulas: Formulas, key: str, index: int, levels: int = 1, most: int | None = _MOST_TERMS) -> Explanation:
    """The formula of one element, sums of more than `most` terms folded (None: none), `levels` levels deep."""
    whole = formulas.of(key, index)
    most = sys.maxsize if most is None else most
    formula, stayed = formulas.folded(whole, most), 0
    if levels > 1 and not whole.given:
        formula, stayed = formulas.unfolded(formula, levels - 1, _MOST_UNFOLDED, most)
    return Explanation(formulas, formula, tuple(_notes(formulas, whole, formula, most, stayed)))


def _notes(formulas: Formulas, whole: Formula, shown: Formula, most: int, stayed: int) -> list[str]:
    notes = []
    if whole.given:
        notes.append(f"{formulas.names.tensor(whole.key)} is {whole.given}")
    for part in whole.parts:
        notes += part.conventions
        if part.count > most:
            via = f" via {formulas.names.tensor(part.layer)}" if part.layer else ""
            notes.append(f"{part.count} terms{via}: shown are the first, the largest and the last")
    if any(is_folded(part.expression) for part in shown.parts):
        notes.append(f"{FOLDED} stands for terms left out; the number beside it is what they come to")
    if stayed:
        notes.append(f"unfolding stops here: there are {stayed} more numbers with formulas of their own")
    return notes


# -- text


def as_text(explanation: Explanation) -> str:
    """Lines of text: names, numbers, result; a line for each user where a gradient has several."""
    notation, formula = Notation(explanation.formulas), explanation.formula
    subject = notation.element(formula.key, formula.index)
    result = notation.number(formula.value)
    if formula.given:
        return "\n".join([f"{subject} = {result}", *_indented(explanation.notes)])
    derivative = notation.derivative(formula.key, formula.index)
    several = len(formula.parts) > 1
    head = f"{subject} = {derivative}" if derivative else subject
    lines = [f"{head}, the sum over its {len(formula.parts)} uses" if several else head]
    names, numbers = _strung(formula.parts, notation.names()), _strung(formula.parts, notation.numbers())
    if names != numbers:
        lines += _aligned(names, [_via(explanation, part) for part in formula.parts])
    if numbers != [f"= {result}"]:
        lines += numbers
    if several:
        lines.append(_strung_numbers([notation.number(explanation.part_value(part)) for part in formula.parts]))
    lines.append(f"= {result}")
    return "\n".join([lines[0], *_indented(lines[1:]), *_indented(explanation.notes)])


def _strung(parts: Sequence[Part], style: Style) -> list[str]:
    """A line a part, with the sign before it."""
    lines: list[str] = []
    for part in parts:
        text = render(part.expression, style)
        sign = "=" if not lines else "-" if text.startswith("-") else "+"
        lines.append(f"{sign} {text.removeprefix('-') if sign == '-' else text}")
    return lines


def _strung_numbers(numbers: Sequence[str]) -> str:
    return "= " + " + ".join(numbers).replace("+ -", "- ")


def _aligned(lines: list[str], remarks: list[str]) -> list[str]:
    """The lines with a remark each, in a column where there are several."""
    if len(lines) < 2:
        return lines
    width = max(map(len, lines))
    return [f"{line:{width}}   {remark}".rstrip() for line, remark in zip(lines, remarks, strict=True)]


def _via(explanation: Explanation, part: Part) -> str:
    return f"via {explanation.formulas.names.tensor(part.layer)} ({part.op})" if part.layer else "given"


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]


# -- LaTeX and Markdown


def as_latex(explanation: Explanation) -> str:
    """A displayed formula for a document that uses amsmath; notes are comments."""
    notes = [f"% {note}" for note in explanation.notes]
    return "\n".join([*notes, r"\[", *_latex_lines(explanation), r"\]"])


def as_markdown(explanation: Explanation) -> str:
    """A line that says what it is, the formula between `$$`, then the notes."""
    notation, formula = Notation(explanation.formulas), explanation.formula
    title = f"`{notation.element(formula.key, formula.index)}` = {notation.number(formula.value)}"
    lines = [title, "", "$$", *_latex_lines(explanation), "$$"]
    notes = ["", *(f"- {note}" for note in explanation.notes)] if explanation.notes else []
    return "\n".join([*lines, *notes])


def _latex_lines(explanation: Explanation) -> list[str]:
    notation, formula = LatexNotation(explanation.formulas), explanation.formula
    subject, result = notation.element(formula.key, formula.index), notation.number(formula.value)
    if formula.given:
        return [f"{subject} = {result}"]
    sides = [_latex_side(explanation, notation.names(), _under), _latex_side(explanation, notation.numbers(), _around)]
    if len(formula.parts) > 1:
        values = [notation.number(explanation.part_value(part)) for part in formula.parts]
        sides.append(_strung_numbers(values).removeprefix("= "))
    sides += [] if sides[-1] == result else [result]
    rows = [f"{subject} &= {sides[0]}", *(f"&= {side}" for side in sides[1:])]
    return [r"\begin{aligned}", *(f"{row} \\\\" for row in rows[:-1]), rows[-1], r"\end{aligned}"]


def _latex_side(explanation: Explanation, style: Style, grouped: Callable[[str, str], str]) -> str:
    """One right-hand side; where there are several users, each one's terms are grouped."""
    parts = explanation.formula.parts
    if len(parts) == 1:
        return latex(parts[0].expression, style)
    return " + ".join(grouped(latex(part.expression, style), _via(explanation, part)) for part in parts)


def _under(side: str, via: str) -> str:
    return rf"\underbrace{{{side}}}_{{\text{{{latex_text(via)}}}}}"


def _around(side: str, via: str) -> str:
    return rf"\left({side}\right)" if " + " in side or "- " in side or side.startswith("-") else side


# -- JSON


def as_dict(
    formulas: Formulas, key: str, index: int, levels: int = 1, most: int | None = _MOST_JSON_TERMS
) -> dict[str, Any]:
    """{of, names, numbers, value}: the file's names and torch indices, all digits (contract §3), `note` where needed.

    `names` and `numbers` are arithmetic with `+ - * / **` and functions; where a sum is folded, `numbers` has the
    value of what is left out. A `note` says what torch takes where a derivative is a matter of convention.
    """
    formula = explain(formulas, key, index, levels, most).formula
    told = [text for part in formula.parts for text in part.conventions]
    notation = FileNotation(formulas)
    expression: Expression = formula.expression
    return {
        "of": notation.element(key, index),
        "names": render(expression, notation.names()),
        "numbers": render(expression, notation.numbers()),
        "value": plain(formula.value),
        **({"note": "; ".join(told)} if told else {}),
    }
