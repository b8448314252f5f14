"""The tables of a sliding window, small enough to write down."""

import numpy as np
import pytest

from convstep.ops.base import Empty
from convstep.ops.windows import Window, axis_from, sliding_axis

NO, PADDING, STRIDE, WINDOW = Empty.NO, Empty.PADDING, Empty.STRIDE, Empty.WINDOW


def test_a_plain_window():
    axis = sliding_axis(size=3, kernel=2, stride=1, before=0, after=0, dilation=1, outputs=2)
    assert axis.reads.tolist() == [[0, 1], [1, 2]]
    assert not axis.reads_empty.any()
    assert axis.feeds.tolist() == [[0, -1], [0, 1], [1, -1]]
    assert axis.feeds_tap.tolist() == [[0, 0], [1, 0], [1, 0]]
    assert axis.feeds_empty.tolist() == [[NO, WINDOW], [NO, NO], [NO, WINDOW]]
    assert (axis.outputs, axis.taps, axis.size) == (2, 2, 3)


def test_padding_is_read_at_both_ends():
    axis = sliding_axis(size=2, kernel=3, stride=1, before=1, after=1, dilation=1, outputs=2)
    assert axis.reads.tolist() == [[-1, 0, 1], [0, 1, -1]]
    assert axis.reads_empty.tolist() == [[PADDING, NO, NO], [NO, NO, PADDING]]
    assert axis.feeds.tolist() == [[0, 1], [0, 1]]
    assert axis.feeds_tap.tolist() == [[1, 0], [2, 1]]


def test_a_stride_leaves_positions_between_windows():
    axis = sliding_axis(size=5, kernel=2, stride=3, before=0, after=0, dilation=1, outputs=2)
    assert axis.reads.tolist() == [[0, 1], [3, 4]]
    assert axis.feeds.tolist() == [[0], [0], [-1], [1], [1]]
    assert axis.feeds_empty[2] == STRIDE


def test_a_wide_stride_shortens_the_list_of_outputs_for_the_strides_reason():
    axis = sliding_axis(size=5, kernel=3, stride=2, before=0, after=0, dilation=1, outputs=2)
    assert axis.feeds.tolist() == [[0, -1], [0, -1], [0, 1], [1, -1], [1, -1]]
    assert axis.feeds_empty[:, 1].tolist() == [WINDOW, STRIDE, NO, STRIDE, WINDOW]


def test_dilation_spreads_the_taps():
    axis = sliding_axis(size=4, kernel=2, stride=1, before=0, after=0, dilation=2, outputs=2)
    assert axis.reads.tolist() == [[0, 2], [1, 3]]
    assert axis.feeds.tolist() == [[0], [1], [0], [1]]


def test_a_ceil_mode_window_reaches_past_the_padding():
    axis = sliding_axis(size=3, kernel=2, stride=2, before=0, after=0, dilation=1, outputs=2)
    assert axis.reads.tolist() == [[0, 1], [2, -1]]
    assert axis.reads_empty.tolist() == [[NO, NO], [NO, WINDOW]]
    padded = sliding_axis(size=4, kernel=3, stride=3, before=1, after=1, dilation=1, outputs=2)
    assert padded.reads_empty.tolist() == [[PADDING, NO, NO], [NO, NO, PADDING]]


def test_one_output_may_read_an_input_twice():
    axis = axis_from(np.array([[1, 0, 1]]), np.zeros((1, 3), np.uint8), 2, np.full(2, WINDOW))
    assert axis.feeds.tolist() == [[0, -1], [0, 0]]
    assert axis.feeds_tap.tolist() == [[1, 0], [0, 2]]


def test_an_input_that_feeds_nothing_still_has_one_entry():
    axis = sliding_axis(size=3, kernel=1, stride=1, before=0, after=0, dilation=1, outputs=1)
    assert axis.feeds.tolist() == [[0], [-1], [-1]]


@pytest.fixture
def plane():
    """2×2 taps over 3×3 positions."""
    return Window((sliding_axis(3, 2, 1, 0, 0, 1, 2),) * 2)


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
    window = Window((sliding_axis(1, 2, 1, 1, 0, 1, 1), sliding_axis(2, 2, 1, 0, 0, 1, 1)))
    index, empty = window.reads(np.array([0]))
    assert index.tolist() == [[-1, -1, 0, 1]]
    assert empty.tolist() == [[PADDING, PADDING, NO, NO]]


def test_past_the_end_on_one_axis_is_past_the_end_in_the_plane():
    window = Window((sliding_axis(1, 2, 1, 1, 0, 1, 1), sliding_axis(1, 2, 2, 0, 0, 1, 1)))
    assert window.reads(np.array([0]))[1].tolist() == [[PADDING, WINDOW, NO, WINDOW]]


def test_no_places_have_no_reads_and_no_feeds():
    axis = sliding_axis(size=3, kernel=2, stride=1, before=0, after=0, dilation=1, outputs=2)
    window, none = Window((axis, axis)), np.empty(0, dtype=np.intp)
    assert [table.shape for table in window.reads(none)] == [(0, 4)] * 2
    assert [table.shape for table in window.feeds(none)] == [(0, 4)] * 3
