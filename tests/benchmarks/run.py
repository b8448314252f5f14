"""How long an iteration takes, forward, backward and update, measured against torch on the same network.

    python tests/benchmarks/run.py [FILE …] [--threads K]

Iterations of the one and of the other take turns in one process; both must come to the same losses. The input
requires a gradient in torch, too. Without a FILE: the digits net, LeNet with batches of 1 and 32, ResNet-18 and a
MobileNet-like net.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

SAMPLES = Path(__file__).parents[2] / "sample_nets"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="The engine's speed against torch's.")
    parser.add_argument("files", nargs="*", help="network files (default: the five nets of the README)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="for both")
    parser.add_argument("--seconds", type=float, default=6.0, help="about how long each net is measured")
    options = parser.parse_args()
    # OpenBLAS reads these when numpy is loaded.
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)
    os.environ["OPENBLAS_NUM_THREADS"] = str(options.threads)
    print(f"{options.threads} threads, ms an iteration")
    print(f"{'':16}{'convstep':>10}{'torch':>10}{'ratio':>8}{'p10':>7}{'p90':>7}")
    for name, source in _nets(options.files).items():
        _compare(name, source, options.threads, options.seconds)


def _nets(files: list[str]) -> dict[str, Any]:
    if files:
        return {Path(file).stem: file for file in files}
    from nets import lenet, mobilenet

    return {
        "digits": str(SAMPLES / "digits.yaml"),
        "LeNet, 1": lenet(1),
        "LeNet, 32": lenet(32),
        "ResNet-18": str(SAMPLES / "resnet18.yaml"),
        "MobileNet-like": mobilenet(),
    }


def _compare(name: str, source: Any, threads: int, seconds: float) -> None:
    import torch
    from torch_net import TorchNet

    from convstep.debugger.keeping.snapshot import open_graph
    from convstep.engine.recording import Recording

    torch.set_num_threads(threads)
    graph = open_graph(source, 10**6)
    recording, reference = Recording(graph, kept_bytes=0), TorchNet(graph)
    pairs: list[tuple[float, float]] = []
    start = time.perf_counter()
    for k in range(10**6):
        ours, theirs = _timed(lambda k=k: recording.iteration(k)), _timed(lambda k=k: reference.step(k))
        # Training that has run away says nothing; the first losses tell whether the two compute the same.
        if k < 2:
            ours_loss, theirs_loss = recording.losses[k], reference.loss
            assert abs(ours_loss - theirs_loss) <= 1e-3 * abs(theirs_loss) + 1e-6, (name, ours_loss, theirs_loss)
        else:
            pairs.append((ours, theirs))
        if time.perf_counter() - start > seconds and len(pairs) >= 9:
            break
    ratios = sorted(x / y for x, y in pairs)
    times = [1000 * median(pair[i] for pair in pairs) for i in (0, 1)]
    low, high = ratios[len(ratios) // 10], ratios[-1 - len(ratios) // 10]
    print(f"{name:16}{times[0]:10.3f}{times[1]:10.3f}{median(ratios):8.2f}{low:7.2f}{high:7.2f}", flush=True)


def _timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
