"""Small network files in a directory of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes a network file into the (new) working directory, and gives its name as a person would type it."""
    monkeypatch.chdir(tmp_path)

    def write(text: str | bytes, name: str = "net.yaml") -> str:
        Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return name

    return write
