"""Every action a key can do, once: bindings, footer, help and command palette are all made from this list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

STEPPING, IN_PANE, BOTH = "stepping", "in a pane", "both"
"""When the footer shows an action: without a focused pane, with one, always."""

_SHOWN = {
    "right": "→",
    "left": "←",
    "down": "↓",
    "up": "↑",
    "question_mark": "?",
    "slash": "/",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "backspace": "bksp",
    "escape": "esc",
    "pageup": "pgup",
    "pagedown": "pgdn",
}


@dataclass(frozen=True)
class Action:
    """One thing that a person can do.

    `keys` are Textual's key names. `label` is its word in the footer ("" keeps it out of there), `footer` says
    when. An action of the group `Steps` is a method of the session with its id; any other is the function of that
    name in the module of `convstep.tui.doing` that `module` names: it is called with the screen.
    """

    id: str
    keys: tuple[str, ...]
    title: str
    help: str
    label: str
    footer: str
    group: str
    module: str

    @property
    def shown(self) -> str:
        """Its key for the eye, and the arrow that does the same: `n →`."""
        arrows = [key for key in self.keys[1:] if key in CURSOR_KEYS]
        return " ".join(_SHOWN.get(key, key) for key in [*self.keys[:1], *arrows])


CURSOR_KEYS = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}
"""In a pane that has the focus: how the arrows move its cell cursor, in rows and columns."""


class _Row(NamedTuple):
    id: str
    keys: str
    title: str
    help: str
    label: str = ""
    footer: str = BOTH


def _group(group: str, module: str, *rows: _Row) -> tuple[Action, ...]:
    return tuple(
        Action(row.id, tuple(row.keys.split()), row.title, row.help, row.label, row.footer, group, module)
        for row in rows
    )


STEPS = "Steps"

ACTIONS: tuple[Action, ...] = (
    *_group(
        STEPS,
        "",
        _Row("next", "n right", "Next step", "Over: the next step of this level", "next"),
        _Row("previous", "N left", "Previous step", "Back: the previous step of this level", "back"),
        _Row("first_inside", "s down", "Step in", "Into: the first finer step inside this one", "in"),
        _Row("last_inside", "S", "Look closer", "The last finer step inside: the same moment, closer"),
        _Row("out", "f up", "Step out", "Out: one level coarser, to what contains this step", "out"),
        _Row("out_before", "F", "Out, before", "One level coarser, before any of it has happened"),
        _Row("home", "home", "First step", "To the blank start, before the first step"),
        _Row("end", "end", "Last step", "To the last step"),
        _Row(
            "switch_order",
            "o",
            "Gather or scatter",
            "Collect for one gradient element, or hand out from one; the same product stays",
            "gather/scatter",
            STEPPING,
        ),
    ),
    *_group(
        "Places",
        "places",
        _Row("go", "g", "Go to …", "To a position, a tensor, an element, a share: 12, o1, o1[3], 35%", "go", STEPPING),
        _Row(
            "writer",
            "enter",
            "Who wrote this",
            "To the step that wrote the number under the cursor",
            "who wrote this",
            IN_PANE,
        ),
        _Row("back", "backspace less_than_sign", "Go back", "Back to where you were before the last jump"),
        _Row("bookmark", "m", "Set a bookmark", "Give this place a name"),
        _Row("bookmarks", "M", "Bookmarks", "The places with names, to go there"),
        _Row("forth", "greater_than_sign", "Go forth", "Forth again, after going back"),
    ),
    *_group(
        "Stops",
        "stops",
        _Row("run_on", "c", "Continue", "To the next stop: a breakpoint, or a watched condition that becomes true"),
        _Row("run_back", "C", "Continue back", "To the stop before"),
        _Row("toggle_breakpoint", "b", "Breakpoint", "On or off: on the number under the cursor, or on this step"),
        _Row("list_breakpoints", "B", "Breakpoints", "All breakpoints: conditions, hit counts, on, off"),
        _Row("add_watch", "w", "Watch …", "Watch a tensor, an element, a number or a condition"),
        _Row("list_watches", "W", "Watches", "All watches: values, histories, whether c stops at them"),
    ),
    *_group(
        "Search",
        "searching",
        _Row("search", "slash", "Search …", "Names and values: conv, 0.25, > 1, grad(w1) < 0"),
        _Row("find_nonfinite", "", "First NaN or Inf", "The first number that is not finite, and what made it: g nan"),
        _Row("find_last_write", "", "Last write to …", "The last step that wrote a number: g last grad(w1)[3]"),
        _Row("find_sum", "", "Running sum reaches …", "The first term after which the running sum is so: g sum > 5"),
    ),
    *_group(
        "Answers",
        "answers",
        _Row("explain", "e", "Explain", "Why this number: formula, what made it, what it feeds, its paths"),
        _Row("views", "v", "Other views", "The same step as scatter-add, full convolution, im2col, Jacobian …"),
    ),
    *_group(
        "Claims",
        "claims",
        _Row("claims", "k", "Claims and checks", "All claims with verdicts, your own gradients, the gradient check"),
    ),
    *_group(
        "Predict",
        "predicting",
        _Row(
            "predict",
            "p",
            "Pin, or predict",
            "In a pane: pin its slice; else hide results until you type them",
        ),
        _Row("hide", "P", "Hide results", "Hide the results of the steps to come until escape shows each"),
    ),
    *_group(
        "Panes and numbers",
        "panes",
        _Row("next_pane", "tab", "Next pane", "Next pane; the arrows then move its cursor", "pane", STEPPING),
        _Row("previous_pane", "shift+tab", "Previous pane", "Previous pane"),
        _Row("let_go", "escape", "Leave the pane", "Leave the pane; the arrows step again", "leave", IN_PANE),
        _Row("channel_back", "pageup", "Previous channel", "Previous channel of a tensor of rank ≥ 3"),
        _Row("channel_on", "pagedown", "Next channel", "Next channel of a tensor of rank ≥ 3"),
    ),
    *_group(
        "What if",
        "whatif",
        _Row("what_if", "i", "What if …", "Change a number or a setting, and see what follows: w1[3] = 0.5, lr = 0.01"),
        _Row("undo", "u", "Undo the edit", "Without the last edit"),
        _Row("redo", "U", "Redo the edit", "With the edit that was undone last"),
    ),
    *_group(
        "Training",
        "training",
        _Row(
            "iterations", "l", "Loss over iterations", "The loss as a curve; scrub, go there, follow a weight's updates"
        ),
        _Row("summary", "r", "Layers at a glance", "Each layer's norms, zeros, histogram; dead, vanishing, exploding"),
    ),
    *_group(
        "Take along",
        "taking",
        _Row("copy_number", "y", "Copy the number", "Copy the number under the cursor, every digit", "copy", IN_PANE),
        _Row("copy_slice", "Y", "Copy the slice", "Copy the visible slice as a Python literal"),
        _Row("save", "ctrl+s", "Save a snapshot", "Save a snapshot that opens exactly here"),
        _Row("resume", "ctrl+r", "Resume", "The unsaved session of last time, which was offered at the start"),
    ),
    *_group(
        "Take along",
        "exporting",
        _Row("export", "x", "Export", "The screen as SVG, the formula as LaTeX or Markdown, a tensor as CSV or npy"),
    ),
    *_group(
        "Screen",
        "general",
        _Row("theme", "t", "Theme: dark or light", "Change between the dark and the light theme"),
        _Row("palette", "ctrl+p", "Command palette", "Find any of these by name"),
        _Row("help", "question_mark", "Help", "This help", "help"),
        _Row("quit", "q ctrl+q ctrl+c", "Quit", "Quit; asks once if something is lost", "quit"),
    ),
)

_BY_ID = {action.id: action for action in ACTIONS}


def action(identity: str) -> Action:
    """The action of this id. KeyError where there is none."""
    return _BY_ID[identity]


def groups(actions: Iterable[Action]) -> dict[str, list[Action]]:
    """The actions by group, in order."""
    result: dict[str, list[Action]] = {}
    for each in actions:
        result.setdefault(each.group, []).append(each)
    return result
