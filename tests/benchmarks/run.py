"""How long an iteration takes, forward, backward and update, measured against torch on the same network.

    python tests/benchmarks/run.py [FILE] [--threads K]

Rounds of the one and of the other take turns in one process; both must come to the same losses. A FILE's layers must
form one chain of torch.nn classes.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

_DIGITS = str(Path(__file__).parents[2] / "sample_nets" / "digits.yaml")

# Wider than a person would step through: here the matrix products count, not the steps around them.
_WIDE = {
    "seed": 1,
    "inputs": {
        "x": {"init": "normal", "shape": [64, 3, 32, 32]},
        "y": {"value": [k % 10 for k in range(64)], "dtype": "int64"},
    },
    "layers": [
        {"name": "conv1", "op": "Conv2d", "out_channels": 16, "kernel_size": 3, "padding": 1},
        {"name": "relu1", "op": "ReLU"},
        {"name": "pool1", "op": "MaxPool2d", "kernel_size": 2},
        {"name": "conv2", "op": "Conv2d", "out_channels": 32, "kernel_size": 3},
        {"name": "tanh2", "op": "Tanh"},
        {"name": "flat", "op": "Flatten"},
        {"name": "fc", "op": "Linear", "out_features": 10},
    ],
    "loss": {"op": "CrossEntropyLoss", "inputs": ["fc", "y"]},
    "optimizer": {"op": "SGD", "lr": 0.01, "momentum": 0.9},
    "batch_size": 16,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="The engine's speed against torch's.")
    parser.add_argument("file", nargs="?", help="a network file (default: digits, and a wider net)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="for both")
    parser.add_argument("--iterations", type=int, default=20, help="iterations a round")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    # OpenBLAS reads these when numpy is loaded.
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)
    os.environ["OPENBLAS_NUM_THREADS"] = str(options.threads)
    nets = {options.file: options.file} if options.file else {"digits": _DIGITS, "wide": _WIDE}
    print(f"{options.threads} threads{'convstep':>18}{'torch':>9}{'ratio':>8}{'min':>7}{'max':>7}   (ms an iteration)")
    for name, source in nets.items():
        _compare(name, source, options)


def _compare(name: str, source: Any, options: argparse.Namespace) -> None:
    from convstep.debugger.snapshot import open_graph
    from convstep.engine.recording import Recording
    from convstep.engine.results import run_all

    graph = open_graph(source, options.iterations)

    def ours() -> list[float]:
        return [float(loss) for loss in run_all(Recording(graph)).losses]

    torch_run = _torch(graph, options.threads)
    a, b = ours(), torch_run()
    assert max(abs(p - q) for p, q in zip(a, b, strict=True)) < 1e-9, "the two do not compute the same"
    pairs = [(_timed(ours), _timed(torch_run)) for _ in range(options.rounds)]
    times = [1000 * median(pair[i] for pair in pairs) / options.iterations for i in (0, 1)]
    ratios = [x / y for x, y in pairs]
    print(f"{name:18}{times[0]:9.3f}{times[1]:9.3f}{median(ratios):8.2f}{min(ratios):7.2f}{max(ratios):7.2f}")


def _torch(graph: Any, threads: int) -> Callable[[], list[float]]:
    """The same training in torch, from the same parameters."""
    import torch

    torch.set_num_threads(threads)
    batches = [[torch.from_numpy(array.copy()) for array in graph.batch(k).values()] for k in range(graph.iterations)]

    def run() -> list[float]:
        modules = [getattr(torch.nn, node.op_name)(**node.op.model_dump()).to(torch.float64) for node in graph.layers]
        with torch.no_grad():
            for node, module in zip(graph.layers, modules, strict=True):
                for own, stored in node.parameters.items():
                    getattr(module, own).copy_(torch.from_numpy(graph.parameters[stored]))
        net = torch.nn.Sequential(*modules)
        criterion = getattr(torch.nn, graph.loss.op_name)(**graph.loss.op.model_dump())
        kind = getattr(torch.optim, type(graph.optimizer).__name__)
        optimizer = kind(net.parameters(), **graph.optimizer.model_dump())
        losses = []
        for inputs, targets in batches:
            optimizer.zero_grad()
            loss = criterion(net(inputs), targets)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    return run


def _timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
