"""The command line (contract §2)."""

from __future__ import annotations

import argparse
import gc
import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from convstep.commands import COMMANDS, add_iterations
from convstep.commands.mine import add_renamed, read_gradients, read_renamed
from convstep.errors import ConvstepError

if TYPE_CHECKING:
    from convstep.debugger.mine import Mine
    from convstep.debugger.session import Session

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
    if not given or given[0] not in COMMANDS:
        return _open(_debugger_parser().parse_args(given))
    name = given[0]
    command = import_module(f"convstep.commands.{name}")
    parser = _Parser(prog=f"convstep {name}", description=(command.__doc__ or "").partition(": ")[2])
    command.add_arguments(parser)
    status: int = command.run(parser.parse_args(given[1:]))
    return status


def _debugger_parser() -> argparse.ArgumentParser:
    others = "\n".join(f"  convstep {name:8} {text}" for name, text in COMMANDS.items())
    parser = _Parser(
        prog="convstep",
        description="Step through a neural network: forward, loss, backward, update. "
        "FILE is a network file (YAML or JSON) or a saved snapshot.",
        epilog=f"other commands:\n{others}\nEach of them explains itself with --help.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"convstep {_version()}")
    parser.add_argument("file", metavar="FILE", help="a network file, or a snapshot to resume")
    parser.add_argument("--at", metavar="WHERE", help="open there: 'o1', 'grad(w1)[3]', 'term 32', '35%%'")
    add_iterations(parser)
    parser.add_argument(
        "--mine", metavar="MINE", help="gradients of your own, .npz or .safetensors, to be held beside the true ones"
    )
    add_renamed(parser)
    return parser


def _version() -> str:
    from convstep import __version__

    return __version__


def _open(options: argparse.Namespace) -> int:
    # pydantic would look for plugins in every installed package's metadata.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    with _no_collections():
        from convstep.debugger.session import open_session
        from convstep.progress import Progress

        if options.renamed and not options.mine:
            raise ConvstepError("--as names an array of MINE: it goes with --mine MINE")
        with Progress(1) as progress:
            session = open_session(options.file, options.iterations, options.at, progress.show)
            if options.mine:
                session.mine = _mine(session, options.mine, options.renamed)
        if not _on_a_terminal():
            raise ConvstepError("the debugger needs a terminal; the other commands do without (convstep --help)")
        from convstep.tui.app import run
        from convstep.tui.settings import read_settings

        settings = read_settings()
    run(session, settings)
    return 0


def _on_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()


def _mine(session: Session, file: str, renamed: list[str]) -> Mine:
    """The gradients of a file, compared with the session's. Raises ConvstepError for what cannot be compared."""
    from convstep.debugger.mine import read_mine
    from convstep.network.words import printable

    given = read_gradients(Path(file))
    try:
        return read_mine(session.recording.beside(), Path(file).name, given, read_renamed(renamed))
    except ConvstepError as error:
        raise ConvstepError(f"{printable(file)}: {error}") from error


@contextmanager
def _no_collections() -> Iterator[None]:
    """What a start makes, stays: looking through it for garbage costs time now, and a pause at a key later."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
