"""convstep, a step-through debugger for neural networks in the terminal: the Python API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from convstep.errors import ConvstepError

if TYPE_CHECKING:
    from convstep.engine.results import Results
    from convstep.engine.timeline import Level, Order

__all__ = ["ConvstepError", "run", "trace"]
__version__ = "0.1.0"

Source = str | PathLike[str] | Mapping[str, Any]


def run(source: Source, iterations: int | None = None) -> Results:
    """Run a network: a file, a snapshot, or the file's structure as a dict in which tensors may be arrays.

    Returns `values`, `grads`, `params`, `buffers`, `optim` (mappings from name to array) and `losses`.
    Raises ConvstepError for bad input.
    """
    from convstep.debugger.keeping.snapshot import open_graph
    from convstep.engine.recording import Recording
    from convstep.engine.results import run_all

    return run_all(Recording(open_graph(source, iterations), kept_bytes=0))


def trace(
    source: Source, level: Level = "op", order: Order = "gather", start: int = 0, stop: int | None = None
) -> Iterator[dict[str, Any]]:
    """The steps of a network from position `start` up to, not including, `stop`, as dicts.

    Raises ConvstepError for bad input, a negative position, an unknown level or order.
    """
    from convstep.debugger.keeping.snapshot import open_graph
    from convstep.engine.recording import Recording
    from convstep.engine.timeline import LEVELS, ORDERS
    from convstep.engine.trace import line, states

    for what, given, known in (("level", level, LEVELS), ("order", order, ORDERS)):
        if given not in known:
            raise ConvstepError(f"{what} is one of {', '.join(known)}, not {given!r}")
    recording = Recording(open_graph(source))
    return (line(position, state) for position, state in states(recording, level, order, start, stop))
