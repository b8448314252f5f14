"""What belongs to the eye, as snapshots keep it: only what can be is taken over, so that no file breaks a screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convstep.tui.screens.arrangement import PANES

_COUNTS = ("lead", "row", "col", "at")


def sound(look: Mapping[str, Any]) -> dict[str, Any]:
    """A session's `look` without what is of another kind than the screen puts there."""
    kept = _of_panes(look)
    for name in ("pane", "focus"):
        if look.get(name) in PANES:
            kept[name] = look[name]
    if isinstance(look.get("theme"), str):
        kept["theme"] = look["theme"]
    views = look.get("views")
    if isinstance(views, dict):
        kept["views"] = _of_panes(views)
        if isinstance(views.get("view"), str):
            kept["views"]["view"] = views["view"]
    return kept


def _of_panes(look: Mapping[str, Any]) -> dict[str, Any]:
    """Windows on tensors, and which block stands first and where the cursor is, by pane."""
    windows, tops, cursors = (_mapping(look.get(name)) for name in ("windows", "tops", "cursors"))
    return {
        "windows": {key: window for key, slot in windows.items() if (window := _window(_mapping(slot)))},
        "tops": {pane: top for pane, top in tops.items() if _is_count(top)},
        "cursors": {pane: list(cursor) for pane, cursor in cursors.items() if _is_cursor(cursor)},
    }


def _window(slot: Mapping[str, Any]) -> dict[str, Any]:
    window = {name: slot[name] for name in _COUNTS if _is_count(slot.get(name))}
    if "at" in slot and slot["at"] is None:
        window["at"] = None
    return {**window, "pinned": True} if slot.get("pinned") is True else window


def _is_cursor(cursor: Any) -> bool:
    if not isinstance(cursor, (list, tuple)) or len(cursor) != 2:
        return False
    return isinstance(cursor[0], str) and _is_count(cursor[1])


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
