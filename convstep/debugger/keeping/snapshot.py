"""Snapshots: one file that holds everything needed to go on elsewhere, and nothing but data."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from operator import index
from pathlib import Path
from typing import Any

from convstep.debugger.keeping.container import ContainerError, pack, size_of_arrays, unpack
from convstep.debugger.keeping.saving import write_whole
from convstep.debugger.whatif.trial import edited_graph
from convstep.engine.recording import TrainingState
from convstep.engine.timeline import LEVELS, ORDERS, Level, Order
from convstep.errors import ConvstepError
from convstep.network import load
from convstep.network.arrays.files import size_of
from convstep.network.graph import Graph
from convstep.network.load import source_of
from convstep.network.words import printable, show

FORMAT = 1
SUFFIX = ".convstep"
_KIND = "convstep snapshot"

Source = str | os.PathLike[str] | Mapping[str, Any]


@dataclass(frozen=True)
class Snapshot:
    """Where a session stood. `state` is what iteration `iteration` starts from; `look` belongs to the screen.

    `extras` are what the person set up, by name, as plain data.
    """

    graph: Graph
    level: Level
    order: Order
    position: int
    iteration: int
    state: TrainingState
    losses: Mapping[int, float] = field(default_factory=dict)
    history: tuple[tuple[Level, Order, int], ...] = ()
    future: tuple[tuple[Level, Order, int], ...] = ()
    look: Mapping[str, Any] = field(default_factory=dict)
    extras: Mapping[str, Any] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """How much its numbers take, those aside that are drawn from their seed."""
        return size_of_arrays(self.graph.recipe) + (self.state.nbytes if self.iteration else 0)

    def moved(self, spot: Any, history: Any, future: Any, look: Any, extras: Any) -> Snapshot:
        """The same network and numbers, for another spot (level, order, position) and what else a session keeps."""
        level, order, position = spot
        before, after = (tuple((a, b, c) for a, b, c in places) for places in (history, future))
        here = replace(self, level=level, order=order, position=position, history=before, future=after)
        return replace(here, look=look, extras=extras)


def open_graph(source: Source, iterations: int | None = None, numbers: bool = True) -> Graph:
    """The network of a file, a snapshot or a dict; `iterations` replaces the file's, `numbers` is that of `load`.

    A snapshot's has the what-if edits that are in force there, as on the screen.
    """
    return open_edited(source, iterations, numbers)[0]


def open_edited(source: Source, iterations: int | None = None, numbers: bool = True) -> tuple[Graph, str]:
    """The same, and the list of the edits in words, "" where there are none."""
    snapshot = read_if_snapshot(source)
    graph, edits = (_loaded(source, numbers), "") if snapshot is None else edited_graph(snapshot.graph, snapshot.extras)
    return graph if iterations is None else with_iterations(graph, iterations), edits


def open_unedited(source: Source) -> tuple[Graph, bool]:
    """The network without what-if edits, and whether there are some."""
    snapshot = read_if_snapshot(source)
    return (_loaded(source), False) if snapshot is None else (snapshot.graph, bool(snapshot.extras.get("edits")))


def _loaded(source: Source, numbers: bool = True) -> Graph:
    """The network of a file, whose claims can be read. Raises ConvstepError."""
    graph = load(source, numbers)
    if graph.claims:
        from convstep.explain.claims.reading import unreadable

        if (found := unreadable(graph)) is not None:
            number, why = found
            raise ConvstepError(f"{source_of(source).place(('claims', number, 'is'))}{why}")
    return graph


def with_iterations(graph: Graph, iterations: int) -> Graph:
    """The same network, run so many times."""
    count = index(iterations) if hasattr(iterations, "__index__") and not isinstance(iterations, bool) else 0
    if count < 1:
        raise ConvstepError(f"iterations is a whole number of 1 or more, not {iterations!r}")
    return replace(graph, iterations=count, written={**graph.written, "iterations": count})


def read_if_snapshot(source: Source) -> Snapshot | None:
    """The snapshot in a file; None where the source is something else."""
    if not isinstance(source, (str, os.PathLike)):
        return None
    path = Path(source)
    try:
        size_of(path)
        with path.open("rb") as file:
            is_zip = file.read(4) == b"PK\x03\x04"
    except (OSError, ValueError):
        return None  # the loader of network files says what is wrong
    if not is_zip and path.suffix == SUFFIX:
        raise _unreadable(path, "this is no convstep snapshot, or its beginning is lost")
    return read(path) if is_zip else None


def _error(path: str | os.PathLike[str], message: str) -> ConvstepError:
    return ConvstepError(printable(f"{os.fspath(path)}: {message}"))


def _unreadable(path: str | os.PathLike[str], message: str) -> ConvstepError:
    """Bad input is said with line and column; a snapshot is wrong from its beginning."""
    return _error(f"{os.fspath(path)}:1:1", message)


# -- writing ------------------------------------------------------------------------------------------


def write(path: str | os.PathLike[str], snapshot: Snapshot) -> None:
    """Write a snapshot there, whole or not at all. Raises ConvstepError where that is impossible."""
    try:
        write_whole(Path(path), encode(snapshot))
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise _error(path, f"cannot save here: {why}; choose another name or directory") from error


def encode(snapshot: Snapshot, sparing: bool = False) -> bytes:
    """The bytes of a snapshot file; a `sparing` one is without the numbers that are drawn from their seed again."""
    state = snapshot.state
    return pack(
        {
            "kind": _KIND,
            "format": FORMAT,
            "level": snapshot.level,
            "order": snapshot.order,
            "position": snapshot.position,
            "iteration": snapshot.iteration,
            "history": [list(entry) for entry in snapshot.history],
            "future": [list(entry) for entry in snapshot.future],
            "look": snapshot.look,
            "extras": snapshot.extras,
            "losses": {str(k): v for k, v in snapshot.losses.items()},
            "network": snapshot.graph.recipe if sparing else snapshot.graph.document,
            "state": None
            if sparing and not snapshot.iteration
            else {"parameters": state.parameters, "buffers": state.buffers, "optimizer": state.optimizer},
        }
    )


# -- reading ------------------------------------------------------------------------------------------


def read(path: str | os.PathLike[str]) -> Snapshot:
    """The snapshot in a file. Raises ConvstepError where it is damaged, foreign or of a newer format."""
    try:
        meta = unpack(Path(path))
        if meta.get("kind") != _KIND:
            raise ContainerError("this zip file is no convstep snapshot")
        if meta.get("format") != FORMAT:
            found = show(meta.get("format"))
            raise ContainerError(f"this snapshot has format {found}, and this convstep reads format {FORMAT}")
        return _snapshot(meta)
    except ContainerError as error:
        raise _unreadable(path, str(error)) from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unreadable(path, "this snapshot does not hold what it should: take an older copy") from error
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror}") from error


def _snapshot(meta: dict[str, Any]) -> Snapshot:
    """The snapshot that the data is. Raises ContainerError, ValueError, KeyError … where it is none."""
    try:
        graph = load(meta["network"])
    except ConvstepError as error:
        raise ContainerError(f"its network: {error}") from error
    if type(meta["iteration"]) is not int or meta["iteration"] not in range(graph.iterations):
        raise ValueError("iteration")
    here, *history = [_spot(*entry) for entry in ((meta["level"], meta["order"], meta["position"]), *meta["history"])]
    return Snapshot(
        graph,
        *here,
        meta["iteration"],
        _state(meta["state"], graph),
        {int(k): float(v) for k, v in meta["losses"].items()},
        tuple(history),
        tuple(_spot(*entry) for entry in meta.get("future", [])),
        look=_mapping(meta["look"]),
        extras=_mapping(meta.get("extras", {})),
    )


def check_places(*places: Any) -> None:
    """Raises ValueError or TypeError where one is no (level, order, position)."""
    for place in places:
        _spot(*place)


def _spot(level: Any, order: Any, position: Any) -> tuple[Level, Order, int]:
    if level not in LEVELS or order not in ORDERS or type(position) is not int:
        raise ValueError("position")
    return level, order, position


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("mapping")
    return value


def _state(given: dict[str, dict[str, Any]] | None, graph: Graph) -> TrainingState:
    """What an iteration starts from, if it goes with the network."""
    if given is None:
        return TrainingState(graph.parameters, graph.buffers)
    state = TrainingState(given["parameters"], given["buffers"], given["optimizer"])
    pairs = [(state.parameters, graph.parameters), (state.buffers, graph.buffers)]
    pairs += [(kept, dict.fromkeys(kept, graph.parameters[name])) for name, kept in state.optimizer.items()]
    for ours, theirs in pairs:
        if {k: (a.shape, a.dtype) for k, a in ours.items()} != {k: (a.shape, a.dtype) for k, a in theirs.items()}:
            raise ValueError("state")
    names = set() if graph.optimizer is None else set(graph.optimizer.state_names)
    if any(set(kept) not in (set(), names) for kept in state.optimizer.values()):
        raise ValueError("optimizer")
    return state
