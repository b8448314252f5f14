"""Whatever happens to a file or a dict, it is loaded or gets one line; never a traceback."""

from __future__ import annotations

import copy
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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
