"""The commands of the command line, a file each. A command's module is imported when it is called."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convstep.network.graph import Graph

BAD_INPUT = 2
"""The exit status of bad input and usage."""

COMMANDS = {
    "run": "run without the screen; print losses, write results",
    "info": "layers, parameters, how many steps, memory",
    "trace": "the steps, a line each",
    "check": "gradients against central differences, claims against the truth",
    "diff": "compare gradients of your own with the truth; name the mistake",
    "explain": "the formula of one number",
}
"""Name and help of each command; the module `convstep.commands.NAME` has `add_arguments` and `run`."""


def add_file(parser: argparse.ArgumentParser) -> None:
    """The argument FILE."""
    parser.add_argument("file", metavar="FILE", help="a network file, or a snapshot")


def add_order(parser: argparse.ArgumentParser, why: str = "") -> None:
    """The option --order."""
    told = f"{why}gather (default): a step of backward is a sum collected, scatter: an upstream number's shares"
    parser.add_argument("--order", choices=("gather", "scatter"), default="gather", help=told)


def add_iterations(parser: argparse.ArgumentParser) -> None:
    """The option --iterations."""
    parser.add_argument("--iterations", type=int, metavar="N", help="in place of the file's number of iterations")


def open_network(options: argparse.Namespace, iterations: int | None = None, numbers: bool = True) -> Graph:
    """The network of a file or a snapshot; that a snapshot's what-if edits hold is a note, said when all went well.

    Raises ConvstepError for bad input.
    """
    from convstep.debugger.keeping.snapshot import open_edited

    graph, edits = open_edited(options.file, iterations, numbers)
    if edits:
        options.notes.append(f"with the snapshot's what-if edits: {edits}")
    return graph


def say(line: str) -> None:
    """One line on standard error, whatever names and texts are in it."""
    from convstep.network.words import printable

    print(printable(line), file=sys.stderr)
