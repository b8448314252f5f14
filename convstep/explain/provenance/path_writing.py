"""The path ledger of a gradient element written down: as text, LaTeX, Markdown, and for JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from convstep.engine.trace import element_name, plain
from convstep.explain.formula.formula import Formulas
from convstep.explain.formula.notation import LatexNotation, Notation
from convstep.explain.numbers import short
from convstep.explain.provenance.paths import MOST_LINKS, Hop, Path, Paths
from convstep.ops.expression import Expression, Named, Number, Product, evaluate, is_longer
from convstep.ops.rendering import latex, render

MOST_PATHS = 12
_FEW = 200
"""So many paths are added up one by one."""

_CLOSE = 1e-9

_LONGEST = 40
"""A local derivative whose formula is longer is written as ∂out/∂in."""


@dataclass(frozen=True)
class PathLedger:
    """Some paths of an element's gradient, and what all the others come to. `largest`: the paths shown are these."""

    formulas: Formulas
    paths: Paths
    shown: tuple[Path, ...]
    largest: bool

    @property
    def key(self) -> str:
        return f"grad({self.paths.tensor})"

    @property
    def more(self) -> int:
        """How many paths are not shown."""
        return self.paths.count - len(self.shown)

    @cached_property
    def shown_sum(self) -> float:
        return _added(self.shown)

    @property
    def rest(self) -> float:
        """What the paths that are not shown come to: the gradient less the shown ones."""
        left = self.paths.nonzero - len(self.shown) if self.largest else self.more
        return self.paths.gradient - self.shown_sum if left > 0 else 0.0

    @cached_property
    def total(self) -> float:
        """The sum over all paths, reckoned apart from the recorded gradient: one by one where they are few."""
        return _added(self.paths) if self.paths.count <= _FEW else self.paths.total

    @property
    def adds_up(self) -> bool:
        """Whether that sum is the recorded gradient, but for rounding."""
        double = self.formulas.tensor(self.key).dtype.itemsize == 8
        close = (_CLOSE if double else 1e-4) * (abs(self.paths.gradient) + max(map(_size, self.shown), default=0.0))
        if not np.isfinite(close):
            return not np.isfinite(self.total)
        return bool(np.isclose(self.total, self.paths.gradient, rtol=0, atol=close, equal_nan=True))

    def elements(self, path: Path) -> list[tuple[str, int]]:
        """The elements on a path, from the loss down to the element itself."""
        on = [(hop.layer, hop.index) for hop in path.hops]
        return [*reversed(on), (self.paths.tensor, self.paths.index)]

    def locals(self, path: Path, notation: Notation) -> tuple[Expression, Expression]:
        """What is multiplied, from the loss on, with names and with numbers: what is given, then a factor a layer."""
        loss = self.formulas.recording.graph.loss
        layer, index = self.elements(path)[0]
        names: list[Expression] = [] if loss else [self.formulas.element(f"given({layer})", index)]
        numbers: list[Expression] = [] if loss else [Number(path.seed)]
        into = (self.paths.tensor, self.paths.index)
        hops = []
        for hop in path.hops:
            hops.append(self._local(hop, into, notation))
            into = hop.layer, hop.index
        names += reversed(hops)
        numbers += [Number(hop.local) for hop in reversed(path.hops)]
        return Product(tuple(names or [Number(1.0)])), Product(tuple(numbers or [Number(1.0)]))

    def _local(self, hop: Hop, into: tuple[str, int], notation: Notation) -> Expression:
        """One local derivative: its formula where that is short, and this path's alone, else its name."""
        link = hop.layer, hop.slot, hop.index, into[1], hop.partner
        partial = Named(notation.partial((hop.layer, hop.index), into), hop.local)
        if is_longer(self.formulas.derivative(*link), _LONGEST):
            return partial
        written = self.formulas.local(*link)
        # An output that reads an element several times has one derivative, and a path for each reading.
        number = evaluate(written, self.formulas.value)
        if not np.isclose(number, hop.local, rtol=1e-4, atol=1e-12, equal_nan=True):
            return Number(hop.local)
        if len(render(written, Notation(self.formulas).names())) <= _LONGEST:
            return written
        return partial


def ledger_of(
    formulas: Formulas, tensor: str, index: int, most: int = MOST_PATHS, most_links: int = MOST_LINKS
) -> PathLedger:
    """All paths of a gradient element where they are at most so many, else the largest ones.

    Raises ConvstepError as `Paths` does.
    """
    paths = Paths(formulas.recording, formulas.iteration.index, tensor, index, most_links)
    if paths.count <= most:
        return PathLedger(formulas, paths, tuple(paths), largest=False)
    largest = paths.largest(min(most, paths.nonzero))
    return PathLedger(formulas, paths, tuple(largest), largest=True)


def _added(paths: Paths | Sequence[Path]) -> float:
    with np.errstate(all="ignore"):
        return float(sum(path.product for path in paths))


def _size(path: Path) -> float:
    return abs(path.product) if np.isfinite(path.product) else 0.0


# -- rows


def rows(ledger: PathLedger) -> Iterator[tuple[str, str, str, str]]:
    """For each shown path: its way, its derivatives with names and with numbers, its product."""
    notation = Notation(ledger.formulas)
    names, numbers = notation.names(), notation.numbers()
    for path in ledger.shown:
        way = " → ".join(notation.element(key, index) for key, index in ledger.elements(path))
        symbols, values = ledger.locals(path, notation)
        yield way, render(symbols, names), render(values, numbers), short(path.product)


def title(ledger: PathLedger) -> str:
    """`grad(w1)[1] = -30: 4 paths lead from C to w1[1]`."""
    notation, paths = Notation(ledger.formulas), ledger.paths
    subject = f"{notation.element(ledger.key, paths.index)} = {short(paths.gradient)}"
    to = notation.element(paths.tensor, paths.index)
    start = notation.root or "the given gradients"
    many = "1 path leads" if paths.count == 1 else f"{_count(paths.count)} paths lead"
    zeros = paths.count - paths.nonzero
    return f"{subject}: {many} from {start} to {to}" + (f", of which {_count(zeros)} give 0" if zeros else "")


def more(ledger: PathLedger) -> str:
    """`and 12 more paths`, "" where all are shown."""
    if not ledger.more:
        return ""
    return "and 1 more path" if ledger.more == 1 else f"and {_count(ledger.more)} more paths"


def total(ledger: PathLedger) -> str:
    """`the sum of all paths = -30, the recorded gradient`; says so where it is not."""
    if ledger.adds_up:
        return f"Σ = {short(ledger.total)}, the recorded gradient"
    return f"Σ = {short(ledger.total)}, but the recorded gradient is {short(ledger.paths.gradient)}"


def _count(count: int) -> str:
    """A number of paths; beyond a quadrillion its size only."""
    if count < 10**15:
        return f"{count:,}"
    digits = len(str(count)) - 1
    return f"about {str(count)[0]}.{str(count)[1:3]}e{digits}"


_WIDEST = 160
_HEADER = ("way", "local derivatives", "with numbers", "product")


def as_text(ledger: PathLedger) -> str:
    """Aligned columns, or a paragraph a path where these would be too wide; the sum below."""
    table = [_HEADER, *rows(ledger)]
    if ledger.more:
        table.append((f"… {more(ledger)}", "", "", short(ledger.rest)))
    widths = [max(len(row[k]) for row in table) for k in range(4)]
    if sum(widths) + 8 > _WIDEST:
        lines = [line for row in table[1:] for line in _paragraph(row)]
    else:
        lines = [
            "  ".join(
                [*(cell.ljust(width) for cell, width in zip(row[:3], widths, strict=False)), row[3].rjust(widths[3])]
            )
            for row in table
        ]
    note = ["  shown are the largest products"] if ledger.largest else []
    return "\n".join([title(ledger), *(f"  {line}" for line in lines), f"  {total(ledger)}", *note])


def _paragraph(row: tuple[str, str, str, str]) -> list[str]:
    way, names, numbers, product = row
    return [way, f"    = {names}", f"    = {numbers} = {product}"] if names else [f"{way}: {product}"]


def as_markdown(ledger: PathLedger) -> str:
    """A table."""
    table = [(f"`{way}`", f"`{names}`", numbers, product) for way, names, numbers, product in rows(ledger)]
    if ledger.more:
        table.append((f"… {more(ledger)}", "", "", short(ledger.rest)))
    lines = ["| " + " | ".join(row) + " |" for row in [_HEADER, *table]]
    lines.insert(1, "| --- | --- | --- | ---: |")
    return "\n".join([title(ledger), "", *lines, "", total(ledger)])


def as_latex(ledger: PathLedger) -> str:
    """An array for a document that uses amsmath."""
    notation, formulas = LatexNotation(ledger.formulas), ledger.formulas
    numbers = notation.numbers()
    # In braces a name is LaTeX, otherwise it would be taken for words.
    names = notation.style(lambda e: notation.element(formulas.key(e), e.index), lambda of: f"{{{of.name}}}")
    lines = [f"% {title(ledger)}", r"\[", r"\begin{array}{llll}"]
    for path in ledger.shown:
        way = r" \to ".join(notation.element(key, index) for key, index in ledger.elements(path))
        symbols, values = ledger.locals(path, notation)
        cells = way, latex(symbols, names), latex(values, numbers), f"= {notation.number(path.product)}"
        lines.append(" & ".join(cells) + r" \\")
    if ledger.more:
        lines.append(rf"\text{{{more(ledger)}}} & & & {notation.number(ledger.rest)} \\")
    lines += [rf"\hline \Sigma & & & = {notation.number(ledger.total)}", r"\end{array}", r"\]"]
    return "\n".join(lines)


WRITERS: dict[str, Callable[[PathLedger], str]] = {"text": as_text, "latex": as_latex, "markdown": as_markdown}


def as_dict(ledger: PathLedger) -> dict[str, Any]:
    """{count, nonzero, shown: [{way, start, locals, product}], rest, total}: the file's names, torch indices."""

    def written(path: Path) -> dict[str, Any]:
        way = [element_name(key, index, ledger.formulas.shape(key)) for key, index in ledger.elements(path)]
        locals_ = [plain(hop.local) for hop in reversed(path.hops)]
        return {"way": way, "start": plain(path.seed), "locals": locals_, "product": plain(path.product)}

    paths = ledger.paths
    return {
        "count": paths.count,
        "nonzero": paths.nonzero,
        "shown": [written(path) for path in ledger.shown],
        "rest": plain(ledger.rest),
        "total": plain(ledger.total),
    }
