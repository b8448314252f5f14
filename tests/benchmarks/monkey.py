"""Thousands of random keys, clicks and resizes on every sample net.

    python tests/benchmarks/monkey.py [--acts 10000] [--every 50] [--seed 0] [FILE …]

The first thing that breaks ends the run, with the acts that led there.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from monkey import run_monkey

_NETS = Path(__file__).parents[2] / "sample_nets"


def main() -> None:
    """Let the monkey loose on one network after the other."""
    parser = argparse.ArgumentParser(description="Random keys, clicks and resizes.")
    parser.add_argument("files", nargs="*", type=Path, help="network files; all sample nets where none is named")
    parser.add_argument("--acts", type=int, default=10_000, help="on each network")
    parser.add_argument("--every", type=int, default=50, help="acts between whole checks")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    files = [path.resolve() for path in options.files] or sorted(_NETS.rglob("*.yaml"))
    for file in files:
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            done = asyncio.run(run_monkey(str(file), options.seed, options.acts, options.every))
            os.chdir("/")
        print(f"{file.stem:28} {len(done):7,} acts, {time.monotonic() - start:7.1f} s", flush=True)


if __name__ == "__main__":
    main()
