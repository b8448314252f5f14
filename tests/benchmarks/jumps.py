"""How long jumps take, the first time and the second, and how long they keep the event loop.

    python tests/benchmarks/jumps.py [FILE] [--iterations N]

Every place is visited twice, after a press of the same keys in a bare Textual app (`bare.py`). An answer is timed from
the key (for `g` from enter, all else being typed) to its last byte. `block` is the longest time for which the
debugger's event loop did one thing; nothing above 50 ms belongs there.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from terminal import Terminal

from convstep.network import load

_HERE = Path(__file__).parent
_BARE = str(_HERE / "bare.py")
_DIGITS = str(_HERE.parents[1] / "sample_nets" / "digits.yaml")
_AT_A_PLACE = ("s", "S", "f", "s", "s", "o", "o", "n", "N", "F", "f", "e", "v")
_OPEN_A_PAGE = ("e", "v")
_NAMED = {"home": "\x1b[H", "end": "\x1b[F", "enter": "\r", "escape": "\x1b"}
_QUIET = 0.12


class Watched(Terminal):
    """The debugger in a terminal, its event loop watched."""

    def __init__(self, record: Path, *arguments: str) -> None:
        self._record, self._read = record, 0
        super().__init__(str(_HERE / "watched.py"), str(record), *arguments)

    def block(self) -> float:
        """The longest time, in seconds, that the loop was kept since this was asked last."""
        lines = self._record.read_text("ascii").splitlines()
        new, self._read = lines[self._read :], len(lines)
        return max((float(line.split()[1]) for line in new), default=0.0)


class Visit(NamedTuple):
    """Seconds until a key was answered, by the debugger and by the bare app, and its longest block."""

    what: str
    ours: float
    bare: float
    block: float


def main() -> None:
    """Measure and print everything."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", nargs="?", default=_DIGITS)
    parser.add_argument("--iterations", type=int, default=1)
    options = parser.parse_args()
    report(options.file, options.iterations)


def report(file: str, iterations: int = 1) -> None:
    """Every key of the tour, the two visits side by side, and the worst of all."""
    first, second = walk(file, iterations)
    print(
        f"{'jumps and what follows':44}{'first':>9}{'ratio':>7}{'block':>8}{'second':>9}{'ratio':>7}{'block':>8}   (ms)"
    )
    for a, b in zip(first, second, strict=True):
        print(f"{a.what:44}{_shown(a)}{_shown(b)}")
    for name, visits in (("first visits", first), ("second visits", second)):
        ratios = sorted(visit.ours / visit.bare for visit in visits)
        worst = max(visits, key=lambda visit: visit.block)
        print(
            f"{name}: ratio {median(ratios):.2f}, p95 {ratios[int(len(ratios) * 0.95)]:.2f}, worst {ratios[-1]:.2f}; "
            f"longest block {worst.block * 1000:.0f} ms ({worst.what})"
        )


def walk(file: str, iterations: int) -> tuple[list[Visit], list[Visit]]:
    """The same tour twice."""
    with tempfile.TemporaryDirectory() as directory:
        arguments = (file, "--iterations", str(iterations))
        with Watched(Path(directory) / "loop", *arguments) as ours, Terminal(_BARE) as bare:
            bare.start()
            ours.start(1.0)
            places = list(_places(file, iterations))
            return _tour(ours, bare, places), _tour(ours, bare, places)


def _places(file: str, iterations: int) -> Iterator[str]:
    """Shares of the way, the first and the last convolution with their gradients, the ends of other iterations."""
    yield from ("10%", "50%", "90%")
    nodes = [node for node in load(file, numbers=False).layers if node.op_name.startswith("Conv")]
    for node in (nodes[0], nodes[-1]) if nodes else ():
        at = ",".join("0" for _ in node.op.output.shape)
        weight = node.parameters["weight"]
        yield from (f"{node.name}[{at}]", f"grad({node.name})[{at}]", f"grad({weight})[{at}]", f"new({weight})[{at}]")
    yield from (f"iteration {k}" for k in range(1, iterations))


def _tour(ours: Watched, bare: Terminal, places: list[str]) -> list[Visit]:
    visits = []
    for place in places:
        for key in ("g", *place):
            ours.press(key, _QUIET, least=0)
        visits.append(_visit(ours, bare, f"g {place}", "enter"))
        visits += [_visit(ours, bare, f"  {key}", key) for key in _AT_A_PLACE]
    for level in ("op", "element", "term"):
        visits += [_visit(ours, bare, f"{key}, {level}", key) for key in ("end", "N", "home", "n", "s")]
    ours.press(_NAMED["home"], _QUIET, least=0)
    ours.press("ff", _QUIET, least=0)
    return visits


def _visit(ours: Watched, bare: Terminal, what: str, key: str) -> Visit:
    ours.block()
    answered = ours.press(_NAMED.get(key, key), _QUIET, least=0)
    block = ours.block()
    if key in _OPEN_A_PAGE:
        ours.press(_NAMED["escape"], 2 * _QUIET, least=0)
    return Visit(what, answered, bare.press("n"), block)


def _shown(visit: Visit) -> str:
    return f"{visit.ours * 1000:9.1f}{visit.ours / visit.bare:7.2f}{visit.block * 1000:8.1f}"


if __name__ == "__main__":
    main()
