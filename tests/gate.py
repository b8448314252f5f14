"""Iterations held back until a test lets them go, and waiting for what another thread does."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from convstep.engine import recording as engine


class Gate:
    """Holds iterations back until it is opened: from `first` on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, first: int = 1) -> None:
        self.open = threading.Event()
        real = engine.run_iteration

        def slow(graph: Any, timeline: Any, index: int, start: Any, work: Any) -> Any:
            while index >= first and not self.open.wait(0.005):
                work.check()
            return real(graph, timeline, index, start, work)

        monkeypatch.setattr(engine, "run_iteration", slow)


async def until(holds: Any) -> None:
    """Wait for something that another thread does."""
    for _ in range(2000):
        if holds():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("this never came")
