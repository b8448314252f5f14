"""`v`: the same step in its other views, one at a time, and the number that all of them come to."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding, BindingsMap
from textual.geometry import Offset, Region, Size, Spacing
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.strip import Strip
from textual.widget import Widget

from convstep.debugger.screen.correspondence import Page, Pages, pages
from convstep.debugger.screen.view import Grid
from convstep.debugger.session import Session
from convstep.engine.work import TooLong
from convstep.errors import ConvstepError
from convstep.tui.actions import ACTIONS, STEPS, Action
from convstep.tui.dialogs.hint import keys
from convstep.tui.screens.painted import Painted
from convstep.tui.theme.colours import Palette
from convstep.tui.widgets.legend import legend_line
from convstep.tui.widgets.lines import Lines
from convstep.tui.widgets.message import message_line
from convstep.tui.widgets.pane import Pane
from convstep.tui.widgets.text import Piece, cut, strip_of, wrap
from convstep.tui.widgets.window import Matrix

_PANES = ("first", "second", "third")
_NARROWEST = 60
"""Narrower than this, the grids stand one below the other."""
_TOP, _BOTTOM = 5, 5
_LEAST = 3
"""A rule, a title, and a line of numbers."""
_HERE = {
    "views": "turn(1)",
    "next_pane": "turn(1)",
    "previous_pane": "turn(-1)",
    "channel_back": "channel(-1)",
    "channel_on": "channel(1)",
    "let_go": "leave",
    "quit": "leave",
}
"""What keys of the main screen do here, where they are no steps."""


class ViewsScreen(Painted, inherit_bindings=False):
    """Steps on like the main screen; `v` goes round the views, escape leads back.

    Gives the step (an action's id) that leads to an iteration which has to be run first, None where it was left.
    """

    AUTO_FOCUS = None

    def __init__(
        self, session: Session, palette: Palette, shown: Pages | None, actions: Sequence[Action] = ACTIONS
    ) -> None:
        super().__init__()
        steps = {each.id: f"step('{each.id}')" for each in actions if each.group == STEPS}
        does = {**steps, **_HERE}
        bound = {key: does[each.id] for each in actions if each.id in does for key in each.keys}
        self._bindings = BindingsMap(Binding(key, what, show=False) for key, what in {"V": "turn(-1)", **bound}.items())
        self._hint = _hint(actions)
        self.session, self.palette = session, palette
        self._pages = shown
        self._at = session.standing
        self.board = _Columns()
        look = session.look.setdefault("views", {})
        self.panes = [Pane(name, "", look) for name in _PANES]
        for pane in self.panes:
            pane.can_focus = False
        self._look = look

    @property
    def layout(self) -> Layout:
        return self.board

    def compose(self) -> ComposeResult:
        yield Lines("top")
        yield from self.panes
        yield Lines("bottom")

    def on_mount(self) -> None:
        self.paint()

    # Painting

    def draw(self) -> None:
        """Draw the chosen view of the present step."""
        shown = self._shown()
        page = self._chosen(shown)
        grids = page.grids if page else ()
        self.board.wants = tuple(_wanted(grid) for grid in grids)
        regions = self.board.regions(self.app.size)
        for name, pane in zip(_PANES, self.panes, strict=True):
            if region := regions.get(name):
                pane.show_blocks([grids[_PANES.index(name)]], region, self.palette)
        self.get_child_by_id("top", Lines).show(self._top(shown, page, regions["top"]))
        self.get_child_by_id("bottom", Lines).show(self._bottom(shown, page, regions["bottom"]))
        # A child asks for it: what a screen has arranged is forgotten when one of its children changes.
        self.panes[0].refresh(layout=True)

    def _shown(self) -> Pages | None:
        """All views of the present step."""
        if self._at != self.session.standing:
            self._at, self._pages = self.session.standing, pages(self.session.state(), self.session.names)
        return self._pages

    def _chosen(self, shown: Pages | None) -> Page | None:
        """The view of the title that was chosen last, else the one after gathering and scattering."""
        if shown is None:
            return None
        titles = [page.title for page in shown.pages]
        wanted = self._look.get("view")
        return shown.pages[titles.index(wanted) if wanted in titles else min(2, len(titles) - 1)]

    def _top(self, shown: Pages | None, page: Page | None, region: Region) -> list[Strip]:
        palette, width = self.palette, region.width
        view = self.session.view()
        where = cut(f" {' › '.join(view.where)}", width - len(view.status) - 2)
        gap = " " * max(1, width - len(where) - len(view.status) - 1)
        lines = [
            strip_of([(where, palette.strong), (gap, palette.text), (view.status, palette.title)], width, palette.text)
        ]
        tabs: list[Piece] = [(" ", palette.text)]
        for each in shown.pages if shown else ():
            chosen = page is not None and each.title == page.title
            tabs += [(f"[{each.title}]" if chosen else f" {each.title} ", palette.now if chosen else palette.faint)]
        lines.append(strip_of(tabs, width, palette.text))
        words = (
            page.words if page else "This step has no other views: those are of forward and backward steps; n goes on."
        )
        lines += [strip_of([(f" {line}", palette.text)], width, palette.text) for line in wrap(words, width - 2, 2)]
        return _filled(lines, region, palette)

    def _bottom(self, shown: Pages | None, page: Page | None, region: Region) -> list[Strip]:
        palette, width = self.palette, region.width
        lines = [message_line(self.message, "", (), width, palette)]
        equality = wrap(shown.equality if shown else "", width - 2, region.height - 3)
        lines += [strip_of([(f" {line}", palette.strong)], width, palette.text) for line in equality]
        scaled = page.grids[0] if page else None
        lines.append(legend_line(scaled.scale if scaled else None, width, palette, scaled.title if scaled else ""))
        lines.append(strip_of([(f" {cut(self._hint, width - 1)}", palette.faint)], width, palette.text))
        return _filled(lines, region, palette)

    # Keys

    def action_step(self, name: str) -> None:
        here = self.session.standing
        try:
            message = getattr(self.session, name)()
            self.session.run()
        except ConvstepError as error:
            message = str(error)
        except TooLong:
            self.session.stand(here)
            self.dismiss(name)
            return
        if self.session.extras.get("predict") and self.session.prediction.hides(self.session.state()):
            self.dismiss(None)  # these views would give the result away
            return
        self.repaint(message)

    def action_turn(self, step: int) -> None:
        shown = self._shown()
        page = self._chosen(shown)
        if shown is None or page is None:
            self.repaint("there are no other views here")
            return
        titles = [each.title for each in shown.pages]
        self._look["view"] = titles[(titles.index(page.title) + step) % len(titles)]
        self.repaint()

    def action_channel(self, step: int) -> None:
        changed = [pane.change_channel(step) for pane in self.panes if pane.blocks]
        if not any(changed):
            self.repaint("no grid here has channels")

    def on_pane_changed(self) -> None:
        self.repaint()

    def action_leave(self) -> None:
        self.dismiss(None)


def _hint(actions: Sequence[Action]) -> str:
    """What the keys do: `v next view · V previous · n N s f o step on …`."""
    first = {each.id: each.shown.split()[0] for each in actions if each.keys}

    def of(*ids: str) -> str:
        return " ".join(first[each] for each in ids if each in first)

    steps = of("next", "previous", "first_inside", "out", "switch_order")
    channels = of("channel_back", "channel_on")
    return keys(f"{of('views')} next view", "V previous", f"{steps} step on", f"{channels} channel")


def _filled(lines: list[Strip], region: Region, palette: Palette) -> list[Strip]:
    blank = strip_of([], region.width, palette.text)
    return [*lines, *[blank] * (region.height - len(lines))][: region.height]


def _wanted(grid: Grid) -> tuple[int, int]:
    """How wide and how high a grid would be, as far as it is of use."""
    matrix, pitch = Matrix.of(grid.shape), grid.format.width + 4
    width = max(18, min(matrix.cols, 12) * pitch + 4, len(grid.title) + len(grid.sign) + 4)
    return width, min(matrix.rows, 12) + 2


class _Columns(Layout):
    """Head, grids side by side or one below the other, each with its share of the room, foot."""

    name = "columns"

    def __init__(self) -> None:
        self.wants: tuple[tuple[int, int], ...] = ()

    def regions(self, size: Size) -> dict[str, Region]:
        width, height = size
        top, bottom = min(_TOP, max(1, height - 8)), min(_BOTTOM, max(1, height - 12))
        body = max(1, height - top - bottom)
        regions = {"top": Region(0, 0, width, top), "bottom": Region(0, height - bottom, width, bottom)}
        beside = width >= _NARROWEST
        wants = [want[0 if beside else 1] for want in self.wants]
        at, room = 0, width if beside else body
        for k, name in enumerate(_PANES[: len(wants)]):
            share = room - at if k == len(wants) - 1 else max(_LEAST, room * wants[k] // sum(wants))
            own = min(share, room - at)
            regions[name] = Region(at, top, own, body) if beside else Region(0, top + at, width, own)
            at += own
        return {name: region for name, region in regions.items() if region.width > 0 and region.height > 0}

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        regions = self.regions(size)
        nowhere, margin, offset = Region(0, 0, 0, 0), Spacing(), Offset(0, 0)
        return [WidgetPlacement(regions.get(child.id or "", nowhere), offset, margin, child) for child in children]
