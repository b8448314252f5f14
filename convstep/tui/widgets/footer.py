"""The keys that are most wanted, made from the registry of actions. A click does what the key does."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.message import Message
from textual.strip import Strip

from convstep.tui.actions import ACTIONS, IN_PANE, STEPPING, Action
from convstep.tui.theme.colours import Palette
from convstep.tui.widgets.lines import Lines
from convstep.tui.widgets.text import Piece, strip_of

_ALWAYS = ("help", "quit")


def fitting(width: int, in_pane: bool = False, actions: Sequence[Action] = ACTIONS) -> list[tuple[int, int, Action]]:
    """The actions that fit, each with its first and last cell; help and quit come last, and always."""
    unwanted = STEPPING if in_pane else IN_PANE
    labelled = [action for action in actions if action.label and action.keys and action.footer != unwanted]
    ends = [action for action in labelled if action.id in _ALWAYS]
    room = width - 1 - sum(_length(action) for action in ends)
    chosen = []
    for action in labelled:
        if action.id not in _ALWAYS and _length(action) <= room:
            chosen.append(action)
            room -= _length(action)
    result, x = [], 1
    for action in [*chosen, *ends]:
        result.append((x, x + _length(action) - 2, action))
        x += _length(action)
    return result


def footer_line(width: int, palette: Palette, in_pane: bool = False, actions: Sequence[Action] = ACTIONS) -> Strip:
    """` n next  N back  s in  f out  … ? help  q quit`."""
    pieces: list[Piece] = [(" ", palette.text)]
    for _, _, action in fitting(width, in_pane, actions):
        pieces += [(_key(action), palette.title), (f" {action.label}  ", palette.faint)]
    return strip_of(pieces, width, palette.text)


def _key(action: Action) -> str:
    """The key alone, without the arrow that does the same."""
    return action.shown.split()[0]


def _length(action: Action) -> int:
    return len(_key(action)) + 1 + len(action.label) + 2


class Footer(Lines, inherit_bindings=False):
    """The footer as a widget."""

    class Chosen(Message):
        """An action was clicked."""

        def __init__(self, action: Action) -> None:
            super().__init__()
            self.action = action

    in_pane = False
    actions: Sequence[Action] = ACTIONS

    def show_actions(self, width: int, palette: Palette, in_pane: bool, actions: Sequence[Action]) -> None:
        """Draw the actions for a focused pane, or for none."""
        self.in_pane, self.actions = in_pane, actions
        self.show([footer_line(width, palette, in_pane, actions)])

    def on_click(self, event: events.Click) -> None:
        for first, last, action in fitting(self.size.width, self.in_pane, self.actions):
            if first <= event.x <= last:
                self.post_message(self.Chosen(action))
