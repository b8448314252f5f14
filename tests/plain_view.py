"""A screen as plain data, every visible cell read: what two screens are compared by."""

from __future__ import annotations

from typing import Any

import numpy as np

from convstep.debugger.screen.view import Formula, Grid, Ledger, View

MOST = 400
"""Cells of a grid, and rows of a sum, that are read."""


def plain(view: View) -> dict[str, Any]:
    """Everything that a screen shows, with functions called and numbers as their bits."""
    return {
        "name": view.name,
        "where": view.where,
        "status": view.status,
        "sentence": view.sentence,
        "formula": None if view.formula is None else _formula(view.formula),
        **{pane: [_block(block) for block in getattr(view, pane)] for pane in ("tensors", "local", "gradients")},
        "program": [(line.text, line.state, line.operation) for line in view.program],
        "timeline": view.timeline,
        "ledger": None if view.ledger is None else _ledger(view.ledger),
        "notices": view.notices,
    }


def texts(value: Any) -> list[str]:
    """Every text of a plain view."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    return [t for item in value for t in texts(item)] if isinstance(value, (list, tuple, type({}.values()))) else []


def _some(count: int) -> list[int]:
    return list(range(min(count, MOST)))


def _formula(formula: Formula) -> Any:
    terms = [formula.term(k) for k in _some(formula.count)]
    return {**vars(formula), "term": [(t.names, t.numbers, t.result) for t in terms]}


def _ledger(ledger: Ledger) -> Any:
    rows = [ledger.row(k) for k in _some(ledger.count)]
    assert all(len(row) == len(ledger.header) for row in rows)
    return {**vars(ledger), "row": rows}


def _block(block: Any) -> Any:
    if not isinstance(block, Grid):
        return (block.text, block.style)
    size = int(np.prod(block.shape))
    index = np.arange(min(size, MOST), dtype=np.intp)
    cells = block.cells(index)
    assert cells.values.shape == cells.status.shape == cells.marks.shape == index.shape
    assert cells.values.dtype == np.float64
    written = [block.format.text(float(value)) for value in cells.values]
    corners = [block.element(k) for k in {0, size - 1}] if size else []
    assert block.follow is None or 0 <= block.follow < size
    assert block.scale > 0 or not cells.status.any()
    arrays = [a.tobytes() for a in (cells.values, cells.status, cells.marks)]
    head = (block.key, block.title, block.note, block.shape, block.scale, block.follow, block.sign, block.tensor)
    return [head, block.format, arrays, written, corners]
