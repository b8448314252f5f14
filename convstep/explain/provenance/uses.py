"""What a number feeds: every number whose formula reads it. The other direction of `provenance`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod

import numpy as np

from convstep.engine.state import split_name
from convstep.engine.sums import Floats, upstream_at
from convstep.engine.timeline import Step
from convstep.explain.provenance.provenance import Group, Origins, owner
from convstep.network.graph import Node
from convstep.ops.base import OUTPUT, Array, IntArray, quiet
from convstep.ops.expression import Element

_ROWS_AT_ONCE = 2**16
_MOST_LINKS = 100_000
"""So many links are gone through to find the places where a local derivative may read a number."""


@quiet
def feeds(origins: Origins, key: str, index: int) -> list[Group]:
    """The ties to all that a number feeds, each of the kind that `made_from` has for the other end."""
    kind, name = split_name(key)
    if kind == "new":
        return list(_next_parameter(origins, name, index))
    if kind == "grad":
        return [*_upstream(origins, name, index), *_updates(origins, name, key, index)]
    if key.startswith("given("):
        value = origins.at(key, np.array([index]))
        tensor = f"grad({key[len('given(') : -1]})"
        whole = origins.at(tensor, np.array([index]))
        return [origins.group("given", "", tensor, np.array([index]), whole, np.ones(1), value)]
    groups = [group for node in origins.recording.graph.nodes for group in _outputs(origins, node, key, index)]
    for step in origins.recording.timeline.steps:
        if step.is_backward:
            groups += _locals(origins, step, key, index)
    return [*groups, *_updates(origins, name, key, index), *_carried(origins, key, index)]


# -- forward


def _outputs(origins: Origins, node: Node, key: str, index: int) -> Iterator[Group]:
    value = float(origins.at(key, np.array([index]))[0])
    for slot, operand in enumerate(node.operands):
        if operand == key:
            outs, local = _fed(origins, node, slot, index)
            made = origins.at(node.name, outs)
            yield origins.group("operand", node.name, node.name, outs, made, local, local * value)


def _fed(origins: Origins, node: Node, slot: int, index: int) -> tuple[IntArray, Array]:
    """The outputs that read an element of a slot, and how they react to it."""
    call = origins.iteration.calls[node.name]
    if slot < len(node.op.inputs) + len(node.op.parameters):
        links = node.op.column(call, slot, np.array([index]))
        met = links.met[0]
        return links.index[0][met], links.local[0][met]
    # Buffers and masks have no columns.
    outs, locals_ = [np.zeros(0, np.intp)], [np.zeros(0)]
    for start in range(0, call.output.size, _ROWS_AT_ONCE):
        rows = np.arange(start, min(start + _ROWS_AT_ONCE, call.output.size))
        links = node.op.row(call, slot, rows)
        row, nth = np.nonzero((links.index == index) & links.met)
        outs.append(rows[row])
        locals_.append(links.local[row, nth])
    return np.concatenate(outs), np.concatenate(locals_)


# -- backward


def _upstream(origins: Origins, name: str, index: int) -> Iterator[Group]:
    """The gradients that take a gradient as their upstream one."""
    node, timeline = origins.nodes.get(name), origins.recording.timeline
    if node is None:
        return
    value = float(origins.at(f"grad({name})", np.array([index]))[0])
    for slot in timeline.backward_steps.get(name, {}):
        links = node.op.row(origins.iteration.calls[name], slot, np.array([index]))
        met = links.met[0]
        into, local = links.index[0][met], links.local[0][met]
        key = f"grad({node.operands[slot]})"
        yield origins.group("upstream", name, key, into, origins.at(key, into), local, local * value)


def _locals(origins: Origins, step: Step, key: str, index: int) -> Iterator[Group]:
    """The gradient elements of one backward step in whose local derivatives a value stands."""
    assert step.node is not None
    op, call = step.node.op, origins.iteration.calls[step.layer]
    slots = [slot for slot, operand in enumerate(step.node.operands) if operand == key]
    partner = op.partner_slot(step.slot)
    if partner is not None:
        if partner in slots:
            links = op.column(call, partner, np.array([index]))
            met = links.met[0]
            assert links.partner is not None
            into, upstream = links.partner[0][met], upstream_at(step, origins.iteration, links.index[0][met])
            value = float(origins.at(key, np.array([index]))[0])
            grads = origins.at(step.writes, into)
            yield origins.group("local", step.layer, step.writes, into, grads, upstream, value * upstream)
        return
    for slot in [*slots, *([OUTPUT] if step.node.name == key else [])]:
        yield from _read_locally(origins, step, slot, index)


def _read_locally(origins: Origins, step: Step, slot: int, index: int) -> Iterator[Group]:
    """By the formulas of the local derivatives that could read the element, the nearest first."""
    assert step.node is not None
    outs, into, of = _places(origins, step, slot, index)
    wanted = Element(slot, index)
    read = [wanted in found for found in origins.read_locally(step, outs, into)]
    hits = np.flatnonzero(read)
    if not len(hits):
        return
    at, out = into[hits], outs[hits]
    amounts = _slopes(origins, step, out, at) * upstream_at(step, origins.iteration, out)
    unknown = np.full(len(hits), np.nan)
    group = origins.group("local", step.layer, step.writes, at, origins.at(step.writes, at), unknown, amounts)
    yield replace(group, looked_at=len(read), of=of)


def _slopes(origins: Origins, step: Step, out: IntArray, into: IntArray) -> Floats:
    """The derivatives of outputs by inputs, pair by pair.

    Read from the rows of outputs that come more than once, and otherwise from the columns of inputs: of a norm each
    row and column is as long as a channel, and most pairs have an end in common.
    """
    assert step.node is not None
    op, call = step.node.op, origins.iteration.calls[step.layer]
    slopes = np.zeros(len(out))
    _, which, often = np.unique(out, return_inverse=True, return_counts=True)
    in_rows = often[which] > 1
    for pairs, near, far, read in (
        (np.flatnonzero(in_rows), out, into, op.row),
        (np.flatnonzero(~in_rows), into, out, op.column),
    ):
        for end in np.unique(near[pairs]):
            these = pairs[near[pairs] == end]
            these = these[np.argsort(far[these])]
            links = read(call, step.slot, np.array([end]))
            met, local = links.index[0][links.met[0]], links.local[0][links.met[0]]
            place = np.minimum(np.searchsorted(far[these], met), len(these) - 1)
            fits = far[these][place] == met
            np.add.at(slopes, these[place[fits]], local[fits])
    return slopes


def _places(origins: Origins, step: Step, slot: int, index: int) -> tuple[IntArray, IntArray, int]:
    """Pairs of an output and an input whose local derivative may read an element, the nearest first; how many."""
    node = step.node
    assert node is not None
    op, call = node.op, origins.iteration.calls[step.layer]
    if slot == OUTPUT:
        # An output may stand in the derivatives of those that share an input with it: softmax.
        shared = op.row(call, step.slot, np.array([index]))
        read = _nearest(np.unique(shared.index[0][shared.met[0]]), index, prod(op.column_grid(step.slot)))
        outs = np.array([index])
        if len(read):
            around = op.column(call, step.slot, read)
            outs = np.unique(np.append(around.index[around.met], index))
    else:
        outs = np.unique(_fed(origins, node, slot, index)[0])
    if not len(outs):
        return outs, outs, 0
    taps = prod(op.row_grid(step.slot))
    of, outs = len(outs) * taps, _nearest(outs, index, taps)
    rows = op.row(call, step.slot, outs)
    row, nth = np.nonzero(rows.met)
    out, into = outs[row], rows.index[row, nth]
    pairs = np.unique(out * call.operands[step.slot].size + into)
    out, into = np.divmod(pairs, max(1, call.operands[step.slot].size))
    first = np.lexsort((into, out, (out != index) & (into != index)))
    whole = len(outs) * taps == of
    return out[first], into[first], len(first) if whole else of


def _nearest(elements: IntArray, index: int, links: int) -> IntArray:
    """Those elements, each of so many links, that are looked at where there are many: the nearest to an index."""
    most = max(1, _MOST_LINKS // max(1, links))
    if len(elements) <= most:
        return elements
    return np.sort(elements[np.argsort(np.abs(elements - index), kind="stable")[:most]])


# -- updates, and on to the next iteration


def _updates(origins: Origins, name: str, key: str, index: int) -> Iterator[Group]:
    """The update that reads a parameter, its gradient or the optimizer's state; and the state that it makes."""
    at, following = np.array([index]), origins.iteration.index + 1
    for parameter, update in origins.iteration.updates.items():
        kept = {f"{parameter}.{part}": array for part, array in update.new_state.items()}
        if name != parameter and key not in kept:
            continue
        layer = owner(origins.recording, parameter)
        amount = origins.update_reads(parameter, index).get(key)
        if amount is not None:
            new = f"new({parameter})"
            yield origins.group("update", layer, new, at, origins.at(new, at), _NAN, np.array([amount]))
        for made, array in kept.items():
            if key in origins.kept_reads(parameter, made) and following < origins.recording.graph.iterations:
                value = np.array([float(array.reshape(-1)[index])])
                yield replace(origins.group("carried", layer, made, at, value, _NAN, _NAN), iteration=following)


def _next_parameter(origins: Origins, name: str, index: int) -> Iterator[Group]:
    following, at = origins.iteration.index + 1, np.array([index])
    if following < origins.recording.graph.iterations:
        value = origins.at(f"new({name})", at)
        group = origins.group("carried", owner(origins.recording, name), name, at, value, np.ones(1), value)
        yield replace(group, iteration=following)


def _carried(origins: Origins, key: str, index: int) -> Iterator[Group]:
    """A buffer in the next iteration."""
    buffers, following = origins.iteration.end.buffers, origins.iteration.index + 1
    if key in buffers and following < origins.recording.graph.iterations:
        value = np.array([float(buffers[key].reshape(-1)[index])])
        yield replace(origins.group("carried", "", key, np.array([index]), value, _NAN, _NAN), iteration=following)


_NAN = np.array([np.nan])
