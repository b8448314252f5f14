"""The debugger, with a record of what its event loop did: `watched.py RECORD FILE …`.

RECORD grows by a line for whatever kept the loop for a millisecond or more: when it ended, and how long it took,
in seconds of `time.perf_counter`.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

_LEAST = 0.001


def _watch(record: Path) -> None:
    file = record.open("w", buffering=1, encoding="ascii")
    run = asyncio.Handle._run  # type: ignore[attr-defined]

    def watched(handle: asyncio.Handle) -> None:
        start, busy = time.perf_counter(), time.thread_time()
        run(handle)
        end = time.perf_counter()
        if end - start >= _LEAST:
            file.write(f"{end} {end - start} {time.thread_time() - busy}\n")

    asyncio.Handle._run = watched  # type: ignore[attr-defined]


if __name__ == "__main__":
    from convstep.cli import main

    _watch(Path(sys.argv[1]))
    main(sys.argv[2:])
