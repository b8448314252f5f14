"""Breakpoints: on an operation, a tensor or an element, or anywhere that a condition becomes true.

A breakpoint stops on the step that finishes writing what it is on, in both directions, on the level on which one is.
With a condition it stops there where that holds. Hits are counted from the beginning of the run, so that it does not
matter from where one comes; the first `ignore` of them are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from convstep.debugger.stops.clock import writers
from convstep.engine.recording import Recording
from convstep.engine.timeline import Timeline
from convstep.errors import ConvstepError
from convstep.explain.language.conditions import parse_condition
from convstep.explain.language.vocabulary import Vocabulary
from convstep.explain.naming import Names

_MOST_IGNORED = 10**12
_TYPED = re.compile(r"(?P<what>.*?)(?:\s+after\s+(?P<ignore>[0-9]{1,12})(?:\s+hits?)?)?", re.DOTALL)


@dataclass(frozen=True)
class Breakpoint:
    """On operation `step` of an iteration; or on tensor `key`, or its element `index`; or, with neither, anywhere."""

    step: int | None = None
    key: str | None = None
    index: int | None = None
    condition: str = ""
    ignore: int = 0
    enabled: bool = True

    @property
    def target(self) -> tuple[int | None, str | None, int | None]:
        """What it is on."""
        return self.step, self.key, self.index

    def where(self, timeline: Timeline, names: Names) -> str:
        """What it is on, for the eye: `operation o1 → grad(w1)`, `grad(w1)[3]`, `anywhere`."""
        if self.step is not None:
            step = timeline.steps[self.step]
            writes = names.tensor(f"new({step.tensor})" if step.phase == "update" else step.writes)
            return f"operation {step.layer} → {writes}" if writes != step.layer else f"operation {step.layer}"
        if self.key is None:
            return "anywhere"
        return names.tensor(self.key) if self.index is None else names.element(self.key, self.index, self.shape(names))

    def shape(self, names: Names) -> tuple[int, ...]:
        """The shape of the tensor that it is on."""
        return () if self.key is None else names.shape(self.key)

    def text(self, timeline: Timeline, names: Names, switch: bool = True) -> str:
        """All of it in a line, as `Breakpoints.read` takes it: `grad(w1)[3] if loss > 5 after 2 hits`.

        With `switch`, it says where it is off.
        """
        where, anywhere = self.where(timeline, names), self.target == (None, None, None)
        text = self.condition if anywhere else f"{where} if {self.condition}" if self.condition else where
        ignored = f" after {self.ignore} hit{'s' * (self.ignore > 1)}" if self.ignore else ""
        return f"{text}{ignored}{' (off)' if switch and not self.enabled else ''}"

    def writes(self, recording: Recording) -> list[tuple[int, int | None]]:
        """The operations that it stops on, each with the element that it is about, within an iteration."""
        if self.step is not None:
            return [(self.step, None)]
        return [] if self.key is None else [(k, self.index) for k in writers(recording, self.key)]


@dataclass
class Breakpoints:
    """The breakpoints of a session, in the order in which they were set."""

    recording: Recording
    words: Vocabulary
    all: list[Breakpoint] = field(default_factory=list)

    def toggle(self, breakpoint: Breakpoint) -> str:
        """Set one, or remove the one that is on the same target; what was done, in words."""
        same = [each for each in self.all if each.target == breakpoint.target]
        where = breakpoint.where(self.recording.timeline, self.words.names)
        if same:
            self.all = [each for each in self.all if each not in same]
            return f"no breakpoint on {where} any more"
        self.add(breakpoint)
        return f"breakpoint on {where}: c and C stop there; B lists them, and adds conditions"

    def add(self, breakpoint: Breakpoint) -> None:
        """Set one. Raises ConvstepError where it could never stop, or its condition cannot be read."""
        self.all.append(self.checked(breakpoint))

    def change(self, number: int, breakpoint: Breakpoint) -> None:
        """Put another in the place of the one with this number, from 0. Raises ConvstepError."""
        self.all[number] = self.checked(breakpoint)

    def remove(self, number: int) -> None:
        """Remove the one with this number, from 0."""
        del self.all[number]

    def enable(self, number: int, enabled: bool) -> None:
        """Switch the one with this number on or off."""
        self.all[number] = replace(self.all[number], enabled=enabled)

    def checked(self, breakpoint: Breakpoint) -> Breakpoint:
        """The same. Raises ConvstepError where it could never stop."""
        if breakpoint.condition:
            parse_condition(breakpoint.condition, self.words)
        elif breakpoint.target == (None, None, None):
            raise ConvstepError("a breakpoint on nothing needs a condition, such as loss > 5")
        if breakpoint.key is not None and not breakpoint.writes(self.recording):
            where = breakpoint.where(self.recording.timeline, self.words.names)
            raise ConvstepError(f"no step writes {where}: it is there from the start")
        if not 0 <= breakpoint.ignore <= _MOST_IGNORED:
            raise ConvstepError("the hits to be passed over are a whole number, 0 or more")
        return breakpoint

    def read(self, text: str, like: Breakpoint | None = None) -> Breakpoint:
        """What a person types: `o1`, `grad(w1)[3] if loss > 5 after 2 hits`, `loss > prev(loss)`.

        `like` is the one that is to be changed: its operation need not be found again. Raises ConvstepError.
        """
        match = _TYPED.fullmatch(text.strip())
        assert match is not None
        ignore = int(match["ignore"] or 0)
        where, given, condition = match["what"].partition(" if ")
        where, condition = where.strip(), condition.strip()
        if re.search(r"\bafter\s+[-+.\w]*(\s+hits?)?$", match["what"]):
            raise ConvstepError("after takes a whole number of hits, of at most 12 digits: … after 3 hits")
        if where == "loss" and self.words.loss is not None and "loss" not in self.words.names.all():
            where = self.words.loss
        enabled = like is None or like.enabled
        if like is not None and where == like.where(self.recording.timeline, self.words.names):
            return self.checked(replace(like, condition=condition, ignore=ignore))
        try:
            key, index = self.words.names.parse(where)
        except ConvstepError as error:
            if given:
                what = "before if stands what the breakpoint is on, o1 or grad(w1)[3]; and joins two conditions"
                raise error if re.fullmatch(r"[\w.\[\], ()]*", where) else ConvstepError(what) from None
            return self.checked(Breakpoint(condition=where, ignore=ignore, enabled=enabled))
        return self.checked(Breakpoint(None, key, index, condition, ignore, enabled))

    # -- snapshots

    def as_data(self) -> list[dict[str, Any]]:
        """Plain data, for a snapshot."""
        return [
            {
                "step": each.step,
                "key": each.key,
                "index": each.index,
                "condition": each.condition,
                "ignore": each.ignore,
                "enabled": each.enabled,
            }
            for each in self.all
        ]

    def from_data(self, data: Any) -> None:
        """Take over what `as_data` gave. Raises ValueError for anything else, ConvstepError for what cannot stop."""
        if not isinstance(data, list):
            raise ValueError("breakpoints")
        self.all = [self.checked(self._breakpoint(entry)) for entry in data]

    def _breakpoint(self, entry: Any) -> Breakpoint:
        if not isinstance(entry, Mapping):
            raise ValueError("breakpoint")
        step, key, index = entry.get("step"), entry.get("key"), entry.get("index")
        condition, ignore, enabled = entry.get("condition", ""), entry.get("ignore", 0), entry.get("enabled", True)
        whole = all(value is None or type(value) is int for value in (step, index)) and type(ignore) is int
        if not whole or not isinstance(condition, str) or not isinstance(enabled, bool):
            raise ValueError("breakpoint")
        if step is not None and step not in range(len(self.recording.timeline.steps)):
            raise ValueError("breakpoint")
        if key is not None and (not isinstance(key, str) or key not in self.words.keys):
            raise ValueError("breakpoint")
        if index is not None:
            size = 1
            for n in self.words.names.shape(key) if key is not None else (0,):
                size *= n
            if index not in range(size):
                raise ValueError("breakpoint")
        return Breakpoint(step, key, index, condition, ignore, enabled)
