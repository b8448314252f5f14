"""Files to take along: every digit, blanks as blanks, errors in one line."""

import io
import math
import os

import numpy as np
import pytest
from networks import sample

from convstep.debugger.keeping.export import as_csv, as_npy, checked, formula_of, numbers_of, propose, write
from convstep.debugger.opening import open_session
from convstep.debugger.screen.view import Grid
from convstep.errors import ConvstepError
from convstep.explain.provenance.provenance import Address


def exported(net, at, tensor, index=None):
    session = open_session(sample(net), at=at)
    view = session.view()
    grid = next(
        block
        for blocks in (view.tensors, view.gradients)
        for block in blocks
        if isinstance(block, Grid) and block.tensor == tensor
    )
    whole = np.arange(math.prod(grid.shape))
    shape = grid.shape if index is None else index.shape
    return session, numbers_of(grid, whole if index is None else index, shape, session.state().recorded(tensor).dtype)


def test_a_matrix_has_every_digit():
    session, numbers = exported("digits", "loss", "fc2")
    rows = [[float(cell) for cell in line.split(",")] for line in as_csv(numbers).decode().splitlines()]
    recorded = session.recording.iteration(0).values["fc2"]
    assert np.array_equal(np.array(rows), recorded)
    assert np.array_equal(np.load(io.BytesIO(as_npy(numbers))), recorded)
    assert numbers.remark == ""


def test_several_matrices_say_where_their_rows_belong():
    session, numbers = exported("digits", "conv2", "conv2")
    lines = as_csv(numbers).decode().splitlines()
    assert lines[0].startswith("0,1,2,[0],[1]")
    recorded = session.recording.iteration(0).values["conv2"]
    last = [float(cell) for cell in lines[-1].split(",")]
    assert last[:3] == [n - 1 for n in recorded.shape[:3]]
    assert last[3:] == recorded[-1, -1, -1].tolist()
    assert np.load(io.BytesIO(as_npy(numbers))).shape == recorded.shape


def test_what_is_not_written_yet_is_blank_and_said_so():
    _, numbers = exported("two_conv", "term 32", "grad(o1.weight)")
    assert as_csv(numbers).decode() == "48.0,\n,\n"
    assert np.isnan(numbers.values).sum() == 3
    assert numbers.remark == "3 of 4 not written yet: left blank, 1 not finished"


def test_whole_numbers_stay_whole_and_real_nan_is_no_blank():
    _, numbers = exported("digits", "loss", "labels")
    assert numbers.values.dtype == np.int64
    assert as_csv(numbers).decode().splitlines()[0].count(".") == 0
    values = type(numbers)(np.array([math.nan, math.inf, -0.0]), np.array([True, True, False]), 0)
    assert as_csv(values).decode() == "nan,inf,\n"


def test_formulas_for_documents():
    session = open_session(sample("two_conv"), at="grad(w1)[1]")
    address = Address(0, "grad(o1.weight)", 0)
    assert r"\frac{\partial C}" in formula_of(session.state(), session.names, address, "tex")
    assert formula_of(session.state(), session.names, address, "md").startswith("`grad(w1)[1]` = -30")
    with pytest.raises(ConvstepError, match="not written yet"):
        formula_of(session.state(), session.names, Address(0, "grad(i)", 0), "tex")


def test_names_are_new_and_paths_are_checked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert propose("two_conv-grad(w1)", "csv") == "two_conv-grad-w1-1.csv"
    write("two_conv-grad-w1-1.csv", b"1\n")
    assert propose("two_conv-grad(w1)", "csv") == "two_conv-grad-w1-2.csv"
    with pytest.raises(ConvstepError, match="exists already"):
        checked("two_conv-grad-w1-1.csv")
    with pytest.raises(ConvstepError, match="no directory"):
        checked("nowhere/x.csv")
    with pytest.raises(ConvstepError, match="exists already"):
        write("two_conv-grad-w1-1.csv", b"")


def test_a_name_that_is_too_long():
    with pytest.raises(ConvstepError, match="cannot be written: File name too long"):
        write(checked("x" * 300 + ".csv"), b"")
    assert propose("x" * 300, "csv").endswith("x-1.csv")


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files")
def test_what_has_no_room_leaves_nothing(tmp_path, limited):
    with limited(1000), pytest.raises(ConvstepError, match=r"x\.csv cannot be written: File too large"):
        write(str(tmp_path / "x.csv"), b"1" * 2000)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_is_not_to_be_written_in(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ConvstepError, match="nothing can be written"):
        checked(str(tmp_path / "x.csv"))
