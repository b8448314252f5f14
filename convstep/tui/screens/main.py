"""The main screen: every key moves the session at once, and the screen is painted once a frame."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingsMap
from textual.geometry import Region
from textual.reactive import Reactive
from textual.widget import Widget

from convstep.engine.work import TooLong, Work
from convstep.errors import ConvstepError
from convstep.tui.actions import ACTIONS, STEPS, Action, action
from convstep.tui.doing.claims import find_out
from convstep.tui.screens.arrangement import PANES, Board, arrange
from convstep.tui.screens.drawing import draw_view
from convstep.tui.screens.working import Working
from convstep.tui.theme.colours import Palette
from convstep.tui.widgets.footer import Footer
from convstep.tui.widgets.lines import Lines
from convstep.tui.widgets.message import message_line
from convstep.tui.widgets.pane import Pane, Spot
from convstep.tui.widgets.program import Program
from convstep.tui.widgets.timeline import Timeline

if TYPE_CHECKING:
    from convstep.debugger.session import Session

TITLES = {"tensors": "Tensors", "local": "Local derivatives", "gradients": "Accumulated gradients"}
_FIRST_LOOK = 0.06
"""Seconds for which the first screen has the machine to itself."""
_BEGIN_NUMBERS = "0123456789.-("


class MainScreen(Working, inherit_bindings=False):
    """Reads one View a repaint and hands it to the widgets; knows nothing about networks."""

    AUTO_FOCUS = None

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """Who has the focus; the panes show it, and not the screen itself."""

    def __init__(self, session: Session, palette: Palette, actions: Sequence[Action] = ACTIONS) -> None:
        super().__init__(session)
        self.actions = actions
        bindings = (Binding(key, f"do('{each.id}')", each.title, show=False) for each in actions for key in each.keys)
        self._bindings = BindingsMap(bindings)
        self._keys = {key for each in actions for key in each.keys}
        self.palette = palette
        self.board = Board()
        self.board.pane = self.look.get("pane", "local")
        self.panes = [Pane(name, TITLES[name], self.look) for name in PANES]
        self.asked = False
        """Whether the last key was a `q` that asked for another."""
        self._begun = False
        self._shown: Any = None
        """Where one stood when the screen was last drawn."""

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
        self.set_timer(_FIRST_LOOK, self._begin)

    def on_screen_resume(self) -> None:
        if not self._begun:
            self.call_later(self._paint_first)

    def _paint_first(self) -> None:
        """The first painting waits for no frame."""
        self.arrange_now()
        self.paint_at_once()

    def _begin(self) -> None:
        """Run what the first screen could do without."""
        self._begun = True
        if self.jobs.job is not None:
            return
        try:
            self.session.run()
        except TooLong as need:
            self.unasked = True
            self.wait_for(need.index, self.paint, self.session.standing)

    # Painting

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """The first layout paints everything: Textual would paint all of it once more, a frame later."""
        first = not self._begun and self.stack_updates < 2
        if first and not self.size:
            return self
        return super().refresh(*regions, repaint=repaint and not first, layout=layout, recompose=recompose)

    def repaint(self, message: str = "") -> None:
        """Something changed: paint before the next frame. Steps between two frames are painted once."""
        self.asked = False
        super().repaint(message)

    def draw(self) -> None:
        """Draw the session's present view; only lines that differ reach the terminal."""
        if self.jobs.job is not None:
            self.paint_progress()
            return
        try:
            view = self.session.view()
        except TooLong as need:
            self.wait_for(need.index, self.paint, self._shown or self.session.outset)
            return
        self._shown = self.session.standing
        draw_view(self, view, arrange(*self.app.size, self.board.pane))
        if any(claim.pending for claim in view.claims):
            find_out(self, view.claims)

    def paint_progress(self) -> None:
        """During long work: how far it is."""
        job, region = self.jobs.job, arrange(*self.app.size, self.board.pane).get("message")
        if job is not None and region:
            self.get_child_by_id("message", Lines).show([message_line(job.line(), "", (), region.width, self.palette)])

    @property
    def pane(self) -> Pane | None:
        """The pane that has the focus."""
        return self.focused if isinstance(self.focused, Pane) else None

    @property
    def number(self) -> Spot | None:
        """The number under the cursor, where a pane has the focus."""
        return self.pane.spot() if self.pane else None

    def told(self, message: str | None) -> None:
        """A dialog was closed; with what it did."""
        self.repaint(message or "")

    # Actions

    def action_do(self, identity: str) -> None:
        """What a key, the footer or the palette asks for: an action of the registry, by its id."""
        chosen = action(identity)
        if self.jobs.job is not None:
            self.meanwhile(chosen)
        elif chosen.group == STEPS:
            self.move(getattr(self.session, chosen.id))
        else:
            self._act(getattr(import_module(f"convstep.tui.doing.{chosen.module}"), chosen.id))

    def _act(self, act: Callable[[MainScreen], None]) -> None:
        """Do it; where it needs an iteration that is not there yet, run that first."""

        def again() -> None:
            self.paint()  # what the panes had let go of
            self._act(act)

        try:
            act(self)
        except TooLong as need:
            self.wait_for(need.index, again, self.session.standing)

    def on_key(self, event: events.Key) -> None:
        """A key that stands for nothing says so."""
        if event.key not in self._keys and self.jobs.job is None:
            self._act(lambda _: self._take(event))

    def _take(self, event: events.Key) -> None:
        if not self._predicts(event):
            key = event.character if event.is_printable else event.key
            self.repaint(f"{key} does nothing here; ? tells what the keys do")

    def _predicts(self, event: events.Key) -> bool:
        """Whether the key begins a number that is to be predicted: then it is asked for."""
        if not event.character or event.character not in _BEGIN_NUMBERS or not self.session.extras.get("predict"):
            return False
        from convstep.tui.doing.predicting import ask, hides

        if not hides(self):
            return False
        ask(self, event.character)
        return True

    def move(self, move: Callable[[], str]) -> None:
        """Move the session; what cannot be done is said, and what takes long is waited for beside the screen."""
        try:
            self.repaint(move())
        except ConvstepError as error:
            self.repaint(str(error))
        except TooLong as need:
            self.wait_for(need.index, lambda: self.move(move), self.session.standing)

    # Long work

    def wait_for(self, index: int, then: Callable[[], None], back: Any) -> None:
        """Run an iteration beside the screen, then go on."""
        self.release()
        trial = self.session.trial

        def run(work: Work) -> None:
            gc.collect()  # views and what they show hold each other
            trial.run(index, work)

        self.work(f"iteration {index}", run, lambda _: then(), back)

    def release(self) -> None:
        """Hold on to no iteration while others are run: memory is short. What was drawn stays on the screen."""
        self.session.release()
        for pane in self.panes:
            pane.release()

    # Panes and numbers

    def on_descendant_focus(self) -> None:
        pane = self.pane
        if pane is None:
            return
        self.look["focus"] = pane.id
        if pane.id != self.board.pane:
            self.board.pane = self.look["pane"] = pane.id or "local"
            if pane.id not in arrange(*self.app.size) or len(self.visible_panes) == 1:
                # A child asks for it: a screen that is still to be laid out would go by what it has arranged before.
                pane.refresh(layout=True)
        self.repaint()

    @property
    def visible_panes(self) -> list[str]:
        regions = arrange(*self.app.size, self.board.pane)
        return [name for name in PANES if name in regions]

    def on_descendant_blur(self) -> None:
        if self.pane is None:  # else that one is about to say so
            self.repaint(self.message)

    def on_pane_changed(self) -> None:
        self.repaint()

    # Clicks

    def on_program_chosen(self, message: Program.Chosen) -> None:
        if self.jobs.job is None:
            self.move(lambda: self.session.go_to_operation(message.operation))

    def on_timeline_chosen(self, message: Timeline.Chosen) -> None:
        if self.jobs.job is None:
            self.move(lambda: self.session.go_to_share(message.share))

    def on_footer_chosen(self, message: Footer.Chosen) -> None:
        self.action_do(message.action.id)
