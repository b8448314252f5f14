"""What can be taken along as a file: a grid's numbers as CSV or npy, a number's formula as LaTeX or Markdown."""

from __future__ import annotations

import csv
import io
import os
import re
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from convstep.debugger.keeping.saving import unused_name, write_whole
from convstep.debugger.origins import Explainer
from convstep.debugger.screen.view import HIDDEN, Grid
from convstep.engine.state import State, Status
from convstep.engine.work import QUIET, Work
from convstep.errors import ConvstepError
from convstep.explain.naming import Names
from convstep.explain.provenance.provenance import Address
from convstep.ops.base import Array, IntArray, Shape

Form = Literal["svg", "tex", "md", "csv", "npy"]

_AT_ONCE = 2**15
_NOT_THERE = (Status.BLANK, HIDDEN)


@dataclass(frozen=True)
class Numbers:
    """Numbers as they stand at the present position: NaN where nothing is `written` yet; `partial` are not finished."""

    values: Array
    written: npt.NDArray[np.bool_]
    partial: int

    @property
    def remark(self) -> str:
        """What is to be known about numbers that are not final, "" where all are."""
        blank = int((~self.written).sum())
        parts = [f"{blank:,} of {self.values.size:,} not written yet: left blank"] if blank else []
        parts += [f"{self.partial:,} not finished"] if self.partial else []
        return ", ".join(parts)


def numbers_of(grid: Grid, index: IntArray, shape: Shape, dtype: np.dtype[Any] | None, work: Work = QUIET) -> Numbers:
    """The numbers of a grid at flat indices, in this shape; `dtype` is the tensor's, where it is one."""
    values, status = np.empty(len(index)), np.empty(len(index), np.uint8)
    for start in range(0, len(index), _AT_ONCE):
        work.check()
        work.report("export", start / max(1, len(index)))
        part = slice(start, start + _AT_ONCE)
        cells = grid.cells(index[part])
        values[part], status[part] = cells.values, cells.status
    blank = np.isin(status, _NOT_THERE)
    values[blank] = np.nan
    values[status == Status.PADDING] = 0.0
    whole = values if dtype is None or (blank.any() and dtype.kind != "f") else values.astype(dtype)
    return Numbers(whole.reshape(shape), ~blank.reshape(shape), int((status == Status.PARTIAL).sum()))


def as_csv(numbers: Numbers) -> bytes:
    """A line a row, every digit, nothing where nothing is written.

    Several matrices, one below the other, have lines that begin with their place, after a first line that says
    so: `0,1,2,[0],[1]`, the indices, then the columns.
    """
    tensor = numbers.values
    columns = tensor.shape[-1] if tensor.ndim else 1
    lead = tensor.shape[:-1] if prod(tensor.shape[:-2]) > 1 else ()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if lead:
        writer.writerow([*range(len(lead)), *(f"[{k}]" for k in range(columns))])
    rows = zip(tensor.reshape(-1, columns).tolist(), numbers.written.reshape(-1, columns).tolist(), strict=True)
    for number, (row, written) in enumerate(rows):
        place = [int(i) for i in np.unravel_index(number, lead)] if lead else []
        writer.writerow([*place, *(repr(value) if there else "" for value, there in zip(row, written, strict=True))])
    return text.getvalue().encode()


def as_npy(numbers: Numbers) -> bytes:
    """The array, as numpy writes it."""
    file = io.BytesIO()
    np.save(file, numbers.values, allow_pickle=False)
    return file.getvalue()


def formula_of(state: State, names: Names, address: Address, form: Form) -> str:
    """The formula of a number. Raises ConvstepError where it is not written yet."""
    from convstep.explain.formula.formula import Formulas
    from convstep.explain.formula.writing import as_latex, as_markdown, explain

    Explainer(state, names).check(address)
    explanation = explain(Formulas(state.recording, names, address.iteration), address.key, address.index)
    return (as_latex if form == "tex" else as_markdown)(explanation) + "\n"


def propose(stem: str, form: Form) -> str:
    """A file name that does not exist yet, in the current directory."""
    plain = re.sub(r"[^\w.]+", "-", stem).strip("-.") or "export"
    return unused_name(plain, f".{form}")


def checked(path: str) -> str:
    """A path where a new file may be written. Raises ConvstepError where it may not."""
    where = Path(os.path.expanduser(path.strip()))
    if os.path.lexists(where):
        raise ConvstepError(f"{path} exists already: choose another name")
    if not os.path.isdir(where.parent):
        raise ConvstepError(f"there is no directory {where.parent}")
    if not os.access(where.parent, os.W_OK):
        raise ConvstepError(f"nothing can be written in {where.parent}: choose another directory")
    return str(where)


def write(path: str, content: bytes) -> None:
    """A new file, whole or not at all. Raises ConvstepError where that fails."""
    checked(path)
    try:
        write_whole(Path(path), content)
    except OSError as error:
        raise ConvstepError(f"{path} cannot be written: {error.strerror or error}") from None
