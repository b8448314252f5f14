"""How far the running sums of a norm's input gradient go."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from convstep.ops.base import Array, Call, IntArray, quiet
from convstep.ops.bounded import Bounded, Course, Span
from convstep.ops.norm.standardise import Standardise


class BoundedNorm(Bounded, Standardise):
    """A norm that knows the reach of these sums: each element of a group collects from all of it in the same way."""

    @quiet
    def reach(self, call: Call, slot: int, upstream: Array) -> Array | None:
        if slot or self.fixed:
            return None
        standard = np.abs((call.operands[0].reshape(self.layout.shape) - call.saved["mean"]) * call.saved["rate"])
        given = np.abs(upstream.reshape(self.layout.shape) * call.saved["rate"])
        if "weight" in self.slots:
            given = given * np.abs(self._channelwise(call.operands, "weight"))
        through = standard * self._mean(given * standard) + self.centred * self._mean(given)
        return np.asarray(given + through).reshape(upstream.shape)

    @quiet
    def spans(self, call: Call, slot: int, upstream: Array, sources: bool) -> tuple[Span, Span] | None:
        if slot or self.fixed:
            return None
        size, axes, every = self.layout.group_size, self.layout.axes, np.arange(upstream.size)
        standard = self.standard(call, every).reshape(self.layout.shape)
        given = upstream.reshape(self.layout.shape).astype(np.float64)
        slope = self._statistic(call, "rate", every).reshape(self.layout.shape)
        if "weight" in self.slots:
            slope = slope * self._channelwise(call.operands, "weight")
        own = slope * (1 - (np.square(standard) + self.centred) / size)

        def met(factor: Array) -> Span:
            """−factor · (x̂ · x̂ + 1) / size, over all of the group on the other side."""
            if sources:
                low, high = between(factor * standard, standard)
                return -(high + self.centred * factor) / size, -(low + self.centred * factor) / size
            low, high = between(standard, factor * standard)
            once = between(np.array(float(self.centred)), factor)
            return -(high + once[1]) / size, -(low + once[0]) / size

        def between(outside: Array, within: Array) -> Span:
            low, high = (each(axis=axes, keepdims=True) for each in (within.min, within.max))
            return np.minimum(outside * low, outside * high), np.maximum(outside * low, outside * high)

        return _widest(met(slope), own), _widest(met(slope * given), own * given)

    def courses(self, call: Call, slot: int, upstream: Array, elements: IntArray) -> Iterator[Course] | None:
        if slot or self.fixed:
            return None
        return map(partial(self._course, call, upstream), np.unique(self.layout.group(elements)))

    @quiet
    def _course(self, call: Call, upstream: Array, group: int) -> Course:
        """Of a group: all its elements collect from one another."""
        members = self.layout.members(np.array([group]))[0]
        given = self._scale(call, members, members) * upstream.reshape(-1)[members]
        standard = self.standard(call, members)
        rates = np.column_stack([standard, np.full(len(members), float(self.centred))])
        steps = np.stack([standard * given, given]) / -self.layout.group_size
        return Course(members, rates, np.add.accumulate(steps, axis=1), given, np.arange(len(members)))


def _widest(span: Span, own: Array) -> Span:
    """With a number of its own for each element, and room for rounding."""
    room = 1e-9 * np.maximum(np.maximum(np.abs(span[0]), np.abs(span[1])), np.abs(own))
    return np.minimum(span[0], own) - room, np.maximum(span[1], own) + room
