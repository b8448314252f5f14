"""What operations and optimizers say to a person, one example of each sentence.

PYTHONPATH=tests/data python tests/ops/spoken.py     writes tests/data/words.txt

Sentences that differ in nothing but their numbers count as one. The operands are those of torch's stored answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path

import numpy as np
import torch_optimizers
from op_cases import FAMILIES, SGD_ARGUMENTS, Case, call
from op_checks import Names, met

from convstep.ops.base import OUTPUT, Array, Call, Operation, Term
from convstep.ops.optim.optimizers import Update
from convstep.ops.registry import OPTIMIZERS

DATA = Path(__file__).parents[1] / "data"
STORED = DATA / "words.txt"
NUMBER = re.compile(r"-?\b(?:\d[\d.]*(?:e[-+]?\d+)?|inf|nan)\b")
_ELEMENTS, _LINKS = 40, 8


def _term(term: Term) -> str:
    reads = ", ".join(f"{read.slot}[{read.index}] = {read.value:g}" for read in term.reads)
    numbers = {"sum": term.sum, "holds": term.holds}
    rest = "".join(f", {word} {number:g}" for word, number in numbers.items() if number is not None)
    return f"({reads}) {term.does or 'product'} → {term.result:g}{rest}{f', {term.empty.name}' if term.empty else ''}"


def _said(op: Operation, made: Call) -> Iterator[str]:
    """Everything about one use of an operation: as a whole, by element, by term, by link."""
    names = Names()
    yield op.tell(names)
    for out in range(min(made.output.size, _ELEMENTS)):
        yield f"{names.element(OUTPUT, out)} {op.tell_element(made, out, names)}"
        yield from map(_term, op.terms(made, out))
        for title, numbers in op.intermediates(made, out):
            yield f"{title}: {', '.join(f'{number:g}' for number in numbers.reshape(-1)[:4])}"
    for slot in range(len(op.inputs) + len(op.parameters)):
        links = op.column(made, slot, np.arange(made.operands[slot].size))
        for into, row in enumerate(links.index[:_ELEMENTS]):
            for k in np.flatnonzero(met(links)[into])[:_LINKS]:
                partner = -1 if links.partner is None else int(links.partner[into, k])
                yield op.tell_link(made, slot, int(row[k]), into, partner, names)


def _cases() -> Iterator[tuple[Case, Operation, tuple[Array, ...]]]:
    """Every case with its stored operands."""
    for family, cases in FAMILIES.items():
        with np.load(DATA / "torch_answers" / f"{family}.npz") as file:
            for case in cases:
                op, built = case.build()
                yield case, op, tuple(file[f"{case.id}/operand{k}"] for k in range(len(built)))


def _of_optimizers() -> Iterator[tuple[str, str]]:
    """What each optimizer says of its rule and of its first two steps."""
    for name, arguments in [*torch_optimizers.CASES, *(("SGD", arguments) for arguments in SGD_ARGUMENTS)]:
        optimizer, before, state = OPTIMIZERS[name](**arguments), torch_optimizers.START, {}
        yield name, optimizer.tell()
        for step, gradient in enumerate(torch_optimizers.GRADIENTS[:2], start=1):
            after, new_state = optimizer.update(step, before, gradient, state)
            update = Update(optimizer, step, before, gradient, state, after, new_state)
            yield from ((name, _term(term)) for term in optimizer.terms(update, 0))
            before, state = after, new_state


def _of_operations() -> Iterator[tuple[str, str]]:
    for case, op, operands in _cases():
        yield from ((case.op, text) for text in _said(op, call(op, operands)))


def spoken() -> list[str]:
    """One example of each sentence, by operation, then by optimizer."""
    kinds: dict[str, dict[str, str]] = {}
    for name, text in [*sorted(_of_operations(), key=itemgetter(0)), *_of_optimizers()]:
        kinds.setdefault(name, {}).setdefault(NUMBER.sub("#", text), f"    {text}")
    return [line for name in kinds for line in (name, *kinds[name].values())]


if __name__ == "__main__":
    STORED.write_text("\n".join(spoken()) + "\n", encoding="utf-8")
