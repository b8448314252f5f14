"""What a screen shows besides the step: the watches, and the first number that is not finite."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from convstep.debugger.moves import Spot, Wording
from convstep.debugger.screen.view import Blocks, Note, View
from convstep.debugger.stops.clock import Clock
from convstep.debugger.stops.desk import Desk
from convstep.debugger.stops.watches import Seen
from convstep.engine.nonfinite import NonFinite
from convstep.engine.work import TooLong
from convstep.explain.nonfinite import origin
from convstep.explain.numbers import short

MOST_WATCHES = 4
_SPARKS = "▁▂▃▄▅▆▇█"
WIDTH = 12
_FAR = 1e4


def announced(view: View, desk: Desk, spot: Spot) -> View:
    """The view with the watches above its tensors, and the alarm where there is one."""
    if desk.watches.all:
        view = _with_watches(view, desk, spot)
    found = desk.lookout.found
    if found is None:
        return view
    bar = view.timeline
    if found.step >= 0 and found.iteration == bar.iteration:
        bar = replace(bar, alarm=_time(desk, spot, found))
    return replace(view, alarm=announcement(desk), timeline=bar)


def announcement(desk: Desk) -> str:
    """Where the first number is that is not finite, and from what, where that iteration is at hand; "" for none."""
    found = desk.lookout.found
    if found is None:
        return ""
    names = desk.words.names
    try:
        wordings = origin(desk.recording, names, found).wordings()
        ways = ("; g nan goes there", " (g nan)", "")
        return Wording(*(f"{wording}{way}" for wording in wordings for way in ways))
    except TooLong:
        number = names.element(found.tensor, found.element, names.shape(found.tensor))
        where = f"iteration {found.iteration}, {number} = {short(found.value)}"
        return Wording(f"first non-finite: {where}; g nan goes there", f"{where}; g nan goes there")


def _time(desk: Desk, spot: Spot, found: NonFinite) -> int:
    """The step of this level that wrote it, within its iteration."""
    clock = Clock(desk.recording, spot.level, spot.order)
    first, end = clock.span(found.step)
    step = desk.recording.timeline.steps[found.step]
    if spot.level == "op" or step.scatters(spot.order):
        return end - 1
    return first + found.element * (1 if spot.level == "element" else step.terms[spot.order])


def _with_watches(view: View, desk: Desk, spot: Spot) -> View:
    watches = desk.watches.all
    lines = [f"{watch.text} = {told(desk.watches.seen(watch, spot))}" for watch in watches[:MOST_WATCHES]]
    if len(watches) > MOST_WATCHES:
        lines.append(f"W lists {len(watches) - MOST_WATCHES} more watches")
    return replace(view, tensors=Blocks.below([Note(line) for line in lines], view.tensors))


def told(seen: Seen) -> str:
    """A watch's value and its history: `0.53  ▇▅▃▂▁`."""
    history = seen.history
    drawn = (bars if history.truths else sparkline)(history.numbers, WIDTH)
    return f"{seen.value}  {history.of + ' ' if history.of and drawn else ''}{drawn}".rstrip()


def bars(shares: Sequence[float], width: int) -> str:
    """When a condition held: `█` all the time, `▁` never, `▄` for a part of it."""
    parts = min(width, len(shares))
    if len(shares) < 2:
        return ""
    means = [
        sum(part) / len(part)
        for part in (shares[k * len(shares) // parts : (k + 1) * len(shares) // parts] for k in range(parts))
    ]
    return "".join("█" if mean == 1 else "▄" if mean else "▁" for mean in means)


def sparkline(numbers: Sequence[float], width: int) -> str:
    """The last of so many numbers, between their smallest and largest; `!` for what is not finite.

    Positive numbers that lie far apart are drawn by their logarithms.
    """
    shown = list(numbers)[-width:] if len(numbers) <= 4 * width else _thinned(numbers, width)
    finite = [number for number in shown if math.isfinite(number)]
    if len(shown) < 2 or not finite:
        return ""
    if min(finite) > 0 and max(finite) / min(finite) > _FAR:
        shown = [math.log10(number) if math.isfinite(number) else number for number in shown]
        finite = [number for number in shown if math.isfinite(number)]
    low, high = min(finite), max(finite)
    scale = (len(_SPARKS) - 1) / (high - low) if high > low else 0.0
    return "".join(_SPARKS[int((number - low) * scale)] if math.isfinite(number) else "!" for number in shown)


def _thinned(numbers: Sequence[float], width: int) -> list[float]:
    """One number of each of `width` equal parts: its last."""
    return [numbers[(k + 1) * len(numbers) // width - 1] for k in range(width)]
