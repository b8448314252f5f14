"""The windows of an axis, small enough to write down, and the arithmetic ones against tables made by brute force."""

from itertools import product

import numpy as np
import pytest

from convstep.ops.axes.adaptive import adaptive_axis
from convstep.ops.axes.repeating import repeating_axis
from convstep.ops.axes.sliding import SlidingAxis
from convstep.ops.axes.spreading import SpreadingAxis
from convstep.ops.axes.table import axis_from
from convstep.ops.base import Empty
from convstep.ops.windows import Window

NO, PADDING, STRIDE, WINDOW = Empty.NO, Empty.PADDING, Empty.STRIDE, Empty.WINDOW


def reads(axis):
    return axis.reads(np.arange(axis.outputs))


def feeds(axis):
    return axis.feeds(np.arange(axis.size))


def test_a_plain_window():
    axis = SlidingAxis(size=3, taps=2, stride=1, before=0, after=0, dilation=1, outputs=2)
    assert reads(axis)[0].tolist() == [[0, 1], [1, 2]]
    assert not reads(axis)[1].any()
    assert feeds(axis)[0].tolist() == [[0, -1], [0, 1], [1, -1]]
    assert feeds(axis)[1].tolist() == [[0, 0], [1, 0], [1, 0]]
    assert feeds(axis)[2].tolist() == [[NO, WINDOW], [NO, NO], [NO, WINDOW]]
    assert (axis.outputs, axis.taps, axis.size) == (2, 2, 3)


def test_padding_is_read_at_both_ends():
    axis = SlidingAxis(size=2, taps=3, stride=1, before=1, after=1, dilation=1, outputs=2)
    assert reads(axis)[0].tolist() == [[-1, 0, 1], [0, 1, -1]]
    assert reads(axis)[1].tolist() == [[PADDING, NO, NO], [NO, NO, PADDING]]
    assert feeds(axis)[0].tolist() == [[0, 1], [0, 1]]
    assert feeds(axis)[1].tolist() == [[1, 0], [2, 1]]


def test_a_stride_leaves_positions_between_windows():
    axis = SlidingAxis(size=5, taps=2, stride=3, before=0, after=0, dilation=1, outputs=2)
    assert reads(axis)[0].tolist() == [[0, 1], [3, 4]]
    assert feeds(axis)[0].tolist() == [[0], [0], [-1], [1], [1]]
    assert feeds(axis)[2][2] == STRIDE


def test_a_wide_stride_shortens_the_list_of_outputs_for_the_strides_reason():
    axis = SlidingAxis(size=5, taps=3, stride=2, before=0, after=0, dilation=1, outputs=2)
    assert feeds(axis)[0].tolist() == [[0, -1], [0, -1], [0, 1], [1, -1], [1, -1]]
    assert feeds(axis)[2][:, 1].tolist() == [WINDOW, STRIDE, NO, STRIDE, WINDOW]


def test_dilation_spreads_the_taps():
    axis = SlidingAxis(size=4, taps=2, stride=1, before=0, after=0, dilation=2, outputs=2)
    assert reads(axis)[0].tolist() == [[0, 2], [1, 3]]
    assert feeds(axis)[0].tolist() == [[0], [1], [0], [1]]


def test_a_ceil_mode_window_reaches_past_the_padding():
    axis = SlidingAxis(size=3, taps=2, stride=2, before=0, after=0, dilation=1, outputs=2)
    assert reads(axis)[0].tolist() == [[0, 1], [2, -1]]
    assert reads(axis)[1].tolist() == [[NO, NO], [NO, WINDOW]]
    padded = SlidingAxis(size=4, taps=3, stride=3, before=1, after=1, dilation=1, outputs=2)
    assert reads(padded)[1].tolist() == [[PADDING, NO, NO], [NO, NO, PADDING]]


def test_one_output_may_read_an_input_twice():
    axis = axis_from(np.array([[1, 0, 1]]), np.zeros((1, 3), np.uint8), 2, np.full(2, WINDOW))
    assert feeds(axis)[0].tolist() == [[0, -1], [0, 0]]
    assert feeds(axis)[1].tolist() == [[1, 0], [0, 2]]


def test_an_input_that_feeds_nothing_still_has_one_entry():
    axis = SlidingAxis(size=3, taps=1, stride=1, before=0, after=0, dilation=1, outputs=1)
    assert feeds(axis)[0].tolist() == [[0], [-1], [-1]]


@pytest.fixture
def plane():
    """2×2 taps over 3×3 positions."""
    return Window((SlidingAxis(3, 2, 1, 0, 0, 1, 2),) * 2)


def test_a_plane_reads_row_major(plane):
    index, empty = plane.reads(np.array([1, 2]))
    assert index.tolist() == [[1, 2, 4, 5], [3, 4, 6, 7]]
    assert not empty.any()
    assert (plane.size, plane.outputs, plane.taps, plane.feed_grid) == ((3, 3), (2, 2), (2, 2), (2, 2))


def test_the_middle_feeds_every_output_with_another_tap(plane):
    out, tap, empty = plane.feeds(np.array([4, 0]))
    assert out.tolist() == [[0, 1, 2, 3], [0, -1, -1, -1]]
    assert tap[0].tolist() == [3, 2, 1, 0]
    assert empty[1].tolist() == [NO, WINDOW, WINDOW, WINDOW]


def test_a_tap_reads_one_position_for_each_output(plane):
    index, empty = plane.tap_reads(np.array([0, 3]))
    assert index.tolist() == [[0, 1, 3, 4], [4, 5, 7, 8]]
    assert not empty.any()


def test_padding_on_one_axis_is_padding_in_the_plane():
    window = Window((SlidingAxis(1, 2, 1, 1, 0, 1, 1), SlidingAxis(2, 2, 1, 0, 0, 1, 1)))
    index, empty = window.reads(np.array([0]))
    assert index.tolist() == [[-1, -1, 0, 1]]
    assert empty.tolist() == [[PADDING, PADDING, NO, NO]]


def test_past_the_end_on_one_axis_is_past_the_end_in_the_plane():
    window = Window((SlidingAxis(1, 2, 1, 1, 0, 1, 1), SlidingAxis(1, 2, 2, 0, 0, 1, 1)))
    assert window.reads(np.array([0]))[1].tolist() == [[PADDING, WINDOW, NO, WINDOW]]


def test_no_places_have_no_reads_and_no_feeds():
    axis = SlidingAxis(size=3, taps=2, stride=1, before=0, after=0, dilation=1, outputs=2)
    window, none = Window((axis, axis)), np.empty(0, dtype=np.intp)
    assert [table.shape for table in window.reads(none)] == [(0, 4)] * 2
    assert [table.shape for table in window.feeds(none)] == [(0, 4)] * 3


def sliding_axes():
    for size, taps, stride, before, after, dilation in product(
        (1, 5, 8), (1, 3, 4), (1, 2, 3), (0, 2), (0, 3), (1, 2, 4)
    ):
        room = before + size + after - dilation * (taps - 1) - 1
        if room >= 0:
            yield size, taps, stride, before, after, dilation, room // stride + 1
            yield size, taps, stride, before, after, dilation, -(-room // stride) + 1  # ceil_mode


def spreading_axes():
    for size, taps, stride, padding, dilation in product((1, 4, 5), (1, 3, 4), (1, 2, 3), (0, 1, 3), (1, 2)):
        outputs = (size - 1) * stride - 2 * padding + dilation * (taps - 1) + 1
        if outputs >= 1:
            yield SpreadingAxis(size, taps, stride, padding, dilation, outputs)
            yield SpreadingAxis(size, taps, stride, padding, dilation, outputs + 1)


def all_axes():
    yield from spreading_axes()
    yield from (SlidingAxis(*plan) for plan in sliding_axes())
    yield from (adaptive_axis(size, outputs) for size, outputs in product(range(1, 13), repeat=2))
    for mode, plan in product(("reflect", "replicate", "circular"), sliding_axes()):
        size, before, after = plan[0], plan[3], plan[4]
        if max(before, after) < size:
            yield repeating_axis(*plan, mode)


def test_arithmetic_gives_what_a_table_of_all_reads_gives():
    for axis in all_axes():
        positions, codes = reads(axis)
        assert ((positions < 0) == (codes != NO)).all(), axis
        table = axis_from(positions, codes, axis.size, 0)
        outputs, taps, empty = feeds(axis)
        assert axis.longest == table.longest, axis
        fed = table.feeds(np.arange(axis.size))
        assert (outputs == fed[0]).all() and (taps == fed[1]).all(), axis
        assert ((empty != NO) == (outputs < 0)).all(), axis
        assert (axis.fed_counts(np.arange(axis.size)) == (outputs >= 0).sum(axis=1)).all(), axis
        alone = [
            np.concatenate(part) for part in zip(*(axis.feeds(np.array([p])) for p in range(axis.size)), strict=True)
        ]
        assert all((a == b).all() for a, b in zip(alone, (outputs, taps, empty), strict=True)), axis
        assert axis.repeats == table.repeats, axis
        first, last = axis.fed(np.arange(axis.size))
        assert (first == outputs[:, 0]).all() and (last == outputs.max(axis=1)).all(), axis


def test_what_a_sliding_position_lacks_is_a_window_beyond_the_edges_or_the_stride():
    for plan in sliding_axes():
        size, taps, stride, before, _, dilation, outputs = plan
        _, _, empty = feeds(SlidingAxis(*plan))
        for position in range(size):
            by_taps = [divmod(position + before - tap * dilation, stride) for tap in range(taps)]
            beyond = any(rest == 0 and not 0 <= out < outputs for out, rest in by_taps)
            assert set(empty[position].tolist()) <= {NO, WINDOW if beyond else STRIDE}, plan


def test_sums_of_windows_are_those_of_their_reads():
    rng = np.random.default_rng(0)
    plans = [SlidingAxis(*plan) for plan in sliding_axes()]
    plans += [SlidingAxis(24, 12, 12, 0, 0, 1, 2), SlidingAxis(30, 12, 5, 3, 3, 1, 5)]
    for axis in [*plans, *(adaptive_axis(size, outputs) for size, outputs in product(range(1, 13), repeat=2))]:
        positions, codes = reads(axis)
        meets = np.zeros((axis.outputs, axis.size))
        np.add.at(meets, (np.nonzero(codes == NO)[0], positions[codes == NO]), 1)
        x, given = rng.normal(size=(2, axis.size, 3)), rng.normal(size=(2, axis.outputs, 3))
        np.testing.assert_allclose(axis.add_up(x, 1), np.einsum("os,nsk->nok", meets, x), atol=1e-12)
        np.testing.assert_allclose(axis.give_back(given, 1), np.einsum("os,nok->nsk", meets, given), atol=1e-12)
        assert (axis.counts(padding=False) == (codes == NO).sum(axis=1)).all()
        assert (axis.counts(padding=True) == (codes != WINDOW).sum(axis=1)).all()


def test_the_taps_of_a_spreading_window_feed_one_output_each():
    for axis in spreading_axes():
        positions, _ = reads(axis)
        outputs, empty = axis.tap_feeds(np.arange(axis.taps))
        first, last = axis.fed_at_tap(np.arange(axis.taps))
        assert ((empty != NO) == (outputs < 0)).all()
        for tap in range(axis.taps):
            fed = {int(p): o for o, p in enumerate(positions[:, tap]) if p >= 0}
            assert outputs[tap].tolist() == [fed.get(p, -1) for p in range(axis.size)]
            assert (first[tap], last[tap]) == ((min(fed.values()), max(fed.values())) if fed else (-1, -1))
