"""Random keys, clicks and sizes on every sample net: nothing breaks, and no place depends on the way to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from monkey import run_monkey

NETS = Path(__file__).parents[2] / "sample_nets"
FILES = sorted(path for path in NETS.rglob("*.yaml") if path.stem != "resnet18")


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
async def test_nothing_breaks(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = await run_monkey(str(file), seed=len(file.stem), acts=60, every=15)
    assert len(done) == 60
