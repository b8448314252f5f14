"""Progress on standard error: silent for quick work, a line once it takes long."""

import io
import threading
from functools import partial
from time import sleep

import pytest

from convstep.cli import main
from convstep.errors import ConvstepError
from convstep.progress import Progress


class Stream(io.StringIO):
    """A stream that tells when something was written."""

    def __init__(self, terminal):
        super().__init__()
        self.terminal, self.written = terminal, threading.Event()

    def isatty(self):
        return self.terminal

    def flush(self):
        self.written.set()


def test_quick_work_says_nothing():
    stream = Stream(terminal=True)
    with Progress(3, stream, after=3600) as progress:
        progress.show(0)
        with progress.aside():
            pass
    assert stream.getvalue() == ""


def test_long_work_says_how_far_it_is():
    stream = Stream(terminal=False)
    with Progress(8, stream, after=0, every=3600) as progress:
        progress.show(1)
        assert stream.written.wait(20)
    (line,) = stream.getvalue().splitlines()
    assert line.startswith("convstep: ")
    assert "of 8 iterations" in line
    assert "\x1b" not in line


def test_on_a_terminal_the_line_is_taken_away():
    stream = Stream(terminal=True)
    with Progress(8, stream, after=0, every=3600):
        assert stream.written.wait(20)
    assert "of 8 iterations" in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[K")
    assert "\n" not in stream.getvalue()


def test_a_debugger_without_a_terminal_says_one_line(monkeypatch, capsys):
    def slow_and_bad(*_):
        sleep(0.1)
        raise ConvstepError("net.yaml:1:1: no network")

    monkeypatch.setattr("convstep.progress.Progress", partial(Progress, after=0.0, every=0.001))
    monkeypatch.setattr("convstep.debugger.opening.open_session", slow_and_bad)
    with pytest.raises(SystemExit, match="2"):
        main(["net.yaml"])
    assert capsys.readouterr().err == "net.yaml:1:1: no network\n"
