"""Snapshots: the same screen after reopening, anywhere; and whatever is damaged is refused in one line."""

import io
import json
import os
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from networks import networks, sample
from picked import PICKED
from plain_view import plain

from convstep.debugger.keeping import container, snapshot
from convstep.debugger.moves import Spot
from convstep.debugger.opening import open_session
from convstep.debugger.session import Session
from convstep.engine.recording import Recording
from convstep.engine.timeline import LEVELS, ORDERS
from convstep.engine.work import QUIET
from convstep.errors import ConvstepError
from convstep.network import load


def reopened(session, path):
    session.save(str(path))
    return open_session(str(path))


def same(one, other):
    assert other.spot == one.spot
    assert other.history == one.history
    assert plain(other.view()) == plain(one.view())


# -- the same screen ----------------------------------------------------------------------------------------


@settings(max_examples=15)
@given(networks(5))
def test_every_position_comes_back(tmp_path_factory, source):
    session = Session(Recording(load(source)))
    path = tmp_path_factory.mktemp("saved") / "s.convstep"
    for order in ORDERS:
        for level in LEVELS:
            length = session.recording.timeline.length(level, order)
            for position in {-1, length // 3, length - 1}:
                session.spot = Spot(level, order, position)
                same(session, reopened(session, path))


@pytest.mark.parametrize("name", ["one_weight_used_three_times", "classes_in_batches", "single_precision"])
def test_later_iterations_come_back_bit_for_bit(name, tmp_path):
    session = Session(Recording(load(PICKED[name])))
    for iteration in range(session.recording.timeline.iterations):
        session.go(f"iteration {iteration}")
        for _ in range(4):
            session.next()
        other = reopened(session, tmp_path / "s.convstep")
        same(session, other)
        for move in ("end", "previous", "home"):
            getattr(session, move)()
            getattr(other, move)()
            assert plain(other.view()) == plain(session.view())
        assert other.recording.losses == session.recording.losses


def test_in_another_directory_without_the_files_it_was_made_from(tmp_path, monkeypatch):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    for suffix in ("yaml", "npz"):
        shutil.copy(Path(sample("digits")).with_suffix(f".{suffix}"), here)
    monkeypatch.chdir(here)
    session = open_session("digits.yaml", iterations=3, at="grad(conv1.weight)[0, 0, 1, 1]")
    session.go("iteration 2")
    session.go("grad(conv2.bias)")
    screen = plain(session.view())
    session.save(str(there / "mine.convstep"))
    shutil.rmtree(here / ".", ignore_errors=True)
    monkeypatch.chdir(there)
    other = open_session("mine.convstep")
    assert plain(other.view()) == screen
    assert len(other.history) == 3
    other.back()
    assert other.place.iteration == 2


def test_what_the_screen_keeps_comes_along(tmp_path):
    session = open_session(sample("two_conv"))
    session.look = {"theme": "light", "slices": {"o1": [0, 1]}, "focus": None, "n": 1.5}
    assert reopened(session, tmp_path / "s.convstep").look == session.look


def test_a_snapshot_is_read_wherever_a_file_is(tmp_path):
    import convstep

    session = open_session(sample("two_conv"), iterations=4, at="iteration 2")
    session.save(str(tmp_path / "no_suffix"))
    run = convstep.run(tmp_path / "no_suffix")
    assert len(run.losses) == 4
    assert run.losses.tobytes() == convstep.run(sample("two_conv"), 4).losses.tobytes()
    assert len(list(convstep.trace(str(tmp_path / "no_suffix")))) == 44


def test_fewer_iterations_than_it_was_saved_with(tmp_path):
    session = open_session(sample("two_conv"), iterations=9)
    for where in ("iteration 8", "iteration 1", "iteration 5"):
        session.go(where)
    session.save(str(tmp_path / "s.convstep"))
    other = open_session(tmp_path / "s.convstep", iterations=2)
    assert other.place.iteration == 1
    for _ in range(5):
        assert other.spot.position < 2 * other.recording.timeline.count(other.spot.level)
        plain(other.view())
        other.back()


def test_the_proposed_name_is_new(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    session = open_session(sample("two_conv"))
    assert session.propose_name() == "two_conv-1.convstep"
    session.save(session.propose_name())
    assert session.propose_name() == "two_conv-2.convstep"
    assert not session.unsaved


# -- saving -------------------------------------------------------------------------------------------------


def test_saving_never_leaves_half_a_file(tmp_path, monkeypatch):
    path = tmp_path / "s.convstep"
    session = open_session(sample("two_conv"))
    session.save(str(path))
    before = path.read_bytes()
    session.next()

    def full(*_):
        raise OSError(28, "No space left on device")

    for function in ("replace", "fsync", "open"):
        with monkeypatch.context() as patch:
            patch.setattr(os, function, full)
            with pytest.raises(ConvstepError, match="No space left") as raised:
                session.save(str(path))
        assert "\n" not in str(raised.value)
        assert path.read_bytes() == before
        assert [p.name for p in tmp_path.iterdir()] == ["s.convstep"]
        assert session.unsaved


def test_an_interrupted_save_leaves_nothing_beside(tmp_path, monkeypatch):
    session = open_session(sample("two_conv"))

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        session.save(str(tmp_path / "s.convstep"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("where", ["", "  ", "missing/s.convstep", ".", "x" * 300, "nul\0byte"])
def test_impossible_places_are_one_line(where, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConvstepError) as raised:
        open_session(sample("two_conv")).save(where)
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_the_longest_name_that_a_file_can_have(tmp_path):
    open_session(sample("two_conv")).save(str(tmp_path / ("x" * 255)))


def test_saved_files_have_the_usual_permissions(tmp_path):
    (tmp_path / "plain").write_text("")
    open_session(sample("two_conv")).save(str(tmp_path / "s"))
    assert (tmp_path / "s").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_there_is_no_pickle_in_it(tmp_path):
    path = tmp_path / "s.convstep"
    open_session(sample("digits")).save(str(path))
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        assert {Path(name).suffix for name in names} <= {".npy", ".json", ""}
        for name in names:
            if name.endswith(".npy"):
                with archive.open(name) as file:
                    assert np.load(file, allow_pickle=False).dtype.kind in "fi"


# -- damage -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "good.convstep"
    session = open_session(sample("two_conv"), at="term 32")
    session.save(str(path))
    return path.read_bytes(), plain(session.view())


def refused(path):
    for use in (open_session, snapshot.open_graph):
        with pytest.raises(ConvstepError) as raised:
            use(str(path))
        message = str(raised.value)
        assert re.match(rf"{re.escape(str(path))}:\d+:\d+: ", message)
        assert "\n" not in message
    return message


def test_cut_short_anywhere(good, tmp_path):
    data, _ = good
    path = tmp_path / "cut.convstep"
    for length in [*range(40), *range(40, len(data), 61), len(data) - 1]:
        path.write_bytes(data[:length])
        refused(path)


def test_a_flipped_byte_is_refused_or_changes_nothing(good, tmp_path):
    data, screen = good
    path = tmp_path / "flipped.convstep"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        starts = {info.header_offset + 30 + len(info.filename): info.file_size for info in archive.infolist()}
    contents = {at for start, size in starts.items() for at in range(start, start + size)}
    for at in [*range(60), *range(60, len(data), 23), *range(len(data) - 60, len(data))]:
        for bits in (0x01, 0xFF):
            path.write_bytes(data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :])
            opened = unless_refused(path)
            assert opened in ((None,) if at in contents else (None, screen))


def test_bytes_too_many(good, tmp_path):
    path = tmp_path / "long.convstep"
    path.write_bytes(good[0] + good[0][:200])
    assert unless_refused(path) in (None, good[1])


def unless_refused(path):
    """The screen that a snapshot opens with; None where it is refused in one line."""
    try:
        return plain(open_session(str(path)).view())
    except ConvstepError as error:
        return None if "\n" not in str(error) else str(error)


@pytest.mark.parametrize("suffix", [".convstep", ".npz", ""])
def test_foreign_files(suffix, tmp_path):
    path = tmp_path / f"foreign{suffix}"
    np.savez(path, a=np.arange(3))
    refused(path if path.exists() else path.with_suffix(".npz"))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(container.META, "{}")
    refused(path)
    with zipfile.ZipFile(path, "w"):
        pass
    refused(path)
    path.write_bytes(b"")
    refused(path)
    path.write_bytes(bytes(range(256)))
    refused(path)
    path.unlink()
    refused(path)
    path.mkdir()
    refused(path)


def test_a_newer_format_says_so(good, tmp_path):
    path = tmp_path / "newer.convstep"
    path.write_bytes(good[0])
    rewrite(path, lambda meta: {**meta, "format": 2})
    assert "format 2" in refused(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda meta: {**meta, "position": "x"},
        lambda meta: {**meta, "level": "atom"},
        lambda meta: {**meta, "iteration": None},
        lambda meta: {**meta, "iteration": 7},
        lambda meta: {**meta, "iteration": -1},
        lambda meta: {**meta, "network": {}},
        lambda meta: {**meta, "network": 3},
        lambda meta: {**meta, "state": {}},
        lambda meta: {**meta, "state": {"parameters": {}, "buffers": {}, "optimizer": {}}},
        lambda meta: {**meta, "losses": []},
        lambda meta: {**meta, "history": [["op", "gather"]]},
        lambda meta: {**meta, "history": 3},
        lambda meta: {**meta, "kind": "other"},
        lambda meta: [],
        lambda meta: {key: value for key, value in meta.items() if key != "look"},
    ],
)
def test_contents_that_make_no_sense(change, good, tmp_path):
    path = tmp_path / "odd.convstep"
    path.write_bytes(good[0])
    rewrite(path, change)
    refused(path)


def rewrite(path, change):
    """The snapshot with another `snapshot.json`, and a checksum that fits."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist() if name != container.CHECKSUM}
    entries[container.META] = json.dumps(change(json.loads(entries[container.META]))).encode()
    entries[container.CHECKSUM] = container.checksum(entries).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)


def test_what_is_saved_beside_the_screen_is_the_moment_at_which_that_was_asked_for(tmp_path):
    session = open_session(sample("two_conv"))
    session.next()
    session.look["windows"] = {"o1": {"row": 0}}
    write = session.saving(str(tmp_path / "here.convstep"))
    session.next()
    session.look["windows"]["o1"]["row"] = 1
    session.extras["watches"] = []
    assert "resumes here" in write(QUIET)
    assert session.unsaved, "nobody has taken note of it yet"
    again = open_session(tmp_path / "here.convstep")
    assert again.spot.position == 0
    assert again.look["windows"]["o1"] == {"row": 0} and "watches" not in again.extras
