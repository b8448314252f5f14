"""`?`: the ideas of the screen, the marks, every key, and what the network's author has to say."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from convstep.tui.actions import ACTIONS, Action, groups
from convstep.tui.dialogs.asking import dialog_classes, said, titled
from convstep.tui.dialogs.dialog import Dialog
from convstep.tui.dialogs.hint import keys
from convstep.tui.widgets.kept import Kept

_IDEAS = (
    ("Where one is", "The step named at the top right has just happened: its result is on the screen."),
    (
        "Three levels",
        "An operation is made of output elements, an element of terms. n goes over, s goes in, f comes out; "
        "a capital goes back.",
    ),
    (
        "Three panes",
        "The tensors that are read; the local derivatives of this operation, each times what comes from the loss "
        "(upstream); the gradients as they accumulate.",
    ),
    (
        "The chain rule",
        "A gradient is the sum over every use: local × upstream, use by use. Multiply first, then add.",
    ),
)
_MARKS = (
    ("[x]", "read in this step"),
    ("(x)", "takes part in the rest of this sum"),
    ("<x>", "written now"),
    ("x…", "partial: more is to come"),
    ("x*", "another number than without your edits"),
    ("x≠", "your own number (--mine) is another one"),
    ("·", "not written yet"),
    ("0", "a real zero"),
    ("p", "padding, no element of the tensor"),
    ("colour", "blue is negative, orange positive; the legend has the ends"),
)
_WORDS = (
    ("sum", "the running sum of the element that is being made: sum > 5"),
    ("product", "of this term: factors[0] × factors[1], an input and a weight; in the backward phase local × upstream"),
    ("term", "its number, from 0"),
    ("value", "what the element holds, at the step that finishes it; index[0] is the first number of its torch index"),
    ("prev(x)", "what x was at the end of the iteration before: loss > prev(loss)"),
    ("layer", "compared with text, as phase, op and level are: layer == 'conv1'; iteration and position are numbers"),
)


class HelpDialog(Dialog[None], inherit_bindings=False):
    """Scrolls with the arrows; closes with escape, ? or q."""

    BINDINGS = [Binding("escape,question_mark,q,enter", "leave", "Close", show=False)]
    AUTO_FOCUS = "VerticalScroll"

    def __init__(self, actions: Sequence[Action] = ACTIONS, about: str = "") -> None:
        super().__init__()
        self.actions, self.about = actions, " ".join(about.split())

    def compose(self) -> ComposeResult:
        box = VerticalScroll(classes=dialog_classes())
        box.border_title = "Help"
        box.border_subtitle = titled(keys("↑↓ scroll"))
        with box:
            if self.about:
                yield Static(Content.from_markup("[b $primary]This network[/]"))
                yield Static(Content(f"{said(self.about)}\n"))
            yield Static(_content(said(help_text(self.actions)), self.app.theme))

    def action_leave(self) -> None:
        self.dismiss(None)


@lru_cache
def _content(markup: str, theme: str) -> Kept:
    return Kept(Content.from_markup(markup))


def help_text(actions: Sequence[Action] = ACTIONS) -> str:
    """The help in Textual's markup."""
    lines: list[str] = []
    for title, text in _IDEAS:
        lines += [f"[b $primary]{title}[/]", text, ""]
    lines.append("[b $primary]Marks[/]")
    lines += [f"  [b]{_escaped(sign.ljust(10))}[/] {text}" for sign, text in _MARKS]
    for group, members in groups(actions).items():
        lines += ["", f"[b $primary]{group}[/]"]
        lines += [f"  [b]{_escaped(action.shown.ljust(10))}[/] {_escaped(action.help)}" for action in members]
    lines += ["", "[b $primary]Words of conditions, beside names of tensors[/]"]
    lines += [f"  [b]{_escaped(word.ljust(10))}[/] {_escaped(text)}" for word, text in _WORDS]
    return "\n".join(lines)


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")
