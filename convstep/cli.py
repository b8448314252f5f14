"""The command line (contract §2)."""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from convstep.commands import BAD_INPUT, COMMANDS, add_iterations, say
from convstep.commands.mine import add_renamed
from convstep.errors import ConvstepError

_NO_ROOM = (errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT)


class _Parser(argparse.ArgumentParser):
    """Usage errors are one line, too."""

    def error(self, message: str) -> NoReturn:
        say(f"{self.prog}: {message}; {self.prog} --help shows how")
        raise SystemExit(BAD_INPUT)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 fine, 1 a check failed, 2 bad input or usage."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    # Idle threads of OpenBLAS sleep after 2^18 cycles, and not 2^26: they would take a processor from the start.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "18")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without × and Σ shows ?
    try:
        status = _command(given)
        sys.stdout.flush()
    except ConvstepError as error:
        say(str(error))
        status = BAD_INPUT
    except MemoryError:
        say("there is not enough memory for this; a smaller network or batch needs less")
        status = BAD_INPUT
    except BrokenPipeError:
        # The reader has seen enough (`convstep trace … | head`).
        _discard_output()
        status = 0
    except KeyboardInterrupt:
        say("convstep: stopped by ctrl+c")
        status = 130
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            _discard_output()
            say(f"the output cannot be written: {error.strerror}")
            raise SystemExit(BAD_INPUT) from None
        from convstep.debugger.keeping import crash

        say(crash.line(error, crash.report(error)))
        status = BAD_INPUT
    raise SystemExit(status)


def _discard_output() -> None:
    """What is still to be written goes nowhere: the interpreter would try once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _command(given: list[str]) -> int:
    if not given or given[0] not in COMMANDS:
        options = _debugger_parser().parse_args(given)
        from convstep.commands.open import run

        return run(options)
    name = given[0]
    command = import_module(f"convstep.commands.{name}")
    about = (command.__doc__ or "").partition(": ")[2]
    parser = _Parser(prog=f"convstep {name}", description=about[:1].upper() + about[1:])
    command.add_arguments(parser)
    options = parser.parse_args(given[1:], argparse.Namespace(notes=[]))
    status: int = command.run(options)
    sys.stdout.flush()
    for note in options.notes:
        say(f"convstep: {note}")
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
