"""`convstep FILE --mine MINE`: bad input is one line and status 2, before the screen comes up."""

import numpy as np
import pytest
from networks import sample
from plain_view import plain

from convstep import cli
from convstep.debugger.claims.mine import from_data
from convstep.debugger.keeping.autosave import Autosave
from convstep.debugger.keeping.kept import find
from convstep.debugger.opening import open_session
from convstep.debugger.whatif.edits import read_edit
from convstep.tui.show import Ending

TWO_CONV = sample("two_conv")
W1 = np.array([[-30.0, -18], [6, 18]])


@pytest.fixture
def opened(monkeypatch, capsys):
    """Run the command line; what it was to show, its exit status, and standard error."""
    shown = []

    def show(session, *_):
        shown.append(session)
        return Ending()

    monkeypatch.setattr("convstep.tui.show.show", show)
    monkeypatch.setattr("convstep.commands.open._on_a_terminal", lambda: True)

    def run(*arguments, file=TWO_CONV):
        with pytest.raises(SystemExit) as ended:
            cli.main([str(file), *map(str, arguments)])
        return shown[-1] if shown else None, ended.value.code, capsys.readouterr().err

    return run


def test_gradients_are_held_beside_the_truth(opened, tmp_path):
    np.savez(tmp_path / "mine.npz", dW=W1 + 1, w2=np.ones((2, 2)))
    session, status, _ = opened("--mine", tmp_path / "mine.npz", "--as", "dW=o1.weight", "--at", "grad(w1)[2]")
    assert status == 0
    assert session.mine.file == "mine.npz"
    assert session.mine.of("o1.weight").first_wrong == (0, -29.0, -30.0)
    assert session.state().target == 1
    assert not session.unsaved


def test_it_opens_at_the_start_unless_told(opened, tmp_path):
    np.savez(tmp_path / "mine.npz", w1=-W1)
    session, _, _ = opened("--mine", tmp_path / "mine.npz")
    assert session.spot.position == -1
    assert session.view().notices == ["grad(w1)[1] is the first of mine.npz that differs; k lists all"]


def test_a_snapshot_takes_it_too(opened, tmp_path):
    session, _, _ = opened("--at", "grad(w1)[1]")
    session.save(str(tmp_path / "s.convstep"))
    np.savez(tmp_path / "mine.npz", w1=-W1)
    with pytest.raises(SystemExit) as ended:
        cli.main([str(tmp_path / "s.convstep"), "--mine", str(tmp_path / "mine.npz")])
    assert ended.value.code == 0


def test_a_snapshot_keeps_them(opened, tmp_path):
    np.savez(tmp_path / "mine.npz", dW=W1 + 1, w2=np.ones((2, 2)))
    session, _, _ = opened("--mine", tmp_path / "mine.npz", "--as", "dW=o1.weight", "--at", "grad(w1)[2]")
    session.save(str(tmp_path / "s.convstep"))
    (tmp_path / "mine.npz").unlink()
    again = open_session(str(tmp_path / "s.convstep"))
    assert plain(again.view()) == plain(session.view())
    assert again.mine.file == "mine.npz"
    assert again.mine.of("o1.weight").first_wrong == (0, -29.0, -30.0)
    again.save(str(tmp_path / "t.convstep"))
    assert open_session(str(tmp_path / "t.convstep")).mine.difference.as_json() == session.mine.difference.as_json()


@pytest.mark.parametrize(
    "data",
    [
        3,
        {},
        {"file": "m", "arrays": {"w1": 3}, "renamed": {}},
        {"file": "m", "arrays": {"w1": [3, "float64"]}, "renamed": {}},
        {"file": "m", "arrays": {"w1": [W1, "float64"]}, "renamed": 3},
        {"file": "m", "arrays": {"w9": [W1, "float64"]}, "renamed": {}},
        {"file": "m", "arrays": {"w1": [np.array(["a"]), "float64"]}, "renamed": {}},
        {"file": "m", "arrays": {"w1": [np.ones(3), "x"]}, "renamed": {}},
    ],
)
def test_what_a_snapshot_has_in_their_place_is_left_out(data):
    assert from_data(open_session(TWO_CONV).recording, data) is None


def test_with_a_what_if_they_are_held_against_the_network_as_it_is(opened, tmp_path):
    session = open_session(TWO_CONV)
    edit = read_edit("w1[1] = 2", session.graph, session.names, session.recording.iteration(0))
    session.adopt(session.trial.with_edit(edit))
    session.save(str(tmp_path / "s.convstep"))
    np.savez(tmp_path / "mine.npz", w1=W1)
    again, status, _ = opened("--mine", tmp_path / "mine.npz", file=tmp_path / "s.convstep")
    assert status == 0
    assert again.mine.difference.ok


def test_an_autosave_remembers_the_file(opened, tmp_path, monkeypatch):
    np.savez(tmp_path / "mine.npz", dW=W1 + 1)
    session, _, _ = opened("--mine", tmp_path / "mine.npz", "--as", "dW=o1.weight")
    session.next()
    keeper = Autosave(TWO_CONV, session, None, tmp_path, (str(tmp_path / "mine.npz"), ["dW=o1.weight"]))
    assert keeper.keep()
    monkeypatch.setattr("convstep.debugger.keeping.kept.is_alive", lambda process: False)
    assert find(TWO_CONV, tmp_path).mine == (str(tmp_path / "mine.npz"), ["dW=o1.weight"])
    np.savez(tmp_path / "mine.npz", dW=W1 + 2)
    assert find(TWO_CONV, tmp_path).offer().endswith("; mine.npz has changed since")


@pytest.mark.parametrize(
    ("arrays", "options", "says"),
    [
        ({"w9": W1}, [], "there is no tensor 'w9'"),
        ({"w1": np.ones(3)}, [], "'w1' has the shape [3], but o1.weight has"),
        ({"w1": W1}, ["--as", "dW=o1.weight"], "there is no 'dW' among the gradients"),
        ({"w1": W1}, ["--as", "w1"], "--as takes YOURS=NAME"),
        ({}, [], "holds no gradients"),
        ({"w1": np.array(["a"])}, [], "w1"),
    ],
)
def test_bad_gradients_are_one_line(opened, tmp_path, arrays, options, says):
    np.savez(tmp_path / "mine.npz", **arrays)
    session, status, error = opened("--mine", tmp_path / "mine.npz", *options)
    assert (session, status) == (None, 2)
    assert says in error and error.count("\n") == 1


@pytest.mark.parametrize("content", [None, b"", b"no archive", b"PK\x03\x04 broken"])
def test_a_file_that_cannot_be_read_is_one_line(opened, tmp_path, content):
    path = tmp_path / "mine.npz"
    if content is not None:
        path.write_bytes(content)
    _, status, error = opened("--mine", path)
    assert status == 2 and str(path) in error and error.count("\n") == 1


def test_as_goes_with_mine(opened):
    _, status, error = opened("--as", "dW=o1.weight")
    assert status == 2 and "--mine" in error
