"""Two views of the same step, of an edited run and of the original one, as one: numbers that differ know both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from convstep.debugger.screen.view import Block, Blocks, Cells, Grid, Status, View
from convstep.ops.base import IntArray


def compared(view: View, original: View) -> View:
    """The view, whose grids say what each number was in the original."""
    return replace(
        view,
        tensors=_beside(view.tensors, original.tensors),
        local=_beside(view.local, original.local),
        gradients=_beside(view.gradients, original.gradients),
    )


def _beside(blocks: Sequence[Block], originals: Sequence[Block]) -> Sequence[Block]:
    before = Blocks.of(originals)

    def beside(block: Block) -> Block:
        original = before.grid(block.key) if isinstance(block, Grid) else None
        if not isinstance(block, Grid) or original is None or original.shape != block.shape:
            return block
        return _with_was(block, original)

    return Blocks.of(blocks).changed(beside)


def _with_was(grid: Grid, original: Grid) -> Grid:
    def cells(index: IntArray) -> Cells:
        now, before = grid.cells(index), original.cells(index)
        known = ~np.isin(now.status, _NO_NUMBER) & ~np.isin(before.status, _NO_NUMBER)
        return replace(now, was=np.where(known, before.values, now.values))

    return replace(grid, cells=cells)


_NO_NUMBER = (Status.BLANK, Status.PADDING)
