"""The app in a terminal of its own: however it ends, the terminal is whole and the session is kept."""

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from networks import sample

termios = pytest.importorskip("termios")
pytestmark = pytest.mark.skipif(not hasattr(os, "login_tty"), reason="needs pseudo-terminals of Python 3.11")

_PATIENCE = 30.0


class Terminal:
    """Runs convstep at 80×24."""

    def __init__(self, state, *arguments, before=""):
        self.fd, self.slave = os.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.modes = termios.tcgetattr(self.slave)
        script = f"import sys\n{before}\nfrom convstep.cli import main\nmain(sys.argv[1:])"
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, *arguments],
            env={**os.environ, "TERM": "xterm-256color", "XDG_STATE_HOME": str(state)},
            preexec_fn=lambda: os.login_tty(self.slave),
        )
        self.output = ""

    def until(self, text):
        """Read until the text was written."""
        end = time.monotonic() + _PATIENCE
        while text not in self.output and time.monotonic() < end:
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    self.output += os.read(self.fd, 1 << 16).decode("utf-8", "replace")
                except OSError:
                    break
        assert text in self.output, self.output[-2000:]

    def press(self, keys, text):
        self.output = ""
        os.write(self.fd, keys.encode())
        self.until(text)

    def close(self):
        for fd in (self.fd, self.slave):
            if fd >= 0:
                os.close(fd)
        self.process.kill()
        self.process.wait()


@pytest.fixture
def terminal(tmp_path):
    opened = []

    def start(*arguments, before=""):
        opened.append(Terminal(tmp_path, *arguments, before=before))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def autosaves(tmp_path):
    return list((tmp_path / "convstep").glob("*.autosave"))


def wait_for(condition):
    end = time.monotonic() + _PATIENCE
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    assert condition()


def test_killed_and_resumed(terminal, tmp_path):
    first = terminal(sample("two_conv"))
    first.until(" quit ")
    first.press("nn", "OP 1")
    wait_for(lambda: autosaves(tmp_path))
    first.process.kill()
    first.process.wait()
    second = terminal(sample("two_conv"))
    second.until("ctrl+r resumes the unsaved session from")
    second.press("\x12", "OP 1")
    assert len(autosaves(tmp_path)) == 1
    second.press("q", "q again")
    os.write(second.fd, b"q")
    assert second.process.wait(_PATIENCE) == 0
    assert not autosaves(tmp_path)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"])
def test_told_to_end(terminal, tmp_path, name):
    app = terminal(sample("two_conv"))
    app.until(" quit ")
    app.press("n", "OP 0")
    app.output = ""
    app.process.send_signal(getattr(signal, name))
    app.until("convstep was ended by signal")
    app.until("offers it")
    assert app.process.wait(_PATIENCE) == 128 + getattr(signal, name)
    assert termios.tcgetattr(app.slave)[:4] == app.modes[:4]
    assert "\x1b[?1049l" in app.output
    assert len(autosaves(tmp_path)) == 1


def ended_without_its_file(terminal, tmp_path, spoil):
    """The network file of a session that was at OP 1 when a signal ended it; meanwhile `spoil` was done to the file."""
    net = tmp_path / "net.yaml"
    net.write_text(Path(sample("two_conv")).read_text())
    app = terminal(str(net))
    app.until(" quit ")
    app.press("nn", "OP 1")
    spoil(net)
    app.process.send_signal(signal.SIGTERM)
    app.until("offers it")
    assert app.process.wait(_PATIENCE) == 128 + signal.SIGTERM
    return net


def test_a_session_whose_file_is_gone(terminal, tmp_path):
    net = ended_without_its_file(terminal, tmp_path, Path.unlink)
    again = terminal(str(net))
    again.until("net.yaml is gone: this is the network as it was kept")
    again.until("OP 1")
    again.press("N", "OP 0")
    again.press("\x12", "there is no unsaved session of this file")
    again.process.kill()
    again.process.wait()
    (kept,) = autosaves(tmp_path)
    named = terminal(str(kept))
    named.until("net.yaml is gone: this is the network as it was kept")
    named.until("OP ")


def test_a_session_whose_file_is_bad_now(terminal, tmp_path):
    net = ended_without_its_file(terminal, tmp_path, lambda net: net.write_text("layers: 3\n"))
    (kept,) = autosaves(tmp_path)
    again = terminal(str(net))
    again.until("net.yaml:1:9: ")
    again.until(f"is kept, and offered once this is mended: convstep {kept} resumes it")
    assert again.process.wait(_PATIENCE) == 2
    terminal(str(kept)).until("OP 1")


def test_a_terminal_that_is_closed(terminal, tmp_path):
    app = terminal(sample("two_conv"))
    app.until(" quit ")
    app.press("n", "OP 0")
    os.close(app.slave)
    os.close(app.fd)
    app.fd = app.slave = -1
    app.process.wait(_PATIENCE)
    assert len(autosaves(tmp_path)) == 1


FAILS = """
import convstep.debugger.session as session
def out(self):
    raise KeyError("boom [red] \\x1b[31m")
session.Session.out = out
"""


def test_a_failure_of_the_app_is_one_line(terminal, tmp_path):
    app = terminal(sample("two_conv"), before=FAILS)
    app.until(" quit ")
    app.press("n", "OP 0")
    app.press("f", "the report is in")
    assert app.process.wait(_PATIENCE) == 2
    assert "Traceback" not in app.output
    last = app.output.rpartition("\x1b[0m")[2]
    assert last.startswith("convstep itself failed: KeyError: 'boom [red] \\x1b[31m'; the session is kept in ")
    assert termios.tcgetattr(app.slave)[:4] == app.modes[:4]
    (log,) = (tmp_path / "convstep").glob("crash-*.log")
    assert "boom" in log.read_text()
    assert len(autosaves(tmp_path)) == 1
