"""`convstep trace`: the steps from position P up to, not including, Q, one JSON object or one sentence a line."""

from __future__ import annotations

import argparse
import json

from convstep.commands import add_file, add_order, open_network
from convstep.debugger.whatif.comparing import told_at
from convstep.engine.recording import Recording
from convstep.engine.trace import line, states
from convstep.explain.naming import Names
from convstep.explain.sentences import sentence


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_file(parser)
    levels = "a step is an operation (default), an element of its output, or a term of that"
    parser.add_argument("--level", choices=("op", "element", "term"), default="op", help=levels)
    add_order(parser)
    parser.add_argument("--from", dest="start", type=int, default=0, metavar="P", help="the first position (default 0)")
    parser.add_argument(
        "--to", dest="stop", type=int, metavar="Q", help="the position to stop before (default: the end)"
    )
    parser.add_argument("--reverse", action="store_true", help="the last step first")
    parser.add_argument("--text", action="store_true", help="one plain sentence a line instead of JSON")


def run(options: argparse.Namespace) -> int:
    """Do it; the exit status."""
    recording = Recording(open_network(options))
    names = Names(recording.graph)
    steps = states(recording, options.level, options.order, options.start, options.stop, options.reverse)
    for position, state in steps:
        if options.text:
            print(f"{told_at(state, names)} {sentence(state, names)}".lstrip())
        else:
            print(json.dumps(line(position, state)))
    return 0
