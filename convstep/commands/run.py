"""`convstep run`: run a network without the screen, print the loss of each iteration, write the results."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from convstep.commands import add_file, add_iterations, open_network
from convstep.debugger.keeping.saving import write_whole
from convstep.engine.nonfinite import Lookout
from convstep.engine.recording import Recording
from convstep.engine.results import Results, run_all
from convstep.errors import ConvstepError
from convstep.progress import Progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_file(parser)
    add_iterations(parser)
    parser.add_argument("--out", metavar="OUT.npz", help="write values, gradients, parameters and losses there")


def run(options: argparse.Namespace) -> int:
    """Do it; the exit status."""
    if options.out:
        _check_place(options.out)
    recording = Recording(open_network(options, options.iterations), kept_bytes=0)
    loss = recording.graph.loss
    lookout = Lookout(recording)
    recording.looked_at = lookout.look
    announced = False
    with Progress(recording.timeline.iterations) as progress:

        def done(iteration: int) -> None:
            nonlocal announced
            with progress.aside():
                if lookout.found is not None and not announced:
                    announced = True
                    print(f"convstep: first non-finite: {_told(lookout)}", file=sys.stderr)
                if loss is not None:
                    print(f"iteration {iteration}  {loss.name} = {recording.losses[iteration]!r}")
            progress.show(iteration)

        results = run_all(recording, done)
    if options.out:
        _write(options.out, results)
    if loss is None:
        print(f"ran {recording.timeline.iterations} iteration(s); there is no loss")
    return 0


def _write(out: str, results: Results) -> None:
    """Write the results there: a file whole or not at all. Raises ConvstepError where that is impossible."""
    try:
        if _is_device(out):
            with open(out, "wb") as pipe:
                results.save(pipe)
        else:
            write_whole(Path(out), results.save)
    except OSError as error:
        raise ConvstepError(f"{out}: cannot be written: {error.strerror}") from error


def _is_device(out: str) -> bool:
    return os.path.exists(out) and not os.path.isfile(out)


def _check_place(out: str) -> None:
    """Raises ConvstepError, before a long run, where nothing could be written after it."""
    directory = os.path.dirname(out) or "."
    if os.path.isdir(out):
        raise ConvstepError(f"{out}: cannot be written: it is a directory")
    if not os.path.isdir(directory):
        raise ConvstepError(f"{out}: cannot be written: there is no directory {directory}")
    written = [out] if _is_device(out) else [place for place in (out, directory) if os.path.exists(place)]
    if not all(os.access(place, os.W_OK) for place in written):
        raise ConvstepError(f"{out}: cannot be written: permission denied")


def _told(lookout: Lookout) -> str:
    """Where the first number is that is not finite, and what made it."""
    from convstep.explain.naming import Names
    from convstep.explain.nonfinite import origin

    found, graph = lookout.found, lookout.recording.graph
    assert found is not None and lookout.start is not None
    again = Recording(graph, {found.iteration: lookout.start})
    return origin(again, Names(graph), found).line()
