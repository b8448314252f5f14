"""Is it this? A formula for an element is typed, and judged at once."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from convstep.debugger.claims.claim_book import Answer
from convstep.debugger.claims.claim_view import verdict_of, worked_out
from convstep.debugger.claims.findings import Finding
from convstep.engine.state import split_name
from convstep.engine.work import TooLong, Work
from convstep.errors import ConvstepError
from convstep.tui.dialogs.asking import dialog_classes, said, titled
from convstep.tui.dialogs.dialog import Dialog

if TYPE_CHECKING:
    from convstep.tui.screens.main import MainScreen

Target = tuple[str, int | None]
"""A tensor's stored name and a flat index, None for its whole gradient."""

_HINT = "a number or a formula; g is the upstream gradient. Of another element: grad(w1)[2] = …"


class ClaimDialog(Dialog[int | None], inherit_bindings=False):
    """Judges what is typed; enter once more keeps it. Gives the number of the kept claim."""

    BINDINGS = [Binding("escape", "leave", "Close", show=False)]
    AUTO_FOCUS = "Input"

    def __init__(self, main: MainScreen, near: Target | None) -> None:
        super().__init__()
        self.main, self.near = main, near
        self.judged: tuple[str, Answer] | None = None

    def compose(self) -> ComposeResult:
        box = Vertical(classes=dialog_classes())
        of = "an element's gradient"
        if self.near is not None:
            of = _written(self.main, *self.near)
        box.border_title = titled(f"Is {of} this?")
        with box:
            yield Input(select_on_focus=False)
            yield Static(classes="error")
            yield Static(classes="verdict")
            yield Static(Content(said(_HINT)), classes="hint")

    def action_leave(self) -> None:
        if self.main.jobs.give_up():
            self._tell("stopped: enter judges it again", "")
        else:
            self.dismiss(None)

    def on_input_changed(self) -> None:
        self._tell("", "")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if not text or self.main.jobs.job is not None:
            return
        if self.judged is not None and self.judged[0] == text:
            self._keep(self.judged[1])
            return
        try:
            target, formula = self._read(text)
            judge = self.main.session.claims.asked(*target, formula)
        except ConvstepError as error:
            self._tell(str(error), "")
            return

        def work(work: Work) -> Answer | str:
            try:
                return judge(work)
            except ConvstepError as error:
                return str(error)

        self._tell("", "judging …")
        self.main.work("judging", work, lambda found: self._found(text, found))

    def _read(self, text: str) -> tuple[Target, str]:
        """What it is about, and the formula."""
        left, equals, right = text.partition("=")
        if not equals:
            if self.near is None:
                raise ConvstepError("of which element? write grad(w1)[2] = …")
            return self.near, text
        key, index = self.main.session.names.parse(left)
        return (split_name(key)[1], index), right

    def _found(self, text: str, found: Answer | str) -> None:
        if isinstance(found, str):
            self._tell(found, "")
            return
        entry, judged = found.entry, found.judged
        verdict = judged.verdict
        assert verdict is not None
        self.judged = text, found
        worked = worked_out(judged, verdict, 0, "") if entry.index is not None else ""
        lines = [
            f"{verdict_of(verdict, verdict.ok)}   {verdict.of} {worked}",
            *verdict.why,
            "enter keeps it in this session",
        ]
        self._tell("", "\n".join(lines))

    def _keep(self, answer: Answer) -> None:
        try:
            number = self.main.session.claims.keep(answer)
        except ConvstepError as error:
            self._tell(str(error), "")
            return
        self.main.session.unsaved = True
        self.dismiss(number)

    def _tell(self, error: str, verdict: str) -> None:
        self.judged = None if not verdict else self.judged
        for name, text in ((".error", error), (".verdict", verdict)):
            field = self.query_one(name, Static)
            field.update(Content(said(text)))
            field.display = bool(text)


def _written(main: MainScreen, tensor: str, index: int | None) -> str:
    names = main.session.names
    key = f"grad({tensor})"
    return names.tensor(key) if index is None else names.element(key, index, names.shape(tensor))


def element_at_hand(main: MainScreen, finding: Finding | None) -> Target | None:
    """The element under the cursor, else the one that the step is about, else the chosen finding's."""
    session, spot = main.session, main.number
    if spot is not None and spot.grid.tensor is not None:
        kind, name = split_name(spot.grid.tensor)
        if kind != "new" and session.recording.timeline.writers(f"grad({name})"):
            return name, spot.index
    state = session.state()
    with suppress(TooLong):
        if state.step is not None and state.step.is_backward and state.target is not None:
            return state.step.tensor, state.target
    return None if finding is None else (finding.tensor, finding.index)
