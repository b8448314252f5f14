"""Two views of the same step, of an edited run and of the original one, as one: numbers that differ know both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from convstep.debugger.screen.view import Block, Cells, Grid, Status, View
from convstep.ops.base import IntArray


def compared(view: View, original: View) -> View:
    """The view, whose grids say what each number was in the original."""
    return replace(
        view,
        tensors=_beside(view.tensors, original.tensors),
        local=_beside(view.local, original.local),
        gradients=_beside(view.gradients, original.gradients),
    )


def _beside(blocks: Sequence[Block], originals: Sequence[Block]) -> list[Block]:
    by_key = {(grid.key, grid.shape): grid for grid in originals if isinstance(grid, Grid)}
    return [
        _with_was(block, by_key[block.key, block.shape])
        if isinstance(block, Grid) and (block.key, block.shape) in by_key
        else block
        for block in blocks
    ]


def _with_was(grid: Grid, original: Grid) -> Grid:
    def cells(index: IntArray) -> Cells:
        now, before = grid.cells(index), original.cells(index)
        known = ~np.isin(now.status, _NO_NUMBER) & ~np.isin(before.status, _NO_NUMBER)
        return replace(now, was=np.where(known, before.values, now.values))

    return replace(grid, cells=cells)


_NO_NUMBER = (Status.BLANK, Status.PADDING)
