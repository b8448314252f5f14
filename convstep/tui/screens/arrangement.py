"""Where everything stands on a screen of a given size. A function of the size alone: no step moves anything."""

from __future__ import annotations

from textual.geometry import Offset, Region, Size, Spacing
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

PANES = ("tensors", "local", "gradients")
NARROWEST_THREE = 77
"""Three panes of 25 columns and the lines between them."""
PROGRAM_FROM = 100
LEDGER_FROM = 35
_TALLEST_LEDGER = 16
_THIRD_LINE_FROM = 30
_LOWEST_PANES = 6
_LOWEST_STACKED = 9


def arrange(width: int, height: int, pane: str = "local") -> dict[str, Region]:
    """A region for each part that is visible. `pane` is the one that stays where there is room for one alone."""
    above, below = _lines(height)
    if height >= _THIRD_LINE_FROM and width < PROGRAM_FROM:
        above["head"] += 1
    body = max(1, height - sum(above.values()) - sum(below.values()))
    ledger = min(_TALLEST_LEDGER, body * 2 // 5) if height >= LEDGER_FROM else 0
    regions: dict[str, Region] = {}
    y = 0
    for name, lines in above.items():
        regions[name] = Region(0, y, width, lines)
        y += lines
    program = min(38, max(22, width // 5)) if width >= PROGRAM_FROM else 0
    if program:
        regions["program"] = Region(0, y, program, body - ledger)
    regions.update(_panes(Region(program, y, width - program, body - ledger), pane))
    y += body - ledger
    if ledger:
        regions["ledger"] = Region(0, y, width, ledger)
        y += ledger
    for name, lines in below.items():
        regions[name] = Region(0, y, width, lines)
        y += lines
    return {name: region for name, region in regions.items() if region.height > 0 and region.width > 0}


def _lines(height: int) -> tuple[dict[str, int], dict[str, int]]:
    """The lines above and below the panes; on a low screen the least needed go first."""
    above = {"head": 3, "formula": 4}
    below = {"message": 1, "legend": 1, "timeline": 1, "footer": 1}
    savings = (("legend", 0), ("formula", 0), ("timeline", 0), ("head", 2), ("footer", 0), ("head", 1))
    for name, lines in savings:
        if height - sum(above.values()) - sum(below.values()) >= _LOWEST_PANES:
            break
        (above if name in above else below)[name] = lines
    if height < 4:
        below["message"] = 0
    return above, below


def _panes(room: Region, pane: str) -> dict[str, Region]:
    x, y, width, height = room
    if width >= NARROWEST_THREE:
        first, second = (width - 2) // 3, (width - 1) // 3
        return {
            "tensors": Region(x, y, first, height),
            "local": Region(x + first, y, second + 1, height),
            "gradients": Region(x + first + second + 1, y, width - first - second - 1, height),
        }
    if height >= 3 * _LOWEST_STACKED:
        tall = height // 3
        return {
            name: Region(x, y + i * tall, width, tall if i < 2 else height - 2 * tall) for i, name in enumerate(PANES)
        }
    return {pane: room}


class Board(Layout):
    """The arrangement as a layout of Textual's: widgets stand where their id says."""

    name = "board"

    def __init__(self) -> None:
        self.pane = "local"

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        regions = arrange(size.width, size.height, self.pane)
        nowhere = Region(0, 0, 0, 0)
        margin, offset = Spacing(), Offset(0, 0)
        return [WidgetPlacement(regions.get(child.id or "", nowhere), offset, margin, child) for child in children]
