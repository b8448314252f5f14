"""Every action a key can do, once: bindings, footer, help and command palette are all made from this list."""

from __future__ import annotations

from dataclasses import dataclass

STEPPING, IN_PANE, BOTH = "stepping", "in a pane", "both"
"""When the footer shows an action: without a focused pane, with one, always."""


@dataclass(frozen=True)
class Action:
    """One thing that a person can do.

    `keys` are Textual's key names, the first one is the one that is shown as `shown`. `label` is its word in
    the footer ("" keeps it out of there). An action of the group `Steps` is a method of the session with its id.
    """

    id: str
    keys: tuple[str, ...]
    shown: str
    title: str
    help: str
    group: str
    label: str = ""
    footer: str = BOTH


STEPS = "Steps"
PLACES = "Places"
PANES = "Panes and numbers"
KEEP = "Take along"
SCREEN = "Screen"

ACTIONS: tuple[Action, ...] = (
    Action("next", ("n", "right"), "n →", "Next step", "Over: the next step of this level", STEPS, "next"),
    Action("previous", ("N", "left"), "N ←", "Previous step", "Back: the previous step of this level", STEPS, "back"),
    Action("first_inside", ("s", "down"), "s ↓", "Step in", "Into: the first finer step inside this one", STEPS, "in"),
    Action("last_inside", ("S",), "S", "Look closer", "The last finer step inside: the same moment, closer", STEPS),
    Action("out", ("f", "up"), "f ↑", "Step out", "Out: one level coarser, to what contains this step", STEPS, "out"),
    Action("out_before", ("F",), "F", "Out, before", "One level coarser, before any of it has happened", STEPS),
    Action("home", ("home",), "home", "First step", "To the blank start, before the first step", STEPS),
    Action("end", ("end",), "end", "Last step", "To the last step", STEPS),
    Action(
        "switch_order",
        ("o",),
        "o",
        "Gather or scatter",
        "Collect for one gradient element, or hand out from one; the same product stays",
        STEPS,
        "gather/scatter",
        STEPPING,
    ),
    Action(
        "go",
        ("g",),
        "g",
        "Go to …",
        "To a position, tensor, element, share: 12, o1, o1[3], term 32, 35%",
        PLACES,
        "go",
        STEPPING,
    ),
    Action(
        "writer",
        ("enter",),
        "enter",
        "Who wrote this",
        "To the step that wrote the number under the cursor",
        PLACES,
        "who wrote this",
        IN_PANE,
    ),
    Action("back", ("backspace",), "bksp", "Go back", "Back to where you were before the last jump", PLACES),
    Action(
        "next_pane", ("tab",), "tab", "Next pane", "Next pane; the arrows then move its cursor", PANES, "pane", STEPPING
    ),
    Action("explain", ("e",), "e", "Explain", "The formula of the number under the cursor, or of this step's", PLACES),
    Action("previous_pane", ("shift+tab",), "shift+tab", "Previous pane", "Previous pane", PANES),
    Action(
        "let_go", ("escape",), "esc", "Leave the pane", "Leave the pane; the arrows step again", PANES, "leave", IN_PANE
    ),
    Action("channel_back", ("pageup",), "pgup", "Previous channel", "Previous channel of a tensor of rank ≥ 3", PANES),
    Action("channel_on", ("pagedown",), "pgdn", "Next channel", "Next channel of a tensor of rank ≥ 3", PANES),
    Action(
        "copy_number",
        ("y",),
        "y",
        "Copy the number",
        "Copy the number under the cursor, every digit",
        KEEP,
        "copy",
        IN_PANE,
    ),
    Action("copy_slice", ("Y",), "Y", "Copy the slice", "Copy the visible slice as a Python literal", KEEP),
    Action("save", ("ctrl+s",), "ctrl+s", "Save a snapshot", "Save a snapshot that opens exactly here", KEEP),
    Action("theme", ("t",), "t", "Theme: dark or light", "Change between the dark and the light theme", SCREEN),
    Action("palette", ("ctrl+p",), "ctrl+p", "Command palette", "Find any of these by name", SCREEN),
    Action("help", ("question_mark",), "?", "Help", "This help", SCREEN, "help"),
    Action("quit", ("q", "ctrl+q", "ctrl+c"), "q", "Quit", "Quit; asks once if something is lost", SCREEN, "quit"),
)

CURSOR_KEYS = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}
"""In a pane that has the focus: how the arrows move its cell cursor, in rows and columns."""

_BY_ID = {action.id: action for action in ACTIONS}


def action(identity: str) -> Action:
    """The action of this id. KeyError where there is none."""
    return _BY_ID[identity]


def groups() -> dict[str, list[Action]]:
    """The actions by group, in order."""
    result: dict[str, list[Action]] = {}
    for each in ACTIONS:
        result.setdefault(each.group, []).append(each)
    return result
