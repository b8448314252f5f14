"""Autosaves: an unsaved session comes back as it was; nobody's is destroyed, none is offered that still lives."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from networks import sample
from plain_view import plain

from convstep.commands.mine import set_beside
from convstep.debugger.bookmarks import Bookmarks
from convstep.debugger.keeping import autosave, container, crash, kept, saving
from convstep.debugger.keeping.autosave import Autosave
from convstep.debugger.keeping.kept import find
from convstep.debugger.landmarks import relocate
from convstep.debugger.moves import Spot
from convstep.debugger.opening import open_session
from convstep.debugger.stops.breakpoints import Breakpoint
from convstep.errors import ConvstepError


@pytest.fixture
def net(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text(Path(sample("two_conv")).read_text())
    return str(path)


@pytest.fixture
def where(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def others(monkeypatch):
    """The processes that wrote the autosaves have ended."""
    monkeypatch.setattr(kept, "is_alive", lambda process: False)


def stepped(net, steps=5, at="term 30"):
    session = open_session(net, at=at)
    for _ in range(steps):
        session.next()
    return session


def test_it_comes_back_as_it_was(net, where, others):
    session = stepped(net)
    session.go("grad(w2)[1]")
    session.look["slices"] = {"o1": [0, 0]}
    session.extras["bookmarks"] = [["here", "op", 3]]
    assert Autosave(net, session, where=where).keep() is not None
    found = find(net, where)
    other = found.session().session
    assert plain(other.view()) == plain(session.view())
    assert (other.spot, other.history, other.look) == (session.spot, session.history, session.look)
    assert other.extras["bookmarks"] == session.extras["bookmarks"]
    assert other.unsaved
    assert found.offer().startswith("ctrl+r resumes the unsaved session from ")
    assert found.offer().endswith(f" at {session.spot.level} {session.spot.position}")


def test_a_session_on_a_snapshot(net, where, others, tmp_path):
    path = str(tmp_path / "s.convstep")
    open_session(net, iterations=3, at="iteration 2").save(path)
    Path(net).unlink()
    session = open_session(path)
    session.next()
    Autosave(path, session, where=where).keep()
    assert plain(find(path, where).session().session.view()) == plain(session.view())


def test_more_iterations_than_the_file_says(net, where, others):
    session = open_session(net, iterations=4)
    session.go("iteration 3")
    Autosave(net, session, 4, where).keep()
    assert find(net, where).session().session.place.iteration == 3
    later = find(net, where).session(patience=0.0).session
    assert later.place.iteration == 3 and not later.recording.at_hand()


def test_it_is_small_whatever_the_network(where, others, tmp_path):
    path = tmp_path / "large.yaml"
    path.write_text(
        "inputs: {x: {init: normal, shape: [1, 1000]}}\nlayers: [{name: fc, op: Linear, out_features: 1000}]\n"
    )
    session = open_session(str(path))
    session.next()
    keeper = Autosave(str(path), session, where=where)
    keeper.keep()
    assert keeper.path.stat().st_size < 10_000


def test_nothing_is_kept_of_what_is_saved_or_untouched(net, where):
    session = open_session(net)
    keeper = Autosave(net, session, where=where)
    assert keeper.changed() is None
    assert keeper.keep() is None
    session.next()
    assert keeper.changed() is not None
    assert keeper.changed() is None
    session.previous()
    assert keeper.changed() is not None


def test_a_saved_session_is_forgotten(net, where, others, tmp_path):
    session = stepped(net)
    keeper = Autosave(net, session, where=where)
    keeper.keep()
    keeper.forget()
    keeper.forget()
    assert find(net, where) is None


def test_another_file_of_the_same_name_is_another(net, where, others, tmp_path):
    Autosave(net, stepped(net), where=where).keep()
    (tmp_path / "elsewhere").mkdir()
    other = tmp_path / "elsewhere" / "net.yaml"
    other.write_text(Path(net).read_text())
    assert find(str(other), where) is None
    (tmp_path / "link.yaml").symlink_to(net)
    assert find(str(tmp_path / "link.yaml"), where) is not None


def test_what_a_living_process_keeps_is_not_offered(net, where):
    script = (
        "import sys, time\nfrom pathlib import Path\n"
        "from convstep.debugger.keeping.autosave import Autosave\nfrom convstep.debugger.opening import open_session\n"
        "session = open_session(sys.argv[1])\nsession.next()\n"
        "print(Autosave(sys.argv[1], session, where=Path(sys.argv[2])).keep(), flush=True)\ntime.sleep(60)\n"
    )
    command = [sys.executable, "-c", script, net, where]
    keepers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        paths = {keeper.stdout.readline().strip() for keeper in keepers}
        assert len(paths) == 2
        assert find(net, where) is None
        keepers[0].kill()
        keepers[0].wait()
        assert find(net, where) is not None
        assert all(os.path.exists(path) for path in paths)
    finally:
        for keeper in keepers:
            keeper.kill()
            keeper.wait()
            keeper.stdout.close()


def test_a_changed_file_is_said_and_opens_near_by(net, where, others):
    session = stepped(net)
    Autosave(net, session, where=where).keep()
    Path(net).write_text(Path(net).read_text() + "# changed\n")
    assert find(net, where).offer().endswith("; the file has changed since")
    again = find(net, where).session()
    assert again.session.spot == session.spot
    assert again.said == "net.yaml has changed: the session goes on with what is there now"
    assert not again.alone


@pytest.mark.parametrize("text", ["inputs: {x: 1}\nlayers: [{name: r, op: ReLU}]\n", "nothing\n", ""])
def test_a_file_without_the_place_where_one_stood(net, where, others, text):
    """The session goes on with the network as it was, and still does when it is kept once more."""
    session = stepped(net)
    session.extras["bookmarks"] = [["here", "op", 3]]
    Autosave(net, session, where=where).keep()
    Path(net).write_text(text)
    again = find(net, where).session()
    assert again.alone
    assert again.said == "net.yaml has changed: this is the network as it was kept; ctrl+s saves it"
    assert plain(again.session.view()) == plain(session.view())
    find(net, where).forget()
    Autosave(net, again.session, where=where, alone=True).keep()
    once_more = find(net, where).session()
    assert (once_more.alone, once_more.said) == (True, "this is the network as it was kept; ctrl+s saves it")
    assert plain(once_more.session.view()) == plain(session.view())
    assert once_more.session.extras["bookmarks"] == [["here", "op", 3]]


def test_a_file_that_is_gone(where, others, tmp_path):
    net, numbers, mine = tmp_path / "net.yaml", tmp_path / "x.npz", tmp_path / "mine.npz"
    net.write_text(
        "seed: 3\ninputs: {x: {file: x.npz}, y: {init: normal, shape: [4, 2]}}\nbatch_size: 2\niterations: 3\n"
        "layers: [{name: fc, op: Linear, out_features: 2}, {name: bn, op: BatchNorm1d}]\n"
        "loss: {op: MSELoss, inputs: [bn, y]}\noptimizer: {op: Adam, lr: 0.1}\n"
    )
    np.savez(numbers, x=np.arange(12.0).reshape(4, 3))
    session = open_session(str(net), at="iteration 2")
    session.next()
    np.savez(mine, **{"grads/fc.weight": np.ones((2, 3))})
    set_beside(session, str(mine), [])
    Autosave(str(net), session, where=where, mine=(str(mine), [])).keep()
    for path in (net, numbers, mine):
        path.unlink()
    kept = find(str(net), where)
    again = kept.session()
    assert again.said == "net.yaml, x.npz and mine.npz are gone: this is the network as it was kept; ctrl+s saves it"
    assert plain(again.session.view()) == plain(session.view())
    kept.forget()
    assert not list(where.iterdir())


def test_a_snapshot_that_is_gone_or_trained_further(net, where, others, tmp_path):
    path = tmp_path / "s.convstep"
    Path(net).write_text(
        Path(sample("digits")).read_text().replace("digits.npz", str(Path(sample("digits")).parent / "digits.npz"))
    )
    open_session(net, iterations=3, at="iteration 2").save(str(path))
    session = open_session(str(path))
    session.next()
    Autosave(str(path), session, where=where).keep()
    path.unlink()
    assert plain(find(str(path), where).session().session.view()) == plain(session.view())


def test_a_large_network_is_not_kept(where, others, tmp_path):
    net = tmp_path / "large.yaml"
    net.write_text("inputs: {x: {init: normal, shape: [1, 3000000]}}\nlayers: [{name: r, op: ReLU}]\n")
    session = open_session(str(net))
    session.next()
    keeper = Autosave(str(net), session, where=where)
    keeper.keep()
    assert not keeper.has_network
    net.unlink()
    with pytest.raises(ConvstepError, match=r"large\.yaml:1:1"):
        find(str(net), where).session()


def test_what_has_room_is_kept_where_the_network_has_none(net, where, others, monkeypatch):
    keeper = Autosave(net, stepped(net), where=where)

    def write(path, data):
        if path.suffix == autosave.NETWORK:
            raise OSError(errno.ENOSPC, "No space left on device")
        saving.write_whole(path, data)

    monkeypatch.setattr(autosave, "write_whole", write)
    keeper.keep()
    assert find(net, where).session().session.spot == keeper.session.spot
    monkeypatch.undo()
    keeper.session.next()
    keeper.keep()
    assert keeper.has_network


def test_what_could_not_be_written_is_written_though_nothing_is_new(net, where, monkeypatch):
    keeper = Autosave(net, stepped(net), where=where)

    def write(path, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(autosave, "write_whole", write)
    assert keeper.keep() is None
    monkeypatch.undo()
    assert keeper.keep() == keeper.path


def test_a_network_without_a_session_is_taken_away(net, where, others):
    keeper = Autosave(net, stepped(net), where=where)
    keeper.keep()
    network = autosave.network_beside(keeper.path)
    keeper.path.unlink()
    assert find(net, where) is None
    assert network.exists()
    os.utime(network, (0, 0))
    assert find(net, where) is None
    assert not network.exists()


def test_a_changed_file_of_numbers_is_said(where, others, tmp_path):
    net, numbers = tmp_path / "net.yaml", tmp_path / "x.npz"
    net.write_text("inputs: {x: {file: x.npz}}\nlayers: [{name: r, op: ReLU}, {name: s, op: Sigmoid}]\n")
    np.savez(numbers, x=np.arange(4.0))
    session = open_session(str(net), at="s[2]")
    session.next()
    Autosave(str(net), session, where=where).keep()
    assert find(str(net), where).changed == ()
    np.savez(numbers, x=np.arange(6.0))
    found = find(str(net), where)
    assert found.offer().endswith("; x.npz has changed since")
    assert found.session().session.place == session.place
    assert found.session().session.spot.position == session.spot.position + 2  # r has two elements more


def test_weights_beside_the_file_are_looked_at(where, others, tmp_path):
    net, weights = tmp_path / "net.yaml", tmp_path / "w.npz"
    net.write_text("inputs: {x: [[1, 2]]}\nlayers: [{name: fc, op: Linear, out_features: 1}]\nweights: w.npz\n")
    np.savez(weights, **{"fc.weight": np.ones((1, 2)), "fc.bias": np.ones(1)})
    Autosave(str(net), stepped(str(net), 1, "start"), where=where).keep()
    assert find(str(net), where).changed == ()
    weights.unlink()
    assert find(str(net), where).changed == (str(weights),)


def test_a_saved_snapshot_needs_no_file_of_numbers(tmp_path):
    net, numbers = tmp_path / "net.yaml", tmp_path / "x.npz"
    net.write_text("inputs: {x: {file: x.npz}}\nlayers: [{name: r, op: ReLU}]\n")
    np.savez(numbers, x=np.arange(4.0))
    open_session(str(net)).save(str(tmp_path / "s.convstep"))
    np.savez(numbers, x=np.arange(6.0))
    assert open_session(str(tmp_path / "s.convstep")).graph.data["x"].tolist() == [0, 1, 2, 3]


MORE = """
inputs: {x: [1, 2, 3]}
layers:
  - {name: new, op: Identity}
  - {name: a, op: Sigmoid}
  - {name: b, op: Tanh}
loss: {op: MSELoss, inputs: [b, x]}
"""


def test_everything_is_found_by_name_where_the_steps_are_others(net, where, others):
    Path(net).write_text(MORE.replace("  - {name: new, op: Identity}\n", ""))
    session = open_session(net, at="b")
    session.go("a[2]")
    marks = Bookmarks(session.extras, session.recording.timeline)
    marks.set("here", session.spot)
    marks.set("start", Spot("op", "gather", -1))
    session.desk.breakpoints.toggle(Breakpoint(step=1))
    session.desk.breakpoints.toggle(Breakpoint(step=0, condition="loss > 1"))
    session.desk.keep()
    Autosave(net, session, where=where).keep()

    def again(text):
        Path(net).write_text(text)
        other = find(net, where).session().session
        steps = other.recording.timeline.steps
        history = [steps[other.recording.timeline.place(s.level, s.order, s.position).step] for s in other.history[1:]]
        stops = [steps[each.step].layer for each in other.desk.breakpoints.all]
        names = [mark.name for mark in Bookmarks(other.extras, other.recording.timeline).all()]
        return other, [step.layer for step in history], stops, names

    found, history, stops, names = again(MORE)
    assert (found.recording.timeline.steps[found.place.step].layer, found.place.element) == ("a", 2)
    assert (history, stops, names) == (["b"], ["b", "a"], ["here", "start"])
    assert Bookmarks(found.extras, found.recording.timeline).all()[0].spot == found.spot
    lost, history, stops, names = again(MORE.replace("name: a,", "name: c,"))
    assert lost.spot == session.spot
    assert lost.trial.original.graph.layers[0].name == "a"
    assert (history, stops, names) == (["b"], ["b", "a"], ["here", "start"])


@pytest.mark.parametrize("data", [None, 3, {}, {"spot": 3}, {"spot": ["op", "gather", [[1], 0, None]]}])
def test_landmarks_that_are_none_change_nothing(net, data):
    session = stepped(net)
    before = session.standing
    relocate(session, data)
    assert session.standing == before


@pytest.mark.parametrize(
    "change",
    [
        lambda data: {**data, "files": 3},
        lambda data: {**data, "mine": 3},
        lambda data: {**data, "spot": ["op", "gather", "x"]},
        lambda data: {**data, "spot": 3},
        lambda data: {**data, "history": [["op"]]},
        lambda data: {**data, "look": []},
        lambda data: {**data, "kind": "other"},
        lambda data: {**data, "format": 2},
        lambda data: {**data, "process": None},
        lambda data: {key: value for key, value in data.items() if key != "source"},
    ],
)
def test_what_makes_no_sense_is_not_offered(change, net, where, others):
    keeper = Autosave(net, stepped(net), where=where)
    keeper.keep()
    keeper.path.write_bytes(container.pack(change(container.unpack(keeper.path))))
    assert find(net, where) is None


def test_a_damaged_one_is_not_offered(net, where, others):
    keeper = Autosave(net, stepped(net), where=where)
    keeper.keep()
    data = keeper.path.read_bytes()
    for spoilt in (b"", data[:100], data[:300] + b"x" + data[301:]):
        keeper.path.write_bytes(spoilt)
        assert find(net, where) is None


def test_the_latest_is_offered_and_the_very_old_are_taken_away(net, where, others, monkeypatch):
    keeper = Autosave(net, stepped(net, 1), where=where)
    monkeypatch.setattr(time, "time", lambda: 1e9)
    keeper.keep()
    old = keeper.path.rename(keeper.path.with_name(keeper.path.name.replace(f"-{os.getpid()}", "-1")))
    monkeypatch.undo()
    monkeypatch.setattr(kept, "is_alive", lambda process: False)
    latest = stepped(net, 3)
    Autosave(net, latest, where=where).keep()
    assert find(net, where).data["spot"][2] == latest.spot.position
    assert not old.exists()


def test_a_directory_that_cannot_be_written_hides_no_crash(net, tmp_path):
    (tmp_path / "file").write_text("")
    assert Autosave(net, stepped(net), where=tmp_path / "file" / "state").keep() is None
    assert crash.report(ValueError("x"), tmp_path / "file" / "state") is None


def test_the_report_of_a_crash(tmp_path):
    try:
        raise ValueError("first line\nsecond line")
    except ValueError as error:
        path = crash.report(error, tmp_path)
        said = crash.line(error, path, "the session is kept in x")
    assert said == f"convstep itself failed: ValueError: first line; the session is kept in x; the report is in {path}"
    assert "test_the_report_of_a_crash" in path.read_text()
