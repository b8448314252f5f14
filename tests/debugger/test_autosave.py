"""Autosaves: an unsaved session comes back as it was; nobody's is destroyed, none is offered that still lives."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from networks import sample
from plain_view import plain

from convstep.debugger.keeping import autosave, container, crash
from convstep.debugger.keeping.autosave import Autosave, find
from convstep.debugger.opening import open_session
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
    monkeypatch.setattr(autosave, "is_alive", lambda process: False)


def stepped(net, steps=5):
    session = open_session(net, at="term 30")
    for _ in range(steps):
        session.next()
    return session


def test_it_comes_back_as_it_was(net, where, others):
    session = stepped(net)
    session.go("grad(w2)[1]")
    session.look["slices"] = {"o1": [0, 0]}
    session.extras["bookmarks"] = [["here", "op", 3]]
    assert Autosave(net, session, where=where).keep() is not None
    kept = find(net, where)
    other = kept.session()
    assert plain(other.view()) == plain(session.view())
    assert (other.spot, other.history, other.look) == (session.spot, session.history, session.look)
    assert other.extras["bookmarks"] == session.extras["bookmarks"]
    assert other.unsaved
    assert kept.offer().startswith("an unsaved session from ")
    assert kept.offer().endswith(f"stands at {session.spot.level} {session.spot.position}")


def test_a_session_on_a_snapshot(net, where, others, tmp_path):
    path = str(tmp_path / "s.convstep")
    open_session(net, iterations=3, at="iteration 2").save(path)
    Path(net).unlink()
    session = open_session(path)
    session.next()
    Autosave(path, session, where=where).keep()
    assert plain(find(path, where).session().view()) == plain(session.view())


def test_more_iterations_than_the_file_says(net, where, others):
    session = open_session(net, iterations=4)
    session.go("iteration 3")
    Autosave(net, session, 4, where).keep()
    assert find(net, where).session().place.iteration == 3


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
    assert find(net, where).offer().endswith("(the file has changed since)")
    assert find(net, where).session().spot == session.spot
    Path(net).write_text("inputs: {x: 1}\nlayers: [{name: r, op: ReLU}]\n")
    assert find(net, where).session().spot.position == 0
    Path(net).write_text("nothing\n")
    with pytest.raises(ConvstepError, match=r"net\.yaml:1:1"):
        find(net, where).session()


@pytest.mark.parametrize(
    "change",
    [
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
    monkeypatch.setattr(autosave, "is_alive", lambda process: False)
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
