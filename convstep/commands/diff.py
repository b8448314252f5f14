"""`convstep diff`: compare gradients that someone computed with the truth, and name the mistakes that explain them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from convstep.commands.mine import add_renamed, opening, read_gradients, read_renamed
from convstep.debugger.snapshot import open_graph
from convstep.engine.recording import Recording
from convstep.engine.trace import plain
from convstep.errors import ConvstepError
from convstep.explain.difference import Compared, Difference, compare
from convstep.explain.naming import Names
from convstep.explain.numbers import short
from convstep.network.graph import Graph

_BAD = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("mine", metavar="MINE", help="gradients, .npz or .safetensors, named o1.weight, w1, grads/o1 …")
    add_renamed(parser)
    parser.add_argument("--json", action="store_true", help="as one JSON object")


def run(options: argparse.Namespace) -> int:
    """Do it; the exit status."""
    graph = open_graph(options.file)
    renamed = read_renamed(options.renamed)
    given = read_gradients(Path(options.mine))
    try:
        difference = compare(Recording(graph), given, renamed)
    except ConvstepError as error:
        raise ConvstepError(f"{options.mine}: {error}") from error
    if options.json:
        print(json.dumps(difference.as_json()))
    else:
        open_it = partial(opening, options.file, mine=options.mine, renamed=options.renamed)
        print("\n".join(_lines(difference, graph, open_it)))
    return 0 if difference.ok else _BAD


def _lines(difference: Difference, graph: Graph, open_it: Callable[[str], str]) -> list[str]:
    """The report for people; `open_it` gives the command that opens an element."""
    names = Names(graph)
    written = [names.tensor(f"grad({compared.name})") for compared in difference.gradients]
    width = max(map(len, written))
    lines = []
    for compared, name in zip(difference.gradients, written, strict=True):
        error = plain(compared.max_abs_error)
        largest = error if isinstance(error, str) else short(error)
        lines.append(f"{name.ljust(width)}  {'ok   ' if compared.ok else 'WRONG'}  largest error {largest}")
        if not compared.ok:
            lines += [f"  {line}" for line in _about(compared, names, open_it)]
    if difference.ok:
        return [*lines, "All of them are right."]
    deepest = difference.right_down_to
    return [*lines, f"Right down to {names.tensor(f'grad({deepest})')}." if deepest else "None of them is right."]


def _about(compared: Compared, names: Names, open_it: Callable[[str], str]) -> list[str]:
    """What is wrong with one gradient, and where to look."""
    lines = [mistake.sentence() for mistake in compared.mistakes]
    if not lines:
        lines = ["no known mistake gives these numbers"]
    first = compared.first_wrong
    if first is None:
        return lines
    index, mine, right = first
    element = names.element(f"grad({compared.tensor})", index, compared.truth.shape)
    return [*lines, f"first wrong: {element} is {short(mine)}, right is {short(right)}; open it: {open_it(element)}"]
