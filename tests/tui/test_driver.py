"""What is typed reaches the app: keys of one byte and of many, and an escape that nothing follows."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from threading import Event, Thread
from typing import Any

import pytest
from gate import until

if sys.platform == "win32":
    pytest.skip("needs a terminal of Unix", allow_module_level=True)

from textual.events import Key

from convstep.tui.driver import PromptDriver


class Typed(PromptDriver):
    """Reads from a pipe and keeps the keys."""

    def __init__(self, fileno: int) -> None:
        self.fileno, self.exit_event, self._debug = fileno, Event(), False
        self.keys: list[str] = []

    def process_message(self, message: Any) -> None:
        if isinstance(message, Key):
            self.keys.append(message.key)


@pytest.fixture
def typing() -> Iterator[tuple[Typed, int]]:
    end, start = os.pipe()
    driver = Typed(end)
    thread = Thread(target=driver.run_input_thread)
    thread.start()
    yield driver, start
    driver.exit_event.set()
    thread.join()
    os.close(start)
    os.close(end)


async def test_an_escape_comes_though_nothing_follows(typing: tuple[Typed, int]) -> None:
    driver, terminal = typing
    os.write(terminal, b"\x1b")
    await until(lambda: driver.keys == ["escape"])


async def test_keys_of_many_bytes_come_whole(typing: tuple[Typed, int]) -> None:
    driver, terminal = typing
    os.write(terminal, b"n\x1b[A")
    await until(lambda: driver.keys == ["n", "up"])
    os.write(terminal, "é".encode()[:1])
    os.write(terminal, "é".encode()[1:])
    await until(lambda: len(driver.keys) == 3)


async def test_it_ends_when_the_terminal_has_gone() -> None:
    end, start = os.pipe()
    thread = Thread(target=Typed(end).run_input_thread, daemon=True)
    thread.start()
    os.close(start)
    await until(lambda: not thread.is_alive())
    os.close(end)
