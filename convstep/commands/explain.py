"""`convstep explain`: the formula of one number: with names, with numbers, and its result."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from math import prod

from convstep.commands import add_file, open_network
from convstep.debugger.whatif.comparing import set_by_hand
from convstep.engine.recording import Recording
from convstep.engine.state import split_name
from convstep.errors import ConvstepError
from convstep.explain.formula.formula import Formulas
from convstep.explain.formula.writing import as_dict, as_latex, as_markdown, as_text, explain
from convstep.explain.naming import Names
from convstep.explain.provenance.path_writing import WRITERS, PathLedger, ledger_of
from convstep.explain.provenance.path_writing import as_dict as paths_as_dict
from convstep.progress import Progress

_FORMATS = {"text": as_text, "latex": as_latex, "markdown": as_markdown}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_file(parser)
    parser.add_argument("number", metavar="NUMBER", help="which: o1[2], grad(w1)[1], new(w1)[1], C")
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    parser.add_argument("--format", choices=_FORMATS, default="text", help="how it is written (default text)")
    parser.add_argument("--iteration", type=int, default=0, metavar="K", help="of iteration K, from 0 (default 0)")
    parser.add_argument(
        "--levels", type=_levels, default=1, metavar="N", help="put in the formulas of what it reads, N levels or `all`"
    )
    parser.add_argument(
        "--paths",
        nargs="?",
        type=_paths,
        const=12,
        metavar="N",
        help="of a gradient: also every path from the loss to it, or the N largest (default 12)",
    )
    parser.add_argument("--all", action="store_true", help="every term of a long sum")


def _levels(text: str) -> int:
    if text == "all":
        return sys.maxsize
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"levels are a whole number of 1 or more, or `all`, not {text!r}")
    return int(text)


def _paths(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"--paths takes how many paths to show, 1 or more, not {text!r}")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Do it; the exit status."""
    graph = open_network(options)
    names = Names(graph)
    key, index = names.parse(options.number)
    index = _only(names, key) if index is None else index
    if not 0 <= options.iteration < graph.iterations:
        raise ConvstepError(f"there is no iteration {options.iteration}: they go from 0 to {graph.iterations - 1}")
    recording = Recording(graph)
    with Progress(options.iteration + 1) as progress:
        recording.iteration(options.iteration, progress.show)
    formulas = Formulas(recording, names, options.iteration)
    ledger = None if options.paths is None else _ledger(formulas, key, index, options.paths)
    fewer = {"most": None} if options.all else {}
    if options.json:
        result = as_dict(formulas, key, index, options.levels, **fewer)
        print(json.dumps(result if ledger is None else {**result, "paths": paths_as_dict(ledger)}))
        return 0
    explanation = explain(formulas, key, index, options.levels, **fewer)
    if told := set_by_hand(recording.iteration(options.iteration), graph, names, key, index):
        explanation = replace(explanation, notes=(*explanation.notes, told))
    if graph.iterations > 1:
        which = f"iteration {options.iteration} of 0 to {graph.iterations - 1}; --iteration K shows another one"
        explanation = replace(explanation, notes=(*explanation.notes, which))
    print(_FORMATS[options.format](explanation))
    if ledger is not None:
        print("\n" + WRITERS[options.format](ledger))
    return 0


def _ledger(formulas: Formulas, key: str, index: int, most: int) -> PathLedger:
    """The paths to a gradient element. Raises ConvstepError for any other number."""
    kind, tensor = split_name(key)
    if kind != "grad":
        raise ConvstepError(f"--paths goes with a gradient: grad({formulas.names.tensor(tensor)})")
    return ledger_of(formulas, tensor, index, most)


def _only(names: Names, key: str) -> int:
    """The index of the only element. Raises ConvstepError where there are more."""
    shape = names.shape(key)
    count = prod(shape)
    if count != 1:
        first, last = names.element(key, 0, shape), names.element(key, count - 1, shape)
        raise ConvstepError(f"{names.tensor(key)} has {count} elements: say which one, {first} to {last}")
    return 0
