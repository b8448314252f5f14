"""Take the screen, a formula or a tensor along as a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from convstep.debugger.keeping.export import (
    Form,
    Numbers,
    as_csv,
    as_npy,
    checked,
    formula_of,
    numbers_of,
    propose,
    write,
)
from convstep.debugger.origins import Explainer
from convstep.engine.work import TooLong, Work
from convstep.errors import ConvstepError
from convstep.explain.provenance.provenance import Address
from convstep.tui.dialogs.export import ExportDialog, FileNameDialog
from convstep.tui.doing.predicting import hidden_here
from convstep.tui.widgets.window import Matrix

if TYPE_CHECKING:
    from convstep.debugger.screen.view import Grid
    from convstep.tui.screens.main import MainScreen
    from convstep.tui.widgets.window import Window

_FORMS: tuple[Form, ...] = ("csv", "npy")


@dataclass(frozen=True)
class _Choice:
    """Something to export: what it is, the beginning of a file's name, its form, and how it is made at a path."""

    what: str
    stem: str
    form: Form
    make: Callable[[str], None]


def export(screen: MainScreen) -> None:
    """Ask what, then under which name, then write it; says where."""
    if hidden_here(screen):
        return
    choices = _choices(screen)

    def chosen(nth: int | None) -> None:
        if nth is None:
            return
        choice = choices[nth]

        def named(path: str | None) -> None:
            if path is not None:
                choice.make(path)

        proposed = propose(choice.stem, choice.form)
        screen.app.push_screen(FileNameDialog(choice.what, checked, proposed), named)

    screen.app.push_screen(ExportDialog([choice.what for choice in choices]), chosen)


def _choices(screen: MainScreen) -> list[_Choice]:
    net = screen.session.graph.name
    choices = [_Choice("the screen as SVG", net, "svg", lambda path: _svg(screen, path))]
    subject = _subject(screen)
    if subject is not None:
        choices += [_formula(screen, *subject, "LaTeX", "tex"), _formula(screen, *subject, "Markdown", "md")]
    found = _grid(screen)
    if found is None:
        return choices
    grid, window = found
    choices += [_tensor(screen, grid, None, form) for form in _FORMS]
    if window is not None and not (window.whole and window.matrix.leads == 1):
        choices += [_tensor(screen, grid, window, form) for form in _FORMS]
    return choices


def _subject(screen: MainScreen) -> tuple[Address, str] | None:
    """The number whose formula is meant: under the cursor, else the one that the step is about."""
    session, spot = screen.session, screen.number
    explainer = Explainer(session.state(), session.names)
    if spot is not None and spot.grid.tensor is not None:
        return Address(session.place.iteration, spot.grid.tensor, spot.index), spot.name
    if session.state().step is None:
        return None
    return explainer.subject, explainer.name(explainer.subject)


def _grid(screen: MainScreen) -> tuple[Grid, Window | None] | None:
    """The grid under the cursor, else the one that is written, else the first one; and what is seen of it."""
    cursor = screen.pane.cursor() if screen.pane else None
    placed = [each for pane in screen.panes for each in pane.drawn.placed]
    if cursor is None:
        step = screen.session.state().step
        written = None if step is None else f"new({step.tensor})" if step.phase == "update" else step.writes
        own = [each for each in placed if each.grid.tensor == written] or placed
        return (own[0].grid, own[0].window) if own else None
    window = next((each.window for each in placed if each.grid.key == cursor[0].key), None)
    return cursor[0], window


def _tensor(screen: MainScreen, grid: Grid, window: Window | None, form: Form) -> _Choice:
    name = grid.title if grid.tensor is None else screen.session.names.tensor(grid.tensor)
    seen = "" if window is None else f" {window.slice_text(grid.shape)}"
    stem = f"{screen.session.graph.name}-{name}{'-slice' if window else ''}"

    def make(path: str) -> None:
        index = np.arange(Matrix.of(grid.shape).size) if window is None else window.indices()
        shape = grid.shape if window is None else (window.rows, window.cols)
        dtype = screen.session.state().recorded(grid.tensor).dtype if grid.tensor else None

        def work(work: Work) -> Numbers:
            numbers = numbers_of(grid, index, shape, dtype, work)
            write(path, as_csv(numbers) if form == "csv" else as_npy(numbers))
            return numbers

        def done(numbers: Numbers) -> None:
            screen.repaint(f"wrote {name}{seen} to {path}" + (f"; {numbers.remark}" if numbers.remark else ""))

        screen.work(f"export {name}", work, done)

    return _Choice(f"{name}{seen} as {'CSV' if form == 'csv' else 'npy'}", stem, form, make)


def _svg(screen: MainScreen, path: str) -> None:
    """When the dialogs are gone from it."""

    def draw() -> None:
        title = f"{screen.session.graph.name} {screen.session.view().status}"
        write(path, screen.app.export_screenshot(title=title).encode())

    screen.call_after_refresh(lambda: _told(screen, draw, path))


def _formula(screen: MainScreen, address: Address, name: str, language: str, form: Form) -> _Choice:
    session = screen.session

    def make(path: str) -> None:
        def write_and_copy() -> None:
            text = formula_of(session.state(), session.names, address, form)
            write(path, text.encode())
            screen.app.copy_to_clipboard(text)

        _told(screen, write_and_copy, f"{path}, and copied it")

    return _Choice(f"the formula of {name} as {language}", f"{session.graph.name}-{name}", form, make)


def _told(screen: MainScreen, make: Callable[[], None], where: str) -> None:
    try:
        make()
    except (ConvstepError, TooLong) as error:
        screen.repaint(str(error))
    else:
        screen.repaint(f"wrote {where}")
