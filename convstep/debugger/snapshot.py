"""Snapshots: one file that holds everything needed to go on elsewhere, and nothing but data.

A snapshot is a zip file whose entries are stored, not compressed: `snapshot.json` (position, view, the network
with a number in place of each array), one `.npy` per array, and `checksum`, the SHA-256 of all that. No pickle.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from operator import index
from pathlib import Path
from typing import Any, cast

import numpy as np

from convstep.engine.recording import TrainingState
from convstep.engine.timeline import LEVELS, ORDERS, Level, Order
from convstep.errors import ConvstepError
from convstep.network import load
from convstep.network.graph import Graph
from convstep.network.words import printable
from convstep.ops.base import Array

FORMAT = 1
SUFFIX = ".convstep"
_META, _CHECKSUM, _KIND = "snapshot.json", "checksum", "convstep snapshot"
_ARRAY = "$array"

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
    look: Mapping[str, Any] = field(default_factory=dict)
    extras: Mapping[str, Any] = field(default_factory=dict)


def open_graph(source: Source, iterations: int | None = None, numbers: bool = True) -> Graph:
    """The network of a file, a snapshot or a dict; `iterations` replaces the file's, `numbers` is that of `load`."""
    snapshot = read_if_snapshot(source)
    graph = load(source, numbers) if snapshot is None else snapshot.graph
    return graph if iterations is None else with_iterations(graph, iterations)


def with_iterations(graph: Graph, iterations: int) -> Graph:
    """The same network, run so many times."""
    count = index(iterations) if hasattr(iterations, "__index__") and not isinstance(iterations, bool) else 0
    if count < 1:
        raise ConvstepError(f"iterations is a whole number of 1 or more, not {iterations!r}")
    return replace(graph, iterations=count, document={**graph.document, "iterations": count})


def read_if_snapshot(source: Source) -> Snapshot | None:
    """The snapshot in a file; None where the source is something else."""
    if not isinstance(source, (str, os.PathLike)):
        return None
    path = Path(source)
    try:
        with path.open("rb") as file:
            is_zip = file.read(4) == b"PK\x03\x04"
    except (OSError, ValueError):
        return None  # the loader of network files says what is wrong
    if not is_zip and path.suffix == SUFFIX:
        raise ConvstepError(f"{source}: this is no convstep snapshot, or its beginning is lost")
    return read(path) if is_zip else None


# -- writing ------------------------------------------------------------------------------------------


def write(path: str | os.PathLike[str], snapshot: Snapshot) -> None:
    """Write a snapshot beside `path` and move it into place. Raises ConvstepError where that is impossible."""
    path = Path(path)
    data = encode(snapshot)
    try:
        handle, beside = tempfile.mkstemp(prefix=".convstep-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(beside, 0o666 & ~_umask())
            os.replace(beside, path)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise ConvstepError(f"{printable(str(path))}: cannot save here: {why}") from error


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def encode(snapshot: Snapshot) -> bytes:
    """The bytes of a snapshot file."""
    arrays: list[Array] = []
    meta = {
        "kind": _KIND,
        "format": FORMAT,
        "level": snapshot.level,
        "order": snapshot.order,
        "position": snapshot.position,
        "iteration": snapshot.iteration,
        "history": [list(entry) for entry in snapshot.history],
        "look": snapshot.look,
        "extras": snapshot.extras,
        "losses": {str(k): v for k, v in snapshot.losses.items()},
        "network": snapshot.graph.document,
        "state": {
            "parameters": snapshot.state.parameters,
            "buffers": snapshot.state.buffers,
            "optimizer": snapshot.state.optimizer,
        },
    }
    entries = {_META: json.dumps(_without_arrays(meta, arrays), ensure_ascii=False).encode()}
    for k, array in enumerate(arrays):
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        entries[f"{k}.npy"] = buffer.getvalue()
    entries[_CHECKSUM] = _checksum(entries).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return file.getvalue()


def _checksum(entries: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name in sorted(entries):
        digest.update(f"{name}\0{len(entries[name])}\0".encode())
        digest.update(entries[name])
    return digest.hexdigest()


def _without_arrays(value: Any, arrays: list[Array]) -> Any:
    """Plain data with `{"$array": k}` where array k stood."""
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {_ARRAY: len(arrays) - 1}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {str(key): _without_arrays(item, arrays) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_arrays(item, arrays) for item in value]
    return value


# -- reading ------------------------------------------------------------------------------------------


def read(path: str | os.PathLike[str]) -> Snapshot:
    """The snapshot in a file. Raises ConvstepError where it is damaged, foreign or of a newer format."""
    try:
        return _decode(str(path), _entries(path))
    except OSError as error:
        raise ConvstepError(f"{path}: cannot be read: {error.strerror}") from error


def _entries(path: str | os.PathLike[str]) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            if _META not in archive.namelist():
                raise ConvstepError(f"{path}: this zip file is no convstep snapshot and no network file")
            if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
                raise ConvstepError(f"{path}: this snapshot was packed anew; save it from convstep again")
            return {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise ConvstepError(f"{path}: this snapshot is damaged or cut short: take an older copy") from error


def _decode(path: str, entries: dict[str, bytes]) -> Snapshot:
    checksum = entries.pop(_CHECKSUM, b"").decode("ascii", "replace")
    if checksum != _checksum(entries):
        raise ConvstepError(f"{path}: this snapshot is damaged (its checksum is wrong): take an older copy")
    try:
        meta = json.loads(entries[_META])
        if meta.get("kind") != _KIND:
            raise ConvstepError(f"{path}: this zip file is no convstep snapshot")
        if meta.get("format") != FORMAT:
            raise ConvstepError(
                f"{path}: this snapshot has format {meta.get('format')}, this convstep reads format {FORMAT}"
            )
        return _snapshot(cast(dict[str, Any], _with_arrays(meta, entries)))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConvstepError(f"{path}: this snapshot does not hold what it should: take an older copy") from error


def _with_arrays(value: Any, entries: Mapping[str, bytes]) -> Any:
    if isinstance(value, dict):
        if set(value) == {_ARRAY}:
            return np.load(io.BytesIO(entries[f"{int(value[_ARRAY])}.npy"]), allow_pickle=False)
        return {key: _with_arrays(item, entries) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_arrays(item, entries) for item in value]
    return value


def _snapshot(meta: dict[str, Any]) -> Snapshot:
    if meta["level"] not in LEVELS or meta["order"] not in ORDERS or not isinstance(meta["position"], int):
        raise ValueError("position")
    try:
        graph = load(meta["network"])
    except ConvstepError as error:
        raise ValueError("network") from error
    state = TrainingState(**{key: meta["state"][key] for key in ("parameters", "buffers", "optimizer")})
    if {k: a.shape for k, a in state.parameters.items()} != {k: a.shape for k, a in graph.parameters.items()}:
        raise ValueError("parameters")
    if meta["iteration"] not in range(graph.iterations):
        raise ValueError("iteration")
    return Snapshot(
        graph=graph,
        level=meta["level"],
        order=meta["order"],
        position=meta["position"],
        iteration=meta["iteration"],
        state=state,
        losses={int(k): float(v) for k, v in meta["losses"].items()},
        history=tuple((level, order, int(position)) for level, order, position in meta["history"]),
        look=meta["look"],
        extras=meta.get("extras", {}),
    )
