"""How long a person waits for the screen, measured against a bare Textual app.

    python tests/benchmarks/screen.py [FILE] [--at TENSOR …] [--iterations N]

Both programs run in pseudo-terminals of 160×50; every measurement of the one is followed by the same of the other,
and ratios are taken pair by pair.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles

import jumps
from terminal import Terminal

_HERE = Path(__file__).parent
_BARE = str(_HERE / "bare.py")
_DIGITS = str(_HERE.parents[1] / "sample_nets" / "digits.yaml")
_PLACES = ("conv2", "pool1", "grad(conv2.weight)", "grad(pool1)", "new(conv2.weight)")
_HELD = 200

Pair = tuple[float, float]


def main() -> None:
    """Measure and print everything."""
    parser = argparse.ArgumentParser(description="The screen's speed against a bare Textual app's.")
    parser.add_argument("file", nargs="?", default=_DIGITS, help="a network file; places to step from: --at")
    parser.add_argument("--at", action="append", metavar="TENSOR", help="step from here (may be given several times)")
    parser.add_argument("--starts", type=int, default=10, help="pairs of starts")
    parser.add_argument("--keys", type=int, default=12, help="keys in each direction")
    parser.add_argument("--iterations", type=int, default=1, help="jump to the beginning of so many iterations")
    options = parser.parse_args()
    places = options.at or _PLACES
    print(f"{'':44}{'median':>9}{'p95':>8}{'bare':>9}{'p95':>8}{'ratio':>8}{'min':>7}{'p95':>7}   (ms)")
    _print("start", [_starts(options.file) for _ in range(options.starts)])
    everything: list[Pair] = []
    for level in ("op", "element", "term"):
        for order in ("gather", "scatter"):
            for place in places:
                forth, back = _keys(options.file, place, level, order, options.keys)
                _print(f"n  {level:8}{order:8}{place}", forth)
                _print(f"N  {level:8}{order:8}{place}", back)
                everything += forth + back
    _print("all keys", everything)
    for level in ("op", "element", "term"):
        _print(f"{_HELD} n at once  {level}", [_held(options.file, places[0], level) for _ in range(3)])
    jumps.report(options.file, options.iterations)


def _starts(file: str) -> Pair:
    with Terminal("-m", "convstep", file) as convstep:
        ours = convstep.start()
    with Terminal(_BARE) as bare:
        return ours, bare.start()


def _open(file: str, place: str, level: str, order: str = "gather") -> Terminal:
    """The debugger at the first element or term of a tensor, or at the operation that wrote it."""
    convstep = Terminal("-m", "convstep", file, "--at", place)
    convstep.start()
    for key in ("o" * (order == "scatter")) + "s" * ("op", "element", "term").index(level):
        convstep.press(key, quiet=0.15)
    return convstep


def _keys(file: str, place: str, level: str, order: str, count: int) -> tuple[list[Pair], list[Pair]]:
    """Steps forth, then the same ones back."""
    with _open(file, place, level, order) as convstep, Terminal(_BARE) as bare:
        bare.start()
        for terminal in (convstep, bare):
            terminal.press("n")
        forth = [(convstep.press("n"), bare.press("n")) for _ in range(count)]
        return forth, [(convstep.press("N"), bare.press("n")) for _ in range(count)]


def _held(file: str, place: str, level: str) -> Pair:
    """A key held down, at worst: all of its repeats at once."""
    with _open(file, place, level) as convstep, Terminal(_BARE) as bare:
        bare.start()
        return convstep.press("n" * _HELD, quiet=0.3), bare.press("n" * _HELD, quiet=0.3)


def _print(what: str, pairs: Sequence[Pair]) -> None:
    ours, bare = ([pair[i] * 1000 for pair in pairs] for i in (0, 1))
    ratios = [a / b for a, b in pairs]
    print(
        f"{what:44}{median(ours):9.1f}{_p95(ours):8.1f}{median(bare):9.1f}{_p95(bare):8.1f}"
        f"{median(ratios):8.2f}{min(ratios):7.2f}{_p95(ratios):7.2f}",
        flush=True,
    )


def _p95(values: Sequence[float]) -> float:
    return quantiles(values, n=20, method="inclusive")[-1]


if __name__ == "__main__":
    main()
