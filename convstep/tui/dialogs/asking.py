"""A dialog of one line of input: it closes when the answer was taken, and says what is wrong otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from convstep.engine.work import TooLong
from convstep.errors import ConvstepError
from convstep.tui.dialogs.dialog import Dialog
from convstep.tui.dialogs.hint import keys
from convstep.tui.theme.glyphs import to_ascii
from convstep.tui.widgets.lines import Lines
from convstep.tui.widgets.text import visible


class AskingDialog(Dialog[str | None], inherit_bindings=False):
    """Asks for one line, tries `take` on it, and gives what that answers; None when it was left with escape.

    Where that takes long, the dialog closes and hands the rest to `later`. What one types takes the place of a
    `proposed` value, and is added to another. `enter` and `escape` say what those keys do.
    """

    BINDINGS = [Binding("escape", "leave", "Close", show=False), Binding("tab", "complete", "Complete", show=False)]
    AUTO_FOCUS = "Input"

    def __init__(
        self,
        title: str,
        hint: str,
        take: Callable[[str], str],
        value: str = "",
        completions: Sequence[str] = (),
        later: Callable[[Callable[[], str]], None] | None = None,
        proposed: bool = False,
        enter: str = "takes it",
        escape: str = "closes",
    ) -> None:
        super().__init__()
        self.dialog_title = title
        self.hint = hint
        self.take = take
        self.value = value
        self.completions = list(completions)
        self.later = later
        self.proposed = proposed
        self.enter, self.escape = enter, escape

    def compose(self) -> ComposeResult:
        suggester = SuggestFromList(self.completions, case_sensitive=False) if self.completions else None
        box = Vertical(classes=dialog_classes())
        box.border_title = titled(self.dialog_title)
        told = [*(["tab completes"] if self.completions else []), f"enter {self.enter}"]
        box.border_subtitle = titled(keys(*told, escape=self.escape))
        with box:
            yield Input(visible(self.value), suggester=suggester, select_on_focus=self.proposed)
            yield Static(classes="error")
            if self.hint:
                yield Static(Content(said(self.hint)), classes="hint")

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_complete(self) -> None:
        """Take the suggestion that stands in grey behind the cursor."""
        field = self.query_one(Input)
        if field.cursor_at_end:
            field.action_cursor_right()

    def on_input_changed(self) -> None:
        self.query_one(".error", Static).display = False

    def on_input_submitted(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if not text:
            return
        try:
            answer = self.take(text)
        except ConvstepError as error:
            self._refuse(str(error))
        except TooLong as need:
            if self.later is None:
                self._refuse(f"{need}: leave this, step, and ask again")
            else:
                self.dismiss(None)
                self.later(lambda: self.take(text))
        else:
            self.dismiss(answer)

    def _refuse(self, why: str) -> None:
        field = self.query_one(".error", Static)
        field.update(Content(said(why)))
        field.display = True


def said(text: str) -> str:
    """A dialog's text in the glyphs that the terminal can show."""
    text = "\n".join(map(visible, text.split("\n")))
    return to_ascii(text) if Lines.ascii else text


def titled(text: str) -> Content:
    """A dialog's title, which is no markup: [1] and [red] stand for themselves."""
    return Content(said(text))


def dialog_classes() -> str:
    """The classes of a dialog's box; in ASCII it has other borders."""
    return "dialog ascii" if Lines.ascii else "dialog"
