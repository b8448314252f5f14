"""A trace: the steps of a network as plain dictionaries, from any position (contract §3)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from operator import index
from typing import Any, SupportsIndex

import numpy as np

from convstep.engine.recording import Recording
from convstep.engine.state import State
from convstep.engine.timeline import Level, Order, Step, torch_index
from convstep.errors import ConvstepError
from convstep.ops.base import Empty, Read, Shape

Line = dict[str, Any]


def states(
    recording: Recording, level: Level, order: Order, start: int = 0, stop: int | None = None, reverse: bool = False
) -> Iterator[tuple[int, State]]:
    """Positions `start` up to, not including, `stop` with their states, the last first where `reverse`.

    Past the end is clamped. Raises ConvstepError at once for what is no position, or a negative one.
    """
    length = recording.timeline.length(level, order)
    positions = range(min(_position(start), length), length if stop is None else min(_position(stop), length))
    return _walk(recording, level, order, positions[::-1] if reverse else positions)


def _position(value: SupportsIndex) -> int:
    try:
        position = index(value)
    except TypeError:
        position = -1
    if position < 0:
        raise ConvstepError(f"a position is a whole number of 0 or more, not {value!r}")
    return position


def _walk(recording: Recording, level: Level, order: Order, positions: range) -> Iterator[tuple[int, State]]:
    state: State | None = None
    for position in positions:
        state = State(recording, recording.timeline.place(level, order, position), order, state)
        yield position, state


def line(position: int, state: State) -> Line:
    """One step as contract §3 has it, with torch indices and the file's names."""
    step, place = state.step, state.place
    assert step is not None
    result: Line = {
        "position": position,
        "level": place.level,
        "iteration": place.iteration,
        "phase": step.phase,
        "layer": step.layer,
        "op": step.op,
        "writes": step.writes,
    }
    if place.element is None:
        return result
    if step.scatters(state.order):
        result["source"] = torch_index(place.element, step.upstream_shape)
        if place.term is None:
            return result
    target = state.target
    result["index"] = None if target is None else torch_index(target, step.shape)
    if place.term is None:
        result["value"] = _value(state, step)
        return result
    result["term"] = place.term
    result["terms"] = step.terms[state.order]
    result["value"] = _value(state, step) if state.ends_element else None
    result.update(_backward_term(state, step) if step.is_backward else _term(state))
    return result


def _value(state: State, step: Step) -> Any:
    """What the element holds after the step."""
    assert state.target is not None
    name = f"new({step.tensor})" if step.phase == "update" else step.writes
    values, _ = state.read(name, np.array([state.target]))
    return plain(float(values[0]))


def _backward_term(state: State, step: Step) -> Line:
    collected, shares, k = state.collected, state.shares, state.column_term
    assert step.node is not None and state.place.element is not None and state.place.term is not None
    into: int | None
    if collected is not None and k is not None:
        links = collected.links
        out, into = int(links.index[0, k]), state.target
        upstream, product, total = (float(a[0, k]) for a in (collected.upstream, collected.products, collected.sums))
    else:
        assert shares is not None
        links, k = shares.links, state.place.term
        out, into = state.place.element, None
        upstream, product, total = shares.upstream, 0.0, None
    of = element_name(step.node.name, out, step.upstream_shape) if out >= 0 else None
    by = None if into is None else element_name(step.tensor, into, step.shape)
    upstream_name = None if out < 0 else element_name(f"grad({step.layer})", out, step.upstream_shape)
    result: Line = {
        "local": {"of": of, "by": by, "value": plain(float(links.local[0, k]))},
        "upstream": {"name": upstream_name, "value": plain(upstream)},
        "product": plain(product),
        "sum": None if total is None else plain(total),
    }
    return _with_empty(result, Empty(int(links.empty[0, k])) if links.empty is not None else Empty.NO)


def _term(state: State) -> Line:
    assert state.terms is not None and state.place.term is not None
    term = state.terms[state.place.term]
    reads = [_read(state, read) for read in term.reads]
    total = term.sum
    if term.is_product:
        result: Line = {"factors": reads, "product": plain(term.result)}
        total = term.result if total is None else total  # a product that stands alone is its own sum
    else:
        result = {"does": term.does, "reads": reads, "result": plain(term.result)}
    if total is not None:
        result["sum"] = plain(total)
    if not term.is_product and term.empty != Empty.NO:
        result["product"] = 0
    return _with_empty(result, term.empty)


def _read(state: State, read: Read) -> Line:
    """What a term reads: an element in torch indexing, or an intermediate under its own name."""
    if isinstance(read.slot, str):
        return {"name": read.slot, "value": plain(read.value)}
    tensor, shape = state.operand(read.slot)
    name = element_name(tensor, read.index, shape) if read.index >= 0 else None
    return {"name": name, "value": plain(read.value)}


def _with_empty(result: Line, empty: Empty) -> Line:
    if empty != Empty.NO:
        result["empty"] = empty.name.lower()
    return result


def element_name(tensor: str, flat: int, shape: Shape) -> str:
    """`o1[0,0,0,1]`, `grad(o1)[0,0,0,1]`; a scalar is its tensor's name alone."""
    return f"{tensor}[{','.join(map(str, torch_index(flat, shape)))}]" if shape else tensor


def plain(value: float) -> float | str:
    """A number for JSON: NaN and infinities are strings."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value
