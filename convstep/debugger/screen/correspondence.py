"""The other views of a step as pages of grids: which cell of each belongs to the present term, and that all agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convstep.debugger.screen.stage import look_of
from convstep.debugger.screen.view import Cells, Grid, Mark
from convstep.engine.state import State, Status
from convstep.explain.naming import Names
from convstep.explain.numbers import short
from convstep.explain.views import views_of
from convstep.explain.views.sheet import OtherView, Sheet
from convstep.explain.views.site import Site
from convstep.ops.base import IntArray

_SAMPLED = 512


@dataclass(frozen=True)
class Page:
    """One view: a grid for each of its sheets, from left to right, and the number that it comes to, as text."""

    title: str
    words: str
    grids: tuple[Grid, ...]
    value: str


@dataclass(frozen=True)
class Pages:
    """All views of one number; `result` is how it is written down: `grad(w1)[1] so far`."""

    result: str
    pages: tuple[Page, ...]

    @property
    def equality(self) -> str:
        """`grad(w1)[1]: gather -30 = scatter-add -30 = …`."""
        return f"{self.result}: " + " = ".join(f"{page.title} {page.value}" for page in self.pages)


def pages(state: State, names: Names) -> Pages | None:
    """The views of the sum that this step is about; None where there are none: at the start and in an update."""
    found = views_of(state, names)
    if found is None or not found[1]:
        return None
    site, views = found
    result = site.written if site.done is None else f"{site.written} so far"
    return Pages(result, tuple(_page(site, view) for view in views))


def _page(site: Site, view: OtherView) -> Page:
    known = site.done is None or view.stepwise
    value = short(view.value(site.done)) if known else "·"
    grids = tuple(_grid(site, view, sheet, nth) for nth, sheet in enumerate(view.sheets))
    return Page(view.title, view.words, grids, value)


def _grid(site: Site, view: OtherView, sheet: Sheet, nth: int) -> Grid:
    size = int(np.prod(sheet.shape))
    own = sheet.terms[sheet.terms >= 0]
    sampled = np.unique(np.append(own[:_SAMPLED], np.linspace(0, size - 1, min(size, _SAMPLED)).astype(np.intp)))
    if sheet.finished is not None:
        number_format, scale = look_of(sheet.finished(sampled))
    else:
        values, status = sheet.cells(sampled)
        number_format, scale = look_of(values[status != Status.BLANK])
    now = _now(site, view, sheet)

    def cells(index: IntArray) -> Cells:
        values, status = sheet.cells(index)
        marks = np.zeros(index.shape, np.uint8)
        marks[np.isin(index, own)] = Mark.NOW if site.done is None else Mark.REST
        if now is not None:
            marks[index == now] = Mark.NOW
        if len(own) and sheet.sign and (own == own[0]).all() and len(own) > 1:
            marks[index == own[0]] = Mark.WRITTEN
        return Cells(values, status, marks)

    return Grid(
        key=f"{view.title} {nth}",
        title=sheet.title,
        note=sheet.note or "×".join(map(str, sheet.shape)),
        shape=sheet.shape,
        cells=cells,
        element=sheet.name,
        format=number_format,
        scale=scale,
        follow=now if now is not None else int(own[0]) if len(own) else None,
        sign=sheet.sign,
    )


def _now(site: Site, view: OtherView, sheet: Sheet) -> int | None:
    """The cell of the present term."""
    if site.done is None or not site.done or site.done > len(sheet.terms):
        return None
    cell = int(sheet.terms[site.done - 1])
    return cell if cell >= 0 else None
