"""`ctrl+p`: every action by name; what is typed narrows the list."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from convstep.tui.actions import Action
from convstep.tui.dialogs.asking import dialog_classes, said, titled
from convstep.tui.dialogs.dialog import Dialog
from convstep.tui.dialogs.hint import keys
from convstep.tui.widgets.kept import Kept
from convstep.tui.widgets.rows import Rows


def fitting(actions: Sequence[Action], text: str) -> list[Action]:
    """The actions in which every typed word occurs; those whose title has them all come first."""
    words = text.lower().split()

    def has(action: Action, *, in_title: bool) -> bool:
        where = action.title if in_title else f"{action.title} {action.help} {action.shown}"
        return all(word in where.lower() for word in words)

    first = [action for action in actions if has(action, in_title=True)]
    return [*first, *(a for a in actions if a not in first and has(a, in_title=False))]


@lru_cache
def _row(title: str, about: str, theme: str) -> Kept:
    return Kept(Content.assemble((title, "bold"), about))


class PaletteDialog(Dialog[str | None], inherit_bindings=False):
    """Gives the id of the chosen action, None when it was left with escape."""

    BINDINGS = [
        Binding("escape,ctrl+p", "leave", "Close", show=False),
        *(Binding(key, f"list('{name}')", show=False) for key, name in (
            ("up", "cursor_up"), ("down", "cursor_down"), ("pageup", "page_up"), ("pagedown", "page_down"),
        )),
    ]  # fmt: skip
    AUTO_FOCUS = "Input"

    def __init__(self, actions: Sequence[Action]) -> None:
        super().__init__()
        self.actions = [action for action in actions if action.id != "palette"]

    def compose(self) -> ComposeResult:
        box = Vertical(classes=dialog_classes())
        box.border_title = "Palette"
        box.border_subtitle = titled(keys("↑↓ choose", "enter does it"))
        with box:
            yield Input(placeholder="part of a name")
            yield Rows(markup=False)

    def on_mount(self) -> None:
        self._show("")

    def _show(self, text: str) -> None:
        rows = self.query_one(Rows)
        options = [self._option(action) for action in fitting(self.actions, text)]
        rows.set_options(options or [Option("no action has these words", disabled=True)])
        rows.highlighted = 0 if options else None

    def _option(self, action: Action) -> Option:
        key = f"  ({action.shown})" if action.shown else ""
        return Option(_row(said(f"{action.title}{key}"), said(f"  {action.help}"), self.app.theme), id=action.id)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._show(event.value)

    def on_input_submitted(self) -> None:
        rows = self.query_one(Rows)
        if rows.highlighted is not None:
            self.dismiss(rows.get_option_at_index(rows.highlighted).id)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)

    def action_list(self, name: str) -> None:
        """The list moves while the words keep the focus."""
        getattr(self.query_one(Rows), f"action_{name}")()

    def action_leave(self) -> None:
        self.dismiss(None)
