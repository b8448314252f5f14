"""Gradients that someone's own code computed: the file, its options, and what is in it."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from convstep.errors import ConvstepError

if TYPE_CHECKING:
    from convstep.debugger.session import Session
    from convstep.explain.difference import Given


def add_renamed(parser: argparse.ArgumentParser) -> None:
    """The option that says whose gradient an array is."""
    parser.add_argument(
        "--as",
        dest="renamed",
        action="append",
        default=[],
        metavar="dW=o1.weight",
        help="the array dW of MINE is the gradient of o1.weight (may be repeated)",
    )


def read_renamed(pairs: list[str]) -> dict[str, str]:
    """The names given by --as. Raises ConvstepError for what is no pair."""
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
    from convstep.explain.difference import Given
    from convstep.network.arrays.array_files import find_arrays, read_arrays
    from convstep.network.arrays.stored_arrays import FileError
    from convstep.network.words import printable

    try:
        path.stat()
        stored = find_arrays(path)
        arrays = read_arrays(stored, path.name)
    except FileNotFoundError:
        what = "there is no such file; gradients are arrays in an .npz or .safetensors file"
        raise ConvstepError(printable(f"{path}:1:1: {what}")) from None
    except OSError as error:
        raise ConvstepError(printable(f"{path}:1:1: cannot be read ({error.strerror})")) from error
    except FileError as error:
        raise ConvstepError(printable(f"{path}:1:1: {error}")) from error
    return {name: Given.of(array, stored[name].kept_as) for name, array in arrays.items()}


def set_beside(session: Session, file: str, renamed: list[str]) -> None:
    """--mine: the gradients of a file beside the session's. Raises ConvstepError for what cannot be compared."""
    from convstep.debugger.claims.mine import read_mine

    path = Path(file)
    given = read_gradients(path)
    try:
        session.mine = read_mine(session.trial.original.beside(), path.name, given, read_renamed(renamed))
    except ConvstepError as error:
        raise ConvstepError(f"{path}:1:1: {error}") from error


def opening(file: str, where: str, mine: str, renamed: list[str], iterations: int | None = None) -> str:
    """The command that opens a place with one's own gradients beside the true ones.

    `iterations` stands there where the file itself has fewer.
    """
    longer = f" --iterations {iterations}" if iterations else ""
    names = "".join(f" --as {shlex.quote(pair)}" for pair in renamed)
    return f"convstep {shlex.quote(file)}{longer} --at {shlex.quote(where)} --mine {shlex.quote(mine)}{names}"
