"""`convstep info`: layers, shapes and parameters, the steps on each level, and the memory needed."""

from __future__ import annotations

import argparse
import json

from convstep.commands import open_network
from convstep.engine.info import describe, table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    parser.add_argument("--order", choices=("gather", "scatter"), default="gather", help="how steps are counted")


def run(options: argparse.Namespace) -> int:
    """Do it; the exit status."""
    graph = open_network(options, numbers=False)
    facts = describe(graph, options.order)
    print(json.dumps(facts) if options.json else table(graph, facts))
    return 0
