"""A view on the main screen: each part that has a region there is handed its lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from textual.geometry import Offset, Region
from textual.strip import Strip

from convstep.debugger.screen.view import Grid, View
from convstep.tui.screens.arrangement import PANES
from convstep.tui.widgets.claim import claim_notice, sum_lines
from convstep.tui.widgets.copying import described
from convstep.tui.widgets.footer import Footer
from convstep.tui.widgets.formula import formula_lines
from convstep.tui.widgets.head import head_lines
from convstep.tui.widgets.legend import legend_line
from convstep.tui.widgets.lines import Lines
from convstep.tui.widgets.message import message_line
from convstep.tui.widgets.pane_lines import LOOKED_AT
from convstep.tui.widgets.program import Program
from convstep.tui.widgets.timeline import Timeline

if TYPE_CHECKING:
    from convstep.tui.screens.main import MainScreen


def draw_view(screen: MainScreen, view: View, regions: Mapping[str, Region]) -> None:
    """Draw it; only lines that differ reach the terminal."""
    _draw_panes(screen, view, regions)  # first: the legend is about what stands in them
    _draw_lines(screen, view, regions)
    _place_cursor(screen, regions)


def _draw_panes(screen: MainScreen, view: View, regions: Mapping[str, Region]) -> None:
    alone = sum(name in regions for name in PANES) == 1
    shown = zip(PANES, screen.panes, (view.tensors, view.local, view.gradients), strict=True)
    for i, (name, pane, blocks) in enumerate(shown, 1):
        if region := regions.get(name):
            pane.show_blocks(blocks, region, screen.palette, f" · {i} of {len(PANES)}, tab" if alone else "")


def _draw_lines(screen: MainScreen, view: View, regions: Mapping[str, Region]) -> None:
    palette = screen.palette
    parts: dict[str, Callable[[int, int], Sequence[Strip]]] = {
        "head": lambda w, h: head_lines(view, w, h, palette),
        "formula": lambda w, h: formula_lines(view.formula, w, h, palette),
        "ledger": lambda w, h: sum_lines(view.ledger, view.claims, w, h, palette),
        "message": lambda w, h: [_message(screen, view, regions, w)],
        "legend": lambda w, h: [_legend(screen, view, w)],
    }
    for name, draw in parts.items():
        if region := regions.get(name):
            screen.get_child_by_id(name, Lines).show(draw(region.width, region.height))
    if region := regions.get("program"):
        screen.get_child_by_id("program", Program).show_program(view.program, region.width, region.height, palette)
    if region := regions.get("footer"):
        in_pane = screen.pane is not None
        screen.get_child_by_id("footer", Footer).show_actions(region.width, palette, in_pane, screen.actions)
    if region := regions.get("timeline"):
        screen.get_child_by_id("timeline", Timeline).show_bar(view.timeline, region.width, palette)


def _message(screen: MainScreen, view: View, regions: Mapping[str, Region], width: int) -> Strip:
    claim = "" if "ledger" in regions else claim_notice(view.claims)
    notices = [*view.notices, claim] if claim else view.notices
    if view.asks and regions["head"].height == 1:
        notices = [view.asks, *notices]
    number = screen.number
    message = screen.message or ("" if number else view.alarm)
    return message_line(message, described(number) if number else "", notices, width, screen.palette)


def _legend(screen: MainScreen, view: View, width: int) -> Strip:
    grid = _scaled(screen, view.writes)
    compared = any(placed.grid.yours for placed in screen.panes[2].drawn.placed)
    scale, of = (grid.scale, grid.title) if grid else (None, "")
    return legend_line(scale, width, screen.palette, of, view.edited, compared)


def _scaled(screen: MainScreen, written: str) -> Grid | None:
    """The grid whose colour scale the legend shows: under the cursor, what is written, or the first one begun."""
    if screen.pane is not None and (cursor := screen.pane.cursor()):
        return cursor[0]
    panes = (screen.panes[2], screen.panes[0])
    placed = (one.grid for pane in panes for one in pane.drawn.placed if one.grid.tensor == written)
    blocks = (block for pane in panes for block in pane.blocks[:LOOKED_AT] if isinstance(block, Grid))
    return next((grid for grid in chain(placed, blocks) if grid.scale and grid.begun), None)


def _place_cursor(screen: MainScreen, regions: Mapping[str, Region]) -> None:
    """The terminal's cursor sits on the active cell, for screen readers and magnifiers."""
    tensors, local, gradients = screen.panes
    for pane in [screen.pane] if screen.pane else [gradients, tensors, local]:
        region = regions.get(pane.id or "")
        offset = pane.cursor_offset()
        if region and offset and offset[1] < region.height:
            screen.app.cursor_position = Offset(region.x + offset[0], region.y + offset[1])
            return
