"""The command line (contract §2)."""

from __future__ import annotations

import argparse
import gc
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from convstep.errors import ConvstepError

_COMMANDS = ("run", "info", "trace")
_BAD_INPUT = 2


class _Parser(argparse.ArgumentParser):
    """Usage errors are one line, too."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message}; {self.prog} --help shows how", file=sys.stderr)
        raise SystemExit(_BAD_INPUT)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 fine, 1 a check failed, 2 bad input or usage."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without × and Σ shows ?
    try:
        status = _command(given)
        sys.stdout.flush()
    except ConvstepError as error:
        print(error, file=sys.stderr)
        status = _BAD_INPUT
    except BrokenPipeError:
        # The reader has seen enough (`convstep trace … | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except KeyboardInterrupt:
        status = 130
    raise SystemExit(status)


def _command(given: list[str]) -> int:
    if given and given[0] in _COMMANDS:
        options = _commands_parser().parse_args(given)
        action: Callable[[argparse.Namespace], int] = options.action
        return action(options)
    return _open(_debugger_parser().parse_args(given))


_EPILOG = """\
other commands:
  convstep run FILE [--iterations N] [--out OUT.npz]   run without the screen
  convstep info FILE [--json] [--order ORDER]          layers, parameters, steps, memory
  convstep trace FILE [--level L] [--text] ...         the steps, a line each
Each of them explains itself with --help.
"""


def _debugger_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="convstep",
        description="Step through a neural network: forward, loss, backward, update. "
        "FILE is a network file (YAML or JSON) or a saved snapshot.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"convstep {_version()}")
    parser.add_argument("file", metavar="FILE", help="a network file, or a snapshot to resume")
    parser.add_argument("--at", metavar="WHERE", help="open there: 'o1', 'grad(w1)[3]', 'term 32', '35%%'")
    _add_iterations(parser)
    return parser


def _commands_parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="convstep")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run a network without the screen", description=_run.__doc__)
    run.add_argument("file", metavar="FILE")
    _add_iterations(run)
    run.add_argument("--out", metavar="OUT.npz", help="write values, gradients, parameters and losses there")
    run.set_defaults(action=_run)

    info = commands.add_parser("info", help="layers, parameters, steps, memory", description=_info.__doc__)
    info.add_argument("file", metavar="FILE")
    info.add_argument("--json", action="store_true", help="as one JSON object")
    info.add_argument("--order", choices=("gather", "scatter"), default="gather", help="how steps are counted")
    info.set_defaults(action=_info)

    trace = commands.add_parser("trace", help="the steps, a line each", description=_trace.__doc__)
    trace.add_argument("file", metavar="FILE")
    trace.add_argument("--level", choices=("op", "element", "term"), default="op")
    trace.add_argument("--order", choices=("gather", "scatter"), default="gather")
    trace.add_argument("--from", dest="start", type=int, default=0, metavar="P", help="the first position")
    trace.add_argument("--to", dest="stop", type=int, metavar="Q", help="the position to stop before")
    trace.add_argument("--reverse", action="store_true", help="the last step first")
    trace.add_argument("--text", action="store_true", help="one plain sentence a line instead of JSON")
    trace.set_defaults(action=_trace)
    return parser


def _add_iterations(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--iterations", type=int, metavar="N", help="in place of the file's number of iterations")


def _version() -> str:
    from convstep import __version__

    return __version__


def _open(options: argparse.Namespace) -> int:
    # pydantic would look for plugins in every installed package's metadata.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    with _no_collections():
        from convstep.debugger.session import open_session
        from convstep.progress import Progress

        with Progress(1) as progress:
            session = open_session(options.file, options.iterations, options.at, progress.show)
        if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
            raise ConvstepError("the debugger needs a terminal; convstep run, info and trace do without")
        from convstep.tui.app import run
    run(session)
    return 0


@contextmanager
def _no_collections() -> Iterator[None]:
    """What a start makes, stays: looking through it for garbage costs time now, and a pause at a key later."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _run(options: argparse.Namespace) -> int:
    """Run a network without the screen, print the loss of each iteration, and write the results."""
    from convstep.debugger.snapshot import open_graph
    from convstep.engine.recording import Recording
    from convstep.engine.results import run_all
    from convstep.progress import Progress

    recording = Recording(open_graph(options.file, options.iterations), kept_bytes=0)
    loss = recording.graph.loss
    with Progress(recording.timeline.iterations) as progress:

        def done(iteration: int) -> None:
            progress.clear()
            if loss is not None:
                print(f"iteration {iteration}  {loss.name} = {recording.losses[iteration]!r}")
            progress.show(iteration)

        results = run_all(recording, done)
    if options.out:
        try:
            with open(options.out, "wb") as file:
                results.save(file)
        except OSError as error:
            raise ConvstepError(f"{options.out}: cannot be written: {error.strerror}") from error
    if loss is None:
        print(f"ran {recording.timeline.iterations} iteration(s); there is no loss")
    return 0


def _info(options: argparse.Namespace) -> int:
    """Show a network's layers, shapes and parameters, its steps on each level, and the memory it needs."""
    from convstep.debugger.snapshot import open_graph
    from convstep.engine.info import describe, table

    facts = describe(open_graph(options.file), options.order)
    print(json.dumps(facts) if options.json else table(facts))
    return 0


def _trace(options: argparse.Namespace) -> int:
    """Print the steps from position P up to, not including, Q: one JSON object or one sentence a line."""
    from convstep.debugger.snapshot import open_graph
    from convstep.engine.recording import Recording
    from convstep.engine.trace import line, states
    from convstep.explain.naming import Names
    from convstep.explain.sentences import sentence

    recording = Recording(open_graph(options.file))
    names = Names(recording.graph)
    steps = states(recording, options.level, options.order, options.start, options.stop, options.reverse)
    for position, state in steps:
        print(sentence(state, names) if options.text else json.dumps(line(position, state)))
    return 0
