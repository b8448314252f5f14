"""Whatever happens to a file or a dict, it is loaded or gets one line; never a traceback."""

from __future__ import annotations

import copy
import io
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mutations
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convstep.commands.mine import read_gradients
from convstep.debugger.keeping import snapshot
from convstep.debugger.opening import open_session
from convstep.debugger.session import Session
from convstep.errors import ConvstepError
from convstep.network import load
from convstep.network.yaml_source import YamlSource

SAMPLES = Path(__file__).parents[2] / "sample_nets"
NAMES = ("two_conv", "conv_pool_sigmoid", "digits")
CHARACTERS = "[]{}:,-#&*!|>'\"%@`\n\t 019aeiou.~\\<\x00é"
JUNK: list[Any] = [
    None, True, 0, -1, 3.5, float("nan"), "", "x", "o1", "o1.weight", [], [1], [[1, 2], [3]], {}, {"value": 1},
    {"init": "normal"}, {"init": "uniform", "a": 5}, {"file": "digits.npz"}, {"file": 3}, np.ones(3), np.array(3),
    np.array(["a"]), np.array([]), 2**62, -(2**63), 2**70, "Conv2d", "MSELoss", "a.b", (1, 2),
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_mutated_files(write: Callable[..., str], name: str) -> None:
    random_ = random.Random(name)
    text = (SAMPLES / f"{name}.yaml").read_text()
    shutil.copy(SAMPLES / "digits.npz", ".")
    for _ in range(150):
        mutant = text
        for _ in range(random_.randint(1, 3)):
            at, cut = random_.randrange(len(mutant)), random_.choice((0, 0, 1, 5))
            mutant = mutant[:at] + random_.choice(CHARACTERS) + mutant[at + cut :]
        try_to_load(write(mutant), "net.yaml:")


@pytest.mark.parametrize("name", NAMES)
def test_mutated_dicts(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SAMPLES)
    random_ = random.Random(name)
    document = YamlSource(f"{name}.yaml").document
    for _ in range(250):
        mutant = copy.deepcopy(document)
        holder, key = random_.choice(list(places(mutant)))
        if random_.random() < 0.2:
            del holder[key]
        else:
            holder[key] = random_.choice(JUNK)
        try_to_load(mutant, "")


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every value inside, as its holder and key."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


def try_to_load(source: Any, start: str) -> None:
    try:
        load(source)
    except ConvstepError as error:
        line = str(error)
        assert line.startswith(start)
        assert line.isprintable()
        assert len(line) < 500


# -- archives, weights, snapshots: whatever the seed, they open or get one line ------------------------------

MANY = settings(max_examples=120)
seeds = st.integers(0, 2**32)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The bytes of sound files, by their endings."""
    state = {name: np.asarray(array) for name, array in load(SAMPLES / "two_conv.yaml").parameters.items()}
    here = tmp_path_factory.mktemp("whole")
    np.savez(here / "a.npz", **state)  # type: ignore[arg-type]
    np.savez_compressed(here / "b.npz", **state)  # type: ignore[arg-type]
    np.save(here / "a.npy", state["o1.weight"])
    session = open_session(SAMPLES / "conv_pool_sigmoid.yaml", at="grad(conv.weight)")
    session.save(str(here / "a.convstep"))
    files = {path.name: path.read_bytes() for path in here.iterdir()}
    return {**files, "a.safetensors": safetensors(state)}


def safetensors(arrays: dict[str, Any]) -> bytes:
    import json

    header, data = {}, io.BytesIO()
    for name, array in arrays.items():
        start = data.tell()
        data.write(array.astype("<f8").tobytes())
        header[name] = {"dtype": "F64", "shape": list(array.shape), "data_offsets": [start, data.tell()]}
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data.getvalue()


@pytest.mark.parametrize("file", ["a.npz", "b.npz", "a.npy", "a.safetensors"])
def test_mutated_arrays(file: str, whole: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    here = tmp_path_factory.mktemp("spoilt")
    changes = mutations.SAFETENSORS if file.endswith("safetensors") else mutations.ARCHIVE
    text = (SAMPLES / "two_conv.yaml").read_text()
    (here / "weights.yaml").write_text(text + f"weights: {file}\n")
    (here / "data.yaml").write_text(
        f"inputs: {{x: {{file: {file}, key: o1.weight}}}}\nlayers: [{{name: r, op: ReLU}}]\n"
    )

    @MANY
    @given(seeds)
    def spoilt(seed: int) -> None:
        (here / file).write_bytes(mutations.spoil(whole[file], changes, random.Random(seed)))
        for net in ("weights.yaml", "data.yaml"):
            try_to_load(here / net, f"{here / net}:")
        try:
            read_gradients(here / file)
        except ConvstepError as error:
            line = str(error)
            assert line.startswith(f"{here / file}:1:1: ")
            assert line.isprintable()

    spoilt()


def test_mutated_snapshots(whole: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("spoilt") / "a.convstep"

    @MANY
    @given(seeds)
    def spoilt(seed: int) -> None:
        path.write_bytes(mutations.spoil(whole["a.convstep"], mutations.SNAPSHOT, random.Random(seed)))
        try:
            session: Session = open_session(str(path))
        except ConvstepError as error:
            line = str(error)
            assert line.startswith(f"{path}:1:1: ")
            assert line.isprintable()
            return
        session.view()
        session.next()
        session.back()
        snapshot.open_graph(str(path))

    spoilt()
