"""`convstep run` announces the first number that is not finite, on standard error, in one line."""

import subprocess
import sys

from networks import sample


def run(name, *options):
    command = [sys.executable, "-m", "convstep", "run", sample(name), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_says_where_and_from_what():
    done = run("explodes")
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("convstep: first non-finite: iteration 4")
    assert " from " in line
    assert len(done.stdout.splitlines()) == 50


def test_it_is_silent_where_all_is_finite():
    assert run("explodes", "--iterations", "20").stderr == ""
