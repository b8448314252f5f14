"""Which elements a step marks, and where the eye is led: the window of a tensor follows the step."""

import numpy as np
import pytest
from networks import sample

from convstep.debugger.opening import open_session
from convstep.debugger.screen.marks import Marks, Roles
from convstep.debugger.screen.view import Grid
from convstep.engine.recording import Recording
from convstep.engine.state import State
from convstep.engine.timeline import Place
from convstep.network import load

PADDED = {
    "inputs": {"x": np.array([[[1.0, 2, 3]]])},
    "layers": [
        {"name": "o", "op": "Conv1d", "out_channels": 1, "kernel_size": 2, "padding": 1, "bias": False,
         "weight": np.array([[[5.0, 7]]])},
    ],
    "gradient": {"o": np.array([[[1.0, 10, 100, 1000]]])},
}  # fmt: skip


def marked(key, tensor, *place):
    """The marks of a tensor's elements at a place of the step that writes `key`, in gather order."""
    recording = Recording(load(PADDED))
    step = recording.timeline.writers(key)[0]
    roles = Marks(State(recording, Place(0, step, *place), "gather"))[tensor]
    return "".join(".rnw"[mark] for mark in roles.codes(np.arange(4 if "o" in tensor else 3)))


@pytest.mark.parametrize(
    ("tensor", "place", "marks"),
    [
        # o reads (pad 1), (1 2), (2 3), (3 pad); the first weight meets pad, 1, 2, 3 in turn.
        ("x", (0,), "nnn"),
        ("x", (0, 0), "rrr"),
        ("x", (0, 2), "rnr"),
        ("x", (1, 3), "rrr"),
        ("grad(o)", (0,), ".nnn"),
        ("grad(o)", (0, 0), ".rrr"),
        ("grad(o)", (0, 1), ".nrr"),
    ],
)
def test_what_is_read_and_the_rest_of_the_sum_but_nothing_on_the_padding(tensor, place, marks):
    assert marked("grad(o.weight)", tensor, *place) == marks


def test_the_window_follows_what_is_written_then_read_and_of_many_the_steps_own():
    rest, now = [np.array([2, 4, 6, 8])], [np.array([1, 3, 5])]
    assert Roles().follow is None
    assert Roles(rest=rest).follow == 6
    assert Roles(rest=rest, now=now).follow == 3
    assert Roles(rest=rest, now=now, written=[np.array([7])]).follow == 7
    assert Roles(rest=rest, now=now, own=5).follow == 5
    assert Roles(rest=rest, now=now, own=9).follow == 3


def test_a_norm_that_reads_a_whole_batch_shows_the_number_that_it_normalises():
    session = open_session(sample("autoencoder"), at="norm1[0,2,1,1]")
    reads = next(block for block in session.view().tensors if isinstance(block, Grid) and block.key == "half")
    assert reads.element(reads.follow or 0) == "half[0,2,1,1]"
