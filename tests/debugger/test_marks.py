"""Where the eye is led: the window of a tensor follows the step."""

from networks import sample

from convstep.debugger.opening import open_session
from convstep.debugger.screen.view import Grid


def test_a_norm_that_reads_a_whole_batch_shows_the_number_that_it_normalises():
    session = open_session(sample("autoencoder"), at="norm1[0,2,1,1]")
    reads = next(block for block in session.view().tensors if isinstance(block, Grid) and block.key == "half")
    assert reads.element(reads.follow or 0) == "half[0,2,1,1]"
