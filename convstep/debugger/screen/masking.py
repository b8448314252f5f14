"""A view with the results of its step as `?`: in the panes, the formula, the ledger, the sentence and the claims."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from convstep.debugger.screen.view import (
    HIDDEN,
    Block,
    Blocks,
    Cells,
    ClaimShown,
    Formula,
    FormulaTerm,
    Grid,
    Ledger,
    Note,
    View,
)
from convstep.engine.state import State
from convstep.engine.timeline import Step
from convstep.ops.base import IntArray

UNKNOWN = "?"
_RESULTS = ("= product", "= result", "sum")
_SUMS = ("Σ",)


def masked(view: View, state: State, asked: str, how: str) -> View:
    """The view of a step whose results nobody is to see yet; `asked` is one of them, `how` says how to see it."""
    step = state.step
    assert step is not None
    formula = view.formula and _formula(view.formula, state)
    return replace(
        view,
        status=f"{view.status} ?",
        sentence=f"{_sentence(asked, formula)} {how}",
        shorter=(),
        formula=formula,
        tensors=_blocks(view.tensors, state, step),
        local=_blocks(view.local, state, step),
        gradients=_blocks(view.gradients, state, step),
        ledger=view.ledger and _ledger(view.ledger, state),
        claims=tuple(_claim(claim) for claim in view.claims),
        notices=[],
        asks=f"{asked} = {UNKNOWN}",
    )


def _sentence(asked: str, formula: Formula | None) -> str:
    if formula is not None and formula.now is not None:
        term = formula.term(formula.now)
        return f"What is {term.names} = {term.numbers}?"
    return f"What is {asked}?"


def _formula(formula: Formula, state: State) -> Formula:
    whole = state.place.term is None

    def term(k: int) -> FormulaTerm:
        shown = formula.term(k)
        return replace(shown, result=UNKNOWN) if shown.result and (whole or k == formula.now) else shown

    return replace(formula, term=term, total=f"= {UNKNOWN}" if formula.total else "")


def _ledger(ledger: Ledger, state: State) -> Ledger:
    whole = state.place.term is None
    results = [column for column, head in enumerate(ledger.header) if head in _RESULTS]

    def row(k: int) -> tuple[str, ...]:
        cells = list(ledger.row(k))
        if whole or k == ledger.now:
            for column in results:
                cells[column] = UNKNOWN if cells[column] not in ("", "·") else cells[column]
        return tuple(cells)

    return replace(ledger, row=row)


def _claim(claim: ClaimShown) -> ClaimShown:
    return replace(claim, worked="", verdict=UNKNOWN, right=None, result=UNKNOWN, why=(), pending=None)


# -- panes


def _blocks(blocks: Sequence[Block], state: State, step: Step) -> Sequence[Block]:
    """The blocks, each masked when it is looked at."""

    def masked(block: Block) -> Block:
        return _grid(block, state, step) if isinstance(block, Grid) else _note(block, state, step)

    return Blocks.of(blocks).changed(masked)


def _grid(grid: Grid, state: State, step: Step) -> Grid:
    written = f"new({step.tensor})" if step.phase == "update" else step.writes
    whole = state.place.element is None

    def result(index: IntArray) -> npt.NDArray[np.bool_]:
        if grid.tensor == written or grid.key == "difference":
            return np.asarray(np.full(index.shape, whole) | (index == state.target))
        if grid.key == "products":
            # In scatter order the shares, too, are numbered by tap.
            return np.asarray(np.full(index.shape, state.place.term is None) | (index == grid.follow))
        return np.full(index.shape, grid.key.startswith("intermediate ") or grid.key.endswith(" after"))

    def cells(index: IntArray) -> Cells:
        shown, hidden = grid.cells(index), result(index)
        # What is blank at this place anyhow stays so.
        hidden &= shown.status != 0
        values = np.where(hidden, 0.0, shown.values)
        was = None if shown.was is None else np.where(hidden, 0.0, shown.was)
        return replace(shown, values=values, status=np.where(hidden, HIDDEN, shown.status).astype(np.uint8), was=was)

    return replace(grid, cells=cells, yours=None)


def _note(note: Note, state: State, step: Step) -> Note:
    if note.text.startswith(_SUMS):
        return replace(note, text=f"{note.text.split()[0]} = {UNKNOWN}")
    if note.style == "strong":
        return note
    if step.phase == "update" or " via " in f" {note.text}":
        # What a user gave, or what an assignment of the update came to.
        return replace(note, text=re.sub(r"= -?[\w.]+(e-?\d+)?(?=[ ,…✓]|$)", f"= {UNKNOWN}", note.text))
    return note
