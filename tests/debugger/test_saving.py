"""Saving: the old file or the new one, whole, whatever happens in between; and the session goes on."""

import os
import stat
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from networks import sample

from convstep.debugger.keeping import saving
from convstep.debugger.opening import open_session
from convstep.errors import ConvstepError


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children")
def test_killed_at_any_moment(tmp_path):
    script = Path(__file__).with_name("killed_while_saving.py")
    done = subprocess.run([sys.executable, script, tmp_path, "20"], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    survived, positions = map(int, done.stdout.split())
    assert survived == 20
    assert positions > 1


def test_a_file_that_may_not_grow(tmp_path):
    script = (
        "import resource, sys\n"
        "from convstep.debugger.opening import open_session\n"
        "from convstep.errors import ConvstepError\n"
        "session = open_session(sys.argv[1])\n"
        "session.save('s.convstep')\n"
        "before = open('s.convstep', 'rb').read()\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "session.next()\n"
        "try:\n    session.save('s.convstep')\nexcept ConvstepError as error:\n    print(error)\n"
        "session.next()\n"
        "assert open('s.convstep', 'rb').read() == before\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, sample("two_conv")], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert done.stdout == "s.convstep: cannot save here: File too large; choose another name or directory\n"
    assert os.listdir(tmp_path) == ["s.convstep"]


def test_a_directory_that_may_not_be_written(tmp_path, monkeypatch):
    def refused(*_):
        raise PermissionError(13, "Permission denied")

    session = open_session(sample("two_conv"))
    session.next()
    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(ConvstepError, match="cannot save here: Permission denied; choose another name or directory"):
        session.save(str(tmp_path / "s.convstep"))
    assert session.unsaved
    assert session.next() == ""


@pytest.mark.skipif(os.name != "posix", reason="pipes and links of POSIX")
def test_what_is_no_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConvstepError, match="it is a pipe or a device"):
        open_session(sample("two_conv")).save(str(tmp_path / "pipe"))
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_through_a_link_the_file_itself_is_saved(tmp_path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "inside" / "s.convstep")
    open_session(sample("two_conv")).save(str(tmp_path / "link"))
    assert (tmp_path / "link").is_symlink()
    assert open_session(tmp_path / "inside" / "s.convstep").spot.position == -1


def test_a_protected_file_is_not_replaced(tmp_path, monkeypatch):
    path = tmp_path / "s.convstep"
    path.write_bytes(b"another's")
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with pytest.raises(ConvstepError, match="cannot save here: that file may not be written; choose another name"):
        open_session(sample("two_conv")).save(str(path))
    assert path.read_bytes() == b"another's"
    assert os.listdir(tmp_path) == ["s.convstep"]


def test_permissions_stay(tmp_path):
    path = tmp_path / "s.convstep"
    path.touch()
    path.chmod(0o600)
    open_session(sample("two_conv")).save(str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_killed_processes_left_is_taken_away(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    old, fresh, alive, foreign = (
        tmp_path / name
        for name in (
            f".convstep-{ended.pid}-0a1b2c3d.tmp",
            f".convstep-{ended.pid}-aaaaaaaa.tmp",
            f".convstep-{os.getpid()}-0a1b2c3d.tmp",
            ".convstep-notes.tmp",
        )
    )
    for path in (old, fresh, alive, foreign):
        path.write_bytes(b"half")
        os.utime(path, (time.time() - 3600,) * 2)
    os.utime(fresh)
    saving.write_whole(tmp_path / "new", b"whole")
    assert not old.exists()
    assert all(path.exists() for path in (fresh, alive, foreign, tmp_path / "new"))


def test_a_full_disk(tmp_path):
    """On a file system of its own, where this machine lets us have one."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        session = open_session(sample("two_conv"))
        session.save(str(small / "s.convstep"))
        before = (small / "s.convstep").read_bytes()
        with suppress(OSError), open(small / "filler", "wb", buffering=0) as filler:
            while True:
                filler.write(bytes(512))
        session.next()
        with pytest.raises(ConvstepError, match="No space left on device"):
            session.save(str(small / "s.convstep"))
        assert (small / "s.convstep").read_bytes() == before
        assert sorted(os.listdir(small)) == ["filler", "s.convstep"]
    finally:
        subprocess.run(["umount", small], check=False)
