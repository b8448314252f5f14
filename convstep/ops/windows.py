"""Windows that slide over an axis, as small tables built from sizes alone.

Whatever moves a window (convolution, pooling, padding) is a product of one table per axis:
(output, tap) → input position or the reason why there is none, and its inverse.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
import numpy.typing as npt

from convstep.errors import ArgumentError
from convstep.memory import available, in_words
from convstep.ops.base import Empty, IntArray, Shape
from convstep.ops.indices import unravel

Codes = npt.NDArray[np.uint8]

_NO, _PADDING, _WINDOW = np.uint8(Empty.NO), np.uint8(Empty.PADDING), np.uint8(Empty.WINDOW)
_LARGEST_TABLE = 2**25
_WORTH_ASKING = 2**18
_BYTES_AN_ENTRY = 56
"""What an entry of an axis's tables takes while they are made; half of it stays."""
_LARGEST_PLANE = 2**36


def check_table(outputs: int, taps: int = 1) -> None:
    """Raises MemoryError where the table of an axis would hold more than any useful network's, or than there is."""
    entries = outputs * taps
    if entries > _LARGEST_TABLE:
        raise MemoryError
    room = available() if entries > _WORTH_ASKING else None
    if room is not None and entries * _BYTES_AN_ENTRY > room:
        needed = in_words(entries * _BYTES_AN_ENTRY)
        raise MemoryError(f"{outputs} windows of {taps} numbers need {needed} of memory, and {in_words(room)} are free")


def check_plane(outputs: Iterable[int]) -> None:
    """Raises MemoryError where axes together have more outputs than any memory holds: before their tables are made."""
    if prod(outputs) > _LARGEST_PLANE:
        raise MemoryError


def extent(sizes: Sequence[int]) -> str:
    """The sizes of a window in words: `2×2`, and along a single axis `3-wide`."""
    return f"{sizes[0]}-wide" if len(sizes) == 1 else "×".join(map(str, sizes))


@dataclass(frozen=True)
class Axis:
    """One axis of a sliding window.

    `reads[o, t]` is the input position that output o reads at tap t, -1 where there is none, for the reason
    `reads_empty[o, t]`. `feeds[p, k]` and `feeds_tap[p, k]` are the k-th output (ascending, then by tap) that
    input position p feeds; shorter lists are filled up with -1 to the longest one, for the reason `feeds_empty`.
    """

    reads: IntArray
    reads_empty: Codes
    feeds: IntArray
    feeds_tap: IntArray
    feeds_empty: Codes

    @property
    def outputs(self) -> int:
        return int(self.reads.shape[0])

    @property
    def taps(self) -> int:
        return int(self.reads.shape[1])

    @property
    def size(self) -> int:
        return int(self.feeds.shape[0])

    @property
    def nbytes(self) -> int:
        tables = (self.reads, self.reads_empty, self.feeds, self.feeds_tap, self.feeds_empty)
        return sum(table.nbytes for table in tables)

    @cached_property
    def repeats(self) -> bool:
        """Whether an output reads some position at more than one tap."""
        return bool(((self.feeds[:, 1:] == self.feeds[:, :-1]) & (self.feeds[:, 1:] >= 0)).any())

    @cached_property
    def tap_feeds(self) -> IntArray:
        """The output that each position feeds at each tap, -1 where there is none: (taps, size).

        Only where no two outputs read the same position at the same tap.
        """
        table = np.full((self.taps, self.size), -1)
        outputs, taps = np.nonzero(self.reads >= 0)
        table[taps, self.reads[outputs, taps]] = outputs
        return table


def sliding_axis(
    size: int, kernel: int, stride: int, before: int, after: int, dilation: int, outputs: int, mode: str = "zeros"
) -> Axis:
    """A window of `kernel` taps over `size` positions, padded as `padded_positions` has it."""
    check_table(outputs, kernel)
    start = np.arange(outputs)[:, None] * stride
    place = start + np.arange(kernel)[None, :] * dilation
    within = place < before + size + after
    padded = padded_positions(size, before, after, mode)
    reads = np.where(within, padded[np.minimum(place, len(padded) - 1)], -1)
    empty = np.where(within, np.where(reads < 0, _PADDING, _NO), _WINDOW)
    del place, within
    if mode != "zeros":
        # Positions that the padding does not repeat have the shorter lists.
        return axis_from(reads, empty, size, Empty.WINDOW)
    # Input positions that a tap would reach from an output beyond the edges lack a window; the rest, the stride.
    beyond = np.zeros(size, dtype=bool)
    for tap in range(kernel):
        output, rest = np.divmod(np.arange(size) + before - tap * dilation, stride)
        beyond |= (rest == 0) & ((output < 0) | (output >= outputs))
    return axis_from(reads, empty, size, np.where(beyond, Empty.WINDOW, Empty.STRIDE))


def spreading_axis(size: int, kernel: int, stride: int, padding: int, dilation: int, outputs: int) -> Axis:
    """A transposed convolution's axis: position i puts tap t at output i · stride − padding + t · dilation."""
    check_table(outputs, kernel)
    reach = np.arange(outputs)[:, None] + padding - np.arange(kernel)[None, :] * dilation
    position, rest = np.divmod(reach, stride)
    outside = (position < 0) | (position >= size)
    empty = np.where(rest != 0, Empty.STRIDE, np.where(outside, Empty.PADDING, Empty.NO)).astype(np.uint8)
    # What a position lacks is what the padding cuts off.
    return axis_from(np.where(empty == Empty.NO, position, -1), empty, size, Empty.PADDING)


def padded_positions(size: int, before: int, after: int, mode: str) -> IntArray:
    """The input position that each position of a padded axis repeats, -1 for a constant.

    `mode` is torch's: zeros, constant, reflect, replicate, circular. A negative padding cuts off. Raises
    ArgumentError about `padding` where torch cannot pad so.
    """
    if size + before + after < 1 or size + min(before, 0) + min(after, 0) < 0:
        raise ArgumentError("padding", f"({before}, {after}) leaves nothing of a size of {size}")
    check_table(size + before + after)
    position = np.arange(-before, size + after)
    if mode == "replicate":
        return np.clip(position, 0, size - 1)
    if mode == "reflect":
        if max(before, after) >= size:
            raise ArgumentError(
                "padding", f"reflect needs paddings smaller than the size, but a size of {size} has ({before}, {after})"
            )
        position = np.abs(position)
        return np.where(position < size, position, 2 * (size - 1) - position)
    if mode == "circular":
        first = max(-before, 0)
        ring = size - first - max(-after, 0)
        if max(before, after) > ring:
            raise ArgumentError(
                "padding", f"circular goes around once at most, but ({before}, {after}) repeats {ring} positions"
            )
        return first + (position - first) % ring
    return np.where((position >= 0) & (position < size), position, -1)


def axis_from(reads: IntArray, empty: Codes, size: int, filler: npt.ArrayLike) -> Axis:
    """The axis with these reads; `filler` says, for each input position, why its list may be short."""
    there = np.flatnonzero(reads >= 0)
    there = there[np.argsort(reads.reshape(-1)[there], kind="stable")]
    positions = reads.reshape(-1)[there]
    outputs, taps = np.divmod(there, reads.shape[1])
    del there
    counts = np.bincount(positions, minlength=size)
    longest = max(int(counts.max(initial=0)), 1)
    nth = np.arange(len(positions)) - np.repeat(np.cumsum(counts) - counts, counts)
    feeds = np.full((size, longest), -1)
    feeds_tap = np.zeros((size, longest), dtype=feeds.dtype)
    feeds[positions, nth] = outputs
    feeds_tap[positions, nth] = taps
    del positions, outputs, taps, nth
    reason = np.broadcast_to(np.asarray(filler, dtype=np.uint8)[..., None], feeds.shape)
    return Axis(reads, empty, feeds, feeds_tap, np.where(feeds < 0, reason, _NO))


@dataclass(frozen=True)
class Window:
    """The product of one table per axis. Indices are flat over all axes of the window."""

    axes: tuple[Axis, ...]

    @property
    def size(self) -> Shape:
        return tuple(axis.size for axis in self.axes)

    @property
    def outputs(self) -> Shape:
        return tuple(axis.outputs for axis in self.axes)

    @property
    def taps(self) -> Shape:
        return tuple(axis.taps for axis in self.axes)

    @property
    def nbytes(self) -> int:
        return sum(axis.nbytes for axis in self.axes)

    @property
    def feed_grid(self) -> Shape:
        """The layout of the longest list of outputs that one input position feeds."""
        return tuple(axis.feeds.shape[1] for axis in self.axes)

    def reads(self, out: IntArray) -> tuple[IntArray, Codes]:
        """For m outputs, the input position and `Empty` code of each tap, (m, taps)."""
        at = unravel(out, self.outputs)
        return _cross(
            [axis.reads[i] for axis, i in zip(self.axes, at, strict=True)],
            [axis.reads_empty[i] for axis, i in zip(self.axes, at, strict=True)],
            self.size,
        )

    def feeds(self, into: IntArray) -> tuple[IntArray, IntArray, Codes]:
        """For m input positions, the outputs fed, at which tap, and the `Empty` codes, each (m, feeds)."""
        at = unravel(into, self.size)
        empties = [axis.feeds_empty[i] for axis, i in zip(self.axes, at, strict=True)]
        out, empty = _cross([a.feeds[i] for a, i in zip(self.axes, at, strict=True)], empties, self.outputs)
        tap, _ = _cross([a.feeds_tap[i] for a, i in zip(self.axes, at, strict=True)], empties, self.taps)
        if any(axis.repeats for axis in self.axes[:-1]):
            # A position read twice along one axis comes back to the same outputs of the next: these go together.
            order = np.argsort(np.where(out < 0, prod(self.outputs), out), axis=1, kind="stable")
            out, tap = np.take_along_axis(out, order, axis=1), np.take_along_axis(tap, order, axis=1)
            empty = np.take_along_axis(empty, order, axis=1)
        return out, tap, empty

    def tap_reads(self, tap: IntArray) -> tuple[IntArray, Codes]:
        """For m taps, the input position that each output reads there, and its `Empty` code, (m, outputs)."""
        at = unravel(tap, self.taps)
        return _cross(
            [axis.reads[:, i].T for axis, i in zip(self.axes, at, strict=True)],
            [axis.reads_empty[:, i].T for axis, i in zip(self.axes, at, strict=True)],
            self.size,
        )

    def tap_feeds(self, tap: IntArray) -> tuple[IntArray, Codes]:
        """For m taps, the output that each input position feeds there, and its `Empty` code, (m, size)."""
        at = unravel(tap, self.taps)
        fed = [axis.tap_feeds[i] for axis, i in zip(self.axes, at, strict=True)]
        codes = [np.where(f < 0, Empty.PADDING, Empty.NO).astype(np.uint8) for f in fed]
        return _cross(fed, codes, self.outputs)

    def fed(self, into: IntArray) -> tuple[IntArray, IntArray]:
        """For m input positions, the first and the last output fed, -1 where there is none."""
        at = unravel(into, self.size)
        return _ends([axis.feeds[i] for axis, i in zip(self.axes, at, strict=True)], self.outputs)

    def fed_at_tap(self, tap: IntArray) -> tuple[IntArray, IntArray]:
        """For m taps, the first and the last output that reads a position there, -1 where there is none."""
        at = unravel(tap, self.taps)
        reading = [np.where(axis.reads >= 0, np.arange(axis.outputs)[:, None], -1).T for axis in self.axes]
        return _ends([outputs[i] for outputs, i in zip(reading, at, strict=True)], self.outputs)


def _ends(parts: list[IntArray], sizes: Shape) -> tuple[IntArray, IntArray]:
    """The first and the last flat position, (m,), made of one position per axis: of lists (m, n), -1 for none."""
    first, last = np.zeros((2, len(parts[0])), np.intp)
    nowhere = np.zeros(len(parts[0]), bool)
    for part, size in zip(parts, sizes, strict=True):
        nowhere |= (part < 0).all(axis=1)
        first = first * size + np.where(part < 0, size, part).min(axis=1)
        last = last * size + part.max(axis=1)
    return np.where(nowhere, -1, first), np.where(nowhere, -1, last)


def _cross(parts: list[IntArray], empties: list[Codes], sizes: Shape) -> tuple[IntArray, Codes]:
    """Row-major flat indices, (m, n_1 · n_2 · …), from one list of positions per axis, (m, n_axis).

    Where any axis has nothing, the flat index is -1, for the strongest reason: what is past the window's end
    on one axis is not even padding.
    """
    m = parts[0].shape[0]
    flat, empty = parts[0], empties[0]
    for part, reason, size in zip(parts[1:], empties[1:], sizes[1:], strict=True):
        count = flat.shape[1] * part.shape[1]  # not -1: there may be nothing at all
        flat = (flat[:, :, None] * size + part[:, None, :]).reshape(m, count)
        empty = np.maximum(empty[:, :, None], reason[:, None, :]).reshape(m, count)
    return np.where(empty == Empty.NO, flat, -1), empty
