"""`convstep diff`: compare gradients that someone computed with the truth, and name the mistakes that explain them."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path

from convstep.debugger.snapshot import open_graph
from convstep.engine.recording import Recording
from convstep.engine.trace import plain
from convstep.errors import ConvstepError
from convstep.explain.difference import Compared, Difference, Given, compare
from convstep.explain.naming import Names
from convstep.explain.numbers import short
from convstep.network.array_files import find_arrays, read_arrays
from convstep.network.graph import Graph
from convstep.network.stored_arrays import FileError
from convstep.network.words import printable

_BAD = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("mine", metavar="MINE", help="gradients, .npz or .safetensors, named o1.weight, w1, grads/o1 …")
    parser.add_argument(
        "--as",
        dest="renamed",
        action="append",
        default=[],
        metavar="dW=o1.weight",
        help="the array dW is the gradient of o1.weight (may be repeated)",
    )
    parser.add_argument("--json", action="store_true", help="as one JSON object")


def run(options: argparse.Namespace) -> int:
    """Do it; the exit status."""
    graph = open_graph(options.file)
    renamed = _renamed(options.renamed)
    given = read_gradients(Path(options.mine))
    try:
        difference = compare(Recording(graph), given, renamed)
    except ConvstepError as error:
        raise ConvstepError(f"{options.mine}: {error}") from error
    if options.json:
        print(json.dumps(difference.as_json()))
    else:
        print("\n".join(_lines(difference, graph, options.file)))
    return 0 if difference.ok else _BAD


def _renamed(pairs: list[str]) -> dict[str, str]:
    """The names given by --as."""
    renamed = {}
    for pair in pairs:
        mine, equals, name = pair.partition("=")
        if not (mine and equals and name):
            raise ConvstepError(f"--as takes YOURS=NAME, such as dW=o1.weight, not {pair!r}")
        renamed[mine] = name
    return renamed


def read_gradients(path: Path) -> dict[str, Given]:
    """Every array of a file, with the precision that its numbers have there.

    Raises ConvstepError for what cannot be read.
    """
    if not path.exists():
        what = "there is no such file; gradients are arrays in an .npz or .safetensors file"
        raise ConvstepError(printable(f"{path}: {what}"))
    try:
        stored = find_arrays(path)
        arrays = read_arrays(path)
    except FileError as error:
        raise ConvstepError(printable(f"{path}: {error}")) from error
    return {name: Given(array, stored[name].kept_as) for name, array in arrays.items()}


def _lines(difference: Difference, graph: Graph, file: str) -> list[str]:
    """The report for people."""
    names = Names(graph)
    written = [names.tensor(f"grad({compared.name})") for compared in difference.gradients]
    width = max(map(len, written))
    lines = []
    for compared, name in zip(difference.gradients, written, strict=True):
        error = plain(compared.max_abs_error)
        largest = error if isinstance(error, str) else short(error)
        lines.append(f"{name.ljust(width)}  {'ok   ' if compared.ok else 'WRONG'}  largest error {largest}")
        if not compared.ok:
            lines += [f"  {line}" for line in _about(compared, names, file)]
    if difference.ok:
        return [*lines, "All of them are right."]
    deepest = difference.right_down_to
    return [*lines, f"Right down to {names.tensor(f'grad({deepest})')}." if deepest else "None of them is right."]


def _about(compared: Compared, names: Names, file: str) -> list[str]:
    """What is wrong with one gradient, and where to look."""
    lines = [mistake.sentence() for mistake in compared.mistakes]
    if not lines:
        lines = ["no known mistake gives these numbers"]
    first = compared.first_wrong
    if first is None:
        return lines
    index, mine, right = first
    element = names.element(f"grad({compared.tensor})", index, compared.truth.shape)
    open_it = f"convstep {shlex.quote(file)} --at {shlex.quote(element)}"
    return [*lines, f"first wrong: {element} is {short(mine)}, right is {short(right)}; open it: {open_it}"]
