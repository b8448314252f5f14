"""`convstep diff`: compare gradients that someone computed with the truth, and name the mistakes that explain them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from convstep.commands import add_file
from convstep.commands.mine import add_renamed, opening, read_gradients, read_renamed
from convstep.debugger.keeping.snapshot import open_unedited, with_iterations
from convstep.engine.recording import Recording
from convstep.engine.timeline import Place, Timeline
from convstep.engine.trace import plain
from convstep.errors import ConvstepError
from convstep.explain.difference import Compared, Difference, compare, iterations_run
from convstep.explain.mistakes.mistake import Mistake
from convstep.explain.naming import Names
from convstep.explain.numbers import short
from convstep.network.graph import Graph

_BAD = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_file(parser)
    parser.add_argument("mine", metavar="MINE", help="gradients, .npz or .safetensors, named o1.weight, w1, grads/o1 …")
    add_renamed(parser)
    parser.add_argument("--json", action="store_true", help="as one JSON object")


def run(options: argparse.Namespace) -> int:
    """Do it; the exit status."""
    renamed = read_renamed(options.renamed)
    given = read_gradients(Path(options.mine))
    graph, is_edited = open_unedited(options.file)
    if is_edited:
        options.notes.append("yours are held against the network without the snapshot's what-if edits")
    ran = iterations_run(given) or 1
    longer = ran if ran > graph.iterations else None
    graph = with_iterations(graph, longer) if longer else graph
    try:
        difference = compare(Recording(graph), given, renamed)
    except ConvstepError as error:
        raise ConvstepError(f"{options.mine}:1:1: {error}") from error
    if options.json:
        print(json.dumps(difference.as_json()))
    else:
        open_it = partial(opening, options.file, mine=options.mine, renamed=options.renamed, iterations=longer)
        print("\n".join(_lines(difference, graph, open_it)))
    return 0 if difference.ok else _BAD


def _lines(difference: Difference, graph: Graph, open_it: Callable[[str], str]) -> list[str]:
    """The report for people; `open_it` gives the command that opens an element."""
    names = Names(graph)
    written = [names.tensor(f"grad({compared.name})") for compared in difference.gradients]
    width = max(map(len, written))
    lines: list[str] = []
    told: set[Mistake] = set()
    for compared, name in zip(difference.gradients, written, strict=True):
        error = plain(compared.max_abs_error)
        largest = error if isinstance(error, str) else short(error)
        lines.append(f"{name.ljust(width)}  {'ok   ' if compared.ok else 'WRONG'}  largest error {largest}")
        if not compared.ok:
            lines += [f"  {line}" for line in _about(compared, names, told)]
    first = difference.first_wrong
    if first is None:
        return [*lines, "All of them are right."]
    if difference.iteration:
        lines.append(f"They are of iteration {difference.iteration}, the last of the run that wrote them.")
    deepest = difference.right_down_to
    lines.append(f"Right down to {names.tensor(f'grad({deepest})')}." if deepest else "None of them is right.")
    return [*lines, f"Open the first wrong number: {open_it(_way_to(first, graph, difference.iteration))}"]


def _way_to(compared: Compared, graph: Graph, iteration: int) -> str:
    """What opens the first element that differs. In a later iteration a name would lead to the first one's."""
    first, timeline = compared.first_wrong, Timeline(graph)
    writers = timeline.writers(f"grad({compared.tensor})")
    if not iteration or first is None or not writers:
        return _first_element(compared, Names(graph))
    return f"element {timeline.position('gather', Place(iteration, writers[-1], first[0]))}"


def _about(compared: Compared, names: Names, told: set[Mistake]) -> list[str]:
    """What is wrong with one gradient. A mistake that was `told` before is named again, and not explained."""
    lines = []
    for mistake in compared.mistakes:
        lines.append(f"{mistake.name}, as above" if mistake in told else mistake.sentence())
        told.add(mistake)
    if not lines:
        lines.append("no known mistake gives these numbers")
    first = compared.first_wrong
    if first is not None:
        _, mine, right = first
        lines.append(f"first wrong: {_first_element(compared, names)} is {short(mine)}, right is {short(right)}")
    return lines


def _first_element(compared: Compared, names: Names) -> str:
    """The name of the first element that differs; the tensor's where only the order of dimensions does."""
    tensor = f"grad({compared.tensor})"
    first = compared.first_wrong
    return names.tensor(tensor) if first is None else names.element(tensor, first[0], compared.truth.shape)
