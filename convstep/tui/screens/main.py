"""The main screen: every key moves the session at once, and the screen is painted once a frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.geometry import Offset, Region, Size
from textual.screen import Screen

from convstep.debugger.view import Block, Grid, View
from convstep.errors import ConvstepError
from convstep.tui.actions import ACTIONS, STEPS
from convstep.tui.screens.arrangement import PANES, Board, arrange
from convstep.tui.theme.colours import Palette
from convstep.tui.widgets.copying import copied_number, copied_slice, described
from convstep.tui.widgets.footer import Footer
from convstep.tui.widgets.formula import formula_lines
from convstep.tui.widgets.head import head_lines
from convstep.tui.widgets.ledger import ledger_lines
from convstep.tui.widgets.legend import legend_line
from convstep.tui.widgets.lines import Lines
from convstep.tui.widgets.message import message_line
from convstep.tui.widgets.pane import Pane
from convstep.tui.widgets.program import Program
from convstep.tui.widgets.timeline import Timeline

if TYPE_CHECKING:
    from convstep.debugger.session import Session

TITLES = {"tensors": "Tensors", "local": "Local derivatives", "gradients": "Accumulated gradients"}
_KEYS = {key for action in ACTIONS for key in action.keys}
_ASK = "q again to quit without saving; ctrl+s saves"
_NO_NUMBER = "no number is chosen: tab goes to a pane, the arrows to a number"


class MainScreen(Screen[None], inherit_bindings=False):
    """Reads one View a repaint and hands it to the widgets; knows nothing about networks."""

    AUTO_FOCUS = None
    BINDINGS = [
        Binding(key, f"step('{action.id}')" if action.group == STEPS else action.id, action.title, show=False)
        for action in ACTIONS
        for key in action.keys
    ]

    def __init__(self, session: Session, palette: Palette) -> None:
        super().__init__()
        self.session = session
        self.palette = palette
        self.message = ""
        self.board = Board()
        self.board.pane = self.look.get("pane", "local")
        self.panes = [Pane(name, TITLES[name], self.look) for name in PANES]
        self._pending = False
        self._asked = False
        self._painted = Size(0, 0)

    @property
    def look(self) -> dict[str, Any]:
        return self.session.look

    @property
    def layout(self) -> Board:
        return self.board

    def compose(self) -> ComposeResult:
        yield Lines("head")
        yield Lines("formula")
        yield Program("program")
        yield from self.panes
        yield Lines("ledger")
        yield Lines("message")
        yield Lines("legend")
        yield Timeline("timeline")
        yield Footer("footer")

    def on_mount(self) -> None:
        if self.look.get("focus") in PANES:
            self.set_focus(self.query_one(f"#{self.look['focus']}", Pane))
        self.paint()

    def on_resize(self, event: events.Resize) -> None:
        if self._painted != self.app.size:
            self.paint()

    # Painting

    def repaint(self, message: str = "") -> None:
        """Something changed: paint before the next frame. Steps between two frames are painted once."""
        self.message = message
        self._asked = False
        if not self._pending:
            self._pending = True
            self.call_after_refresh(self.paint)

    def paint(self) -> None:
        """Draw the session's present view; only lines that differ reach the terminal."""
        self._pending = False
        if not self.is_mounted and not self.is_attached:
            return
        self._painted = self.app.size
        regions = arrange(*self._painted, self.board.pane)
        view = self.session.view()
        self._paint_panes(view, regions)
        self._paint_rest(view, regions)
        self._place_cursor(regions)

    def _paint_panes(self, view: View, regions: dict[str, Region]) -> None:
        blocks: dict[str, list[Block]] = {
            "tensors": view.tensors,
            "local": view.local,
            "gradients": view.gradients,
        }
        alone = sum(name in regions for name in PANES) == 1
        for i, pane in enumerate(self.panes):
            if region := regions.get(PANES[i]):
                pane.show_blocks(blocks[PANES[i]], region, self.palette, f" · {i + 1} of 3, tab" if alone else "")

    def _paint_rest(self, view: View, regions: dict[str, Region]) -> None:
        palette = self.palette
        for name, draw in (
            ("head", lambda w, h: head_lines(view, w, h, palette)),
            ("formula", lambda w, h: formula_lines(view.formula, w, h, palette)),
            ("ledger", lambda w, h: ledger_lines(view.ledger, w, h, palette)),
            ("message", lambda w, h: [message_line(self.message, self._cursor_text(), view.notices, w, palette)]),
            ("legend", lambda w, h: [self._legend(w)]),
        ):
            if region := regions.get(name):
                self._lines(name).show(draw(region.width, region.height))
        if region := regions.get("program"):
            cast(Program, self._lines("program")).show_program(view.program, region.width, region.height, palette)
        if region := regions.get("footer"):
            cast(Footer, self._lines("footer")).show_actions(region.width, palette, self.pane is not None)
        if region := regions.get("timeline"):
            cast(Timeline, self._lines("timeline")).show_bar(view.timeline, region.width, palette)

    def _lines(self, name: str) -> Lines:
        return self.get_child_by_id(name, Lines)

    def _legend(self, width: int) -> Any:
        grid = self._scaled()
        return legend_line(grid.scale if grid else None, width, self.palette, grid.title if grid else "")

    def _scaled(self) -> Grid | None:
        """The grid whose colour scale the legend shows: under the cursor, or the first of the gradients' pane."""
        pane = self.pane
        if pane is not None and (cursor := pane.cursor()):
            return cursor[0]
        return next((grid for pane in (self.panes[2], self.panes[0]) for grid in pane.grids), None)

    def _cursor_text(self) -> str:
        pane = self.pane
        spot = pane.spot() if pane else None
        return described(spot) if spot else ""

    def _place_cursor(self, regions: dict[str, Region]) -> None:
        """The terminal's cursor sits on the active cell, for screen readers and magnifiers."""
        pane = self.pane
        for candidate in [pane] if pane else [self.panes[2], self.panes[0], self.panes[1]]:
            region = regions.get(candidate.id or "")
            offset = candidate.cursor_offset()
            if region and offset and offset[1] < region.height:
                self.app.cursor_position = Offset(region.x + offset[0], region.y + offset[1])
                return

    @property
    def pane(self) -> Pane | None:
        """The pane that has the focus."""
        return self.focused if isinstance(self.focused, Pane) else None

    # Steps and places

    def action_step(self, name: str) -> None:
        self.repaint(getattr(self.session, name)())

    def on_key(self, event: events.Key) -> None:
        """A key that stands for nothing says so."""
        if event.key not in _KEYS:
            key = event.character if event.is_printable else event.key
            self.repaint(f"{key} does nothing here; ? tells what the keys do")

    def action_go(self) -> None:
        from convstep.tui.dialogs.go import GoDialog

        self.app.push_screen(GoDialog(self.session.go, self.session.completions()), self._told)

    def action_save(self) -> None:
        from convstep.tui.dialogs.save import SaveDialog

        self.app.push_screen(SaveDialog(self.session.save, self.session.propose_name()), self._told)

    def _told(self, message: str | None) -> None:
        self.repaint(message or "")

    def action_writer(self) -> None:
        spot = self.pane.spot() if self.pane else None
        if spot is None:
            self.repaint(_NO_NUMBER)
        elif spot.grid.tensor is None:
            self.repaint(f"{spot.name} is worked out here: no step wrote it")
        else:
            tensor, index = spot.grid.tensor, spot.index
            self._try(lambda: self.session.writer(tensor, index))

    def action_explain(self) -> None:
        spot = self.pane.spot() if self.pane else None
        try:
            if spot is None:
                text = self.session.explain()
            elif spot.grid.tensor is None:
                raise ConvstepError(f"{spot.name} is worked out here; the formula above has it")
            else:
                text = self.session.explain(spot.grid.tensor, spot.index)
        except ConvstepError as error:
            self.repaint(str(error))
            return
        from convstep.tui.dialogs.explain import ExplainDialog

        self.app.push_screen(ExplainDialog(text))

    def action_back(self) -> None:
        self._try(self.session.back)

    def _try(self, move: Callable[[], str]) -> None:
        try:
            self.repaint(move())
        except ConvstepError as error:
            self.repaint(str(error))

    # Panes and numbers

    def action_next_pane(self) -> None:
        self._focus_pane(1)

    def action_previous_pane(self) -> None:
        self._focus_pane(-1)

    def _focus_pane(self, step: int) -> None:
        if self.pane is None:
            chosen = self.panes[0 if step > 0 else -1]
        else:
            chosen = self.panes[(self.panes.index(self.pane) + step) % len(self.panes)]
        self.set_focus(chosen, scroll_visible=False)

    def action_let_go(self) -> None:
        self.set_focus(None)
        self.look["focus"] = None
        self.repaint()

    def on_descendant_focus(self) -> None:
        pane = self.pane
        if pane is None:
            return
        self.look["focus"] = pane.id
        if pane.id != self.board.pane:
            self.board.pane = self.look["pane"] = pane.id or "local"
            if pane.id not in arrange(*self.app.size) or len(self.visible_panes) == 1:
                self.refresh(layout=True)
        self.repaint()

    @property
    def visible_panes(self) -> list[str]:
        regions = arrange(*self.app.size, self.board.pane)
        return [name for name in PANES if name in regions]

    def on_descendant_blur(self) -> None:
        self.repaint(self.message)

    def on_pane_changed(self) -> None:
        self.repaint()

    def action_channel_back(self) -> None:
        self._channel(-1)

    def action_channel_on(self) -> None:
        self._channel(1)

    def _channel(self, step: int) -> None:
        panes = [self.pane] if self.pane else self.panes
        if not any(pane.change_channel(step) for pane in panes):
            self.repaint("no tensor here has channels")

    def action_copy_number(self) -> None:
        spot = self.pane.spot() if self.pane else None
        self._copy(copied_number(spot) if spot else None)

    def action_copy_slice(self) -> None:
        cursor = self.pane.cursor() if self.pane else None
        placed = self.pane.placed(cursor[0].key) if self.pane and cursor else None
        self._copy(copied_slice(placed.grid, placed.window) if placed else None)

    def _copy(self, text: str | None) -> None:
        if text is None:
            self.repaint(_NO_NUMBER)
            return
        self.app.copy_to_clipboard(text)
        self.repaint(f"copied {text}")

    # The screen itself

    def action_theme(self) -> None:
        self.app.action_toggle_dark()

    def action_palette(self) -> None:
        self.app.action_command_palette()

    def action_help(self) -> None:
        from convstep.tui.dialogs.help import HelpDialog

        self.app.push_screen(HelpDialog())

    def action_quit(self) -> None:
        """At once where nothing would be lost; otherwise the second time."""
        if self._asked or not self.session.unsaved:
            self.app.exit()
            return
        self.repaint(_ASK)
        self._asked = True

    # Clicks

    def on_program_chosen(self, message: Program.Chosen) -> None:
        self._try(lambda: self.session.go_to_operation(message.operation))

    def on_timeline_chosen(self, message: Timeline.Chosen) -> None:
        self._try(lambda: self.session.go_to_share(message.share))

    async def on_footer_chosen(self, message: Footer.Chosen) -> None:
        action = message.action
        await self.run_action(f"step('{action.id}')" if action.group == STEPS else action.id)
