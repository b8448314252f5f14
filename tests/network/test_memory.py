"""Memory: what there is, what a network needs, and that nothing is made before the two were compared."""

from __future__ import annotations

import resource
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convstep import memory
from convstep.engine.info import describe
from convstep.engine.recording import Recording
from convstep.errors import ConvstepError
from convstep.network import build, load
from convstep.network.blank import is_blank
from convstep.network.footprint import iteration_bytes, peak_bytes

LARGE = """
inputs: {x: {init: normal, shape: [1, 1000]}}
layers:
  - {name: a, op: Linear, out_features: 1000000000}
  - {name: b, op: ReLU}
"""


def system(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        path = tmp_path / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


MEMINFO = "MemTotal: 8000 kB\nMemFree: 10 kB\nMemAvailable: 4000 kB\n"


def test_the_machine(tmp_path: Path) -> None:
    assert memory.available(system(tmp_path, proc__meminfo=MEMINFO)) == 4000 * 1024


def test_a_container_of_version_2_and_those_around_it(tmp_path: Path) -> None:
    root = system(tmp_path, proc__meminfo=MEMINFO, proc__self__cgroup="0::/outer/inner\n")
    for group, most, used in (("outer", 3_000_000, 1_000_000), ("outer/inner", 2_500_000, 1_000_000)):
        where = root / "sys/fs/cgroup" / group
        where.mkdir(parents=True)
        (where / "memory.max").write_text(f"{most}\n")
        (where / "memory.current").write_text(f"{used}\n")
    assert memory.available(root) == 1_500_000
    (root / "sys/fs/cgroup/outer/inner/memory.stat").write_text("anon 5\ninactive_file 200000\n")
    assert memory.available(root) == 1_700_000
    (root / "sys/fs/cgroup/outer/inner/memory.max").write_text("max\n")
    assert memory.available(root) == 2_000_000


def test_a_container_of_version_1(tmp_path: Path) -> None:
    root = system(tmp_path, proc__meminfo=MEMINFO, proc__self__cgroup="3:cpu:/\n4:memory:/box\n")
    where = root / "sys/fs/cgroup/memory/box"
    where.mkdir(parents=True)
    (where / "memory.limit_in_bytes").write_text("900000\n")
    (where / "memory.usage_in_bytes").write_text("1000000\n")
    assert memory.available(root) == 0


def test_this_processes_own_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = system(tmp_path, proc__meminfo=MEMINFO, proc__self__statm="100 0 0 0 0 50 0\n")
    page = resource.getpagesize()
    limits = {resource.RLIMIT_AS: 400 * page, resource.RLIMIT_DATA: resource.RLIM_INFINITY}
    monkeypatch.setattr(resource, "getrlimit", lambda which: (limits[which], limits[which]))
    assert memory.available(root) == 300 * page


def test_a_system_that_tells_nothing(tmp_path: Path) -> None:
    assert memory.available(tmp_path) is None


@pytest.mark.parametrize(
    ("count", "words"), [(12, "12 bytes"), (3584, "3.5 KiB"), (2**31, "2.0 GiB"), (2**52, "4,096.0 TiB")]
)
def test_in_words(count: int, words: str) -> None:
    assert memory.in_words(count) == words


def test_too_large_is_told_before_anything_is_made(write: Callable[..., str]) -> None:
    load(write("inputs: {x: 1}\nlayers: [{name: r, op: ReLU}]\n"))
    name = write(LARGE)
    tracemalloc.start()
    with pytest.raises(ConvstepError) as caught:
        load(name)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(caught.value).startswith(f"{name}:4:5: the network needs 7.3 TiB of memory, and ")
    assert str(caught.value).endswith("free; 'a.weight' takes the most of it: make it smaller")
    assert peak < 20_000_000


def test_shapes_alone_tell_what_it_would_take(write: Callable[..., str]) -> None:
    graph = load(write(LARGE), numbers=False)
    weight = 10**12 * 8
    assert graph.owned["a.weight"].shape == (10**9, 1000)
    assert describe(graph)["bytes"] == iteration_bytes(graph) == 8000 + weight + 3 * 8 * 10**9
    assert describe(graph)["steps"]["term"] == 10**9 * 1001 + 10**9


@pytest.mark.parametrize("room", [10**6, 10**4])
def test_it_is_compared_with_what_there_is(
    write: Callable[..., str], room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = write("inputs: {x: {value: 1, shape: [100, 100]}}\nlayers: [{name: r, op: ReLU}]\n")
    monkeypatch.setattr(build, "available", lambda: room)
    if room == 10**6:
        assert load(name).data["x"].nbytes == 80_000
        return
    with pytest.raises(ConvstepError, match=r"1:10: the network needs 234.4 KiB of memory, and 9.8 KiB are free"):
        load(name)
    monkeypatch.setattr(build, "available", lambda: None)
    load(name)


def test_large_numbers_are_the_same_as_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left blank at first is made afterwards, whatever it comes from."""
    source = {
        "inputs": {"x": {"init": "normal", "shape": [2, 30]}, "t": {"value": 2, "shape": [2, 4], "dtype": "int64"}},
        "layers": [
            {"name": "a", "op": "Linear", "out_features": 20, "bias": {"value": 0.5}},
            {"name": "b", "op": "BatchNorm1d"},
            {"name": "c", "op": "Linear", "out_features": 20, "weight": {"value": 1}},
            {"name": "d", "op": "Linear", "out_features": 20, "weight": "c.weight"},
        ],
    }
    small = load(source)
    monkeypatch.setattr(build, "_MADE_AT_ONCE", 5)
    large = load(source)
    for name, array in {**small.parameters, **small.buffers, **small.data}.items():
        other = {**large.parameters, **large.buffers, **large.data}[name]
        assert other.dtype == array.dtype
        assert other.tobytes() == array.tobytes()
        assert not is_blank(other) or array.size == 1
    outline = load(source, numbers=False)
    assert is_blank(outline.parameters["c.weight"])
    assert peak_bytes(outline, []) == peak_bytes(small, [])


def test_arrays_of_a_file_are_compared_too(write: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    name = write("inputs: {x: {file: x.npz}}\nlayers: [{name: r, op: ReLU}]\n")
    np.savez("x.npz", x=np.ones(300_000), y=np.array(["text"]))
    write("inputs: {x: {file: x.npz, key: x}}\nlayers: [{name: r, op: ReLU}]\n")
    assert load(name).data["x"].sum() == 300_000
    monkeypatch.setattr("convstep.network.arrays.stored_arrays.available", lambda: 10_000)
    with pytest.raises(ConvstepError, match=r"1:20: 'x' in x.npz holds 2.3 MiB of numbers, but there are 9.8 KiB"):
        load(name)


def net(shape: list[int], *layers: dict[str, Any], **more: Any) -> dict[str, Any]:
    named = [{"name": f"l{k}", **layer} for k, layer in enumerate(layers)]
    start = {"gradient": {named[-1]["name"]: 1}}
    return {"inputs": {"x": {"init": "normal", "shape": shape}}, "layers": named, **start, **more}


PEAKS = {
    "a large kernel": net([1, 4, 48, 48], {"op": "Conv2d", "out_channels": 4, "kernel_size": 15, "padding": 7}),
    "a large padding": net([1, 2, 8, 8], {"op": "Conv2d", "out_channels": 2, "kernel_size": 3, "padding": 150}),
    "a large batch": net([32, 8, 24, 24], {"op": "Conv2d", "out_channels": 8, "kernel_size": 3, "padding": 1}),
    "many layers": net([1, 20000], *[{"op": "Tanh"}] * 40),
    "transposed": net([2, 16, 24, 24], {"op": "ConvTranspose2d", "out_channels": 8, "kernel_size": 4, "stride": 2}),
    "iterations": net(
        [4, 400], {"op": "Linear", "out_features": 400}, optimizer={"op": "Adam", "lr": 0.1}, iterations=4
    ),
    "a norm": net([8, 8, 48, 48], {"op": "BatchNorm2d"}),
    "an average": net([1, 4, 128, 128], {"op": "AvgPool2d", "kernel_size": 16, "stride": 1}),
}


@pytest.mark.parametrize("name", PEAKS)
def test_the_estimate_is_near_what_a_run_takes(name: str) -> None:
    graph = load(PEAKS[name])
    estimate = peak_bytes(graph, [])
    Recording(graph, kept_bytes=0).iteration(0)  # whatever is imported, is imported now
    tracemalloc.start()
    graph = load(PEAKS[name])
    Recording(graph, kept_bytes=0).last_alone()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.6 * estimate < peak < 1.5 * estimate


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (PEAKS["a large kernel"], "the network needs 16"),
        (
            net([1, 1, 60000], {"op": "ReplicationPad1d", "padding": 120000}),
            "a table of 300000 places needs",
        ),
    ],
)
def test_scratch_and_tables_count_before_they_are_made(
    source: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "available", lambda: 10**7)
    monkeypatch.setattr("convstep.ops.axes.limits.available", lambda: 10**7)
    with pytest.raises(ConvstepError) as caught:
        load(source)
    assert says in str(caught.value)
