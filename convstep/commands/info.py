"""`convstep info`: layers, shapes and parameters, the steps on each level, and the memory needed."""

from __future__ import annotations

import argparse
import json

from convstep.commands import add_file, add_order, open_network
from convstep.engine.info import describe, table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_file(parser)
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    add_order(parser, "how steps are counted; ")


def run(options: argparse.Namespace) -> int:
    """Do it; the exit status."""
    graph = open_network(options, numbers=False)
    facts = describe(graph, options.order)
    print(json.dumps(facts) if options.json else table(graph, facts))
    return 0
