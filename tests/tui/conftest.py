"""A session made of fixed numbers: those of two_conv, and a tensor large enough to need windows and channels."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from convstep.debugger.screen.view import (
    Cells,
    Formula,
    FormulaTerm,
    Grid,
    Ledger,
    Mark,
    Note,
    ProgramLine,
    Status,
    TimelineBar,
    View,
)
from convstep.errors import ConvstepError
from convstep.explain.numbers import NumberFormat, format_of

PHASES = (("forward", 0, 20), ("loss", 20, 21), ("backward", 21, 83), ("update", 83, 91))
LOCAL = np.array([1.0, 2, 4, 5])
UPSTREAM = np.array([12.0, 18, -12, -6])


def make_grid(
    key: str,
    values: Any,
    shape: tuple[int, ...] | None = None,
    note: str = "",
    marks: dict[int, Mark] | None = None,
    status: dict[int, Status] | None = None,
    **more: Any,
) -> Grid:
    """A grid over an array; `marks` and `status` by flat index."""
    array = np.asarray(values, dtype=float)
    flat = array.reshape(-1)
    roles = np.zeros(flat.size, np.uint8)
    states = np.full(flat.size, Status.DONE, np.uint8)
    for i, mark in (marks or {}).items():
        roles[i] = mark
    for i, state in (status or {}).items():
        states[i] = state
    more.setdefault("format", format_of(array))
    more.setdefault("scale", float(np.nanmax(np.abs(array))) if array.size else 0.0)
    more.setdefault("title", key)
    return Grid(
        key=key,
        note=note,
        shape=array.shape if shape is None else shape,
        cells=lambda i: Cells(flat[i], states[i], roles[i]),
        element=lambda i: f"{more['title']}[{i + 1}]",
        **more,
    )


class FakeSession:
    """Steps through the four terms of grad(w1)[1], over and over; everything that a key called is in `calls`."""

    def __init__(self, large: bool = False) -> None:
        self.graph = SimpleNamespace(name="two_conv", about="Two convolutions.")
        self.look: dict[str, Any] = {}
        self.extras: dict[str, Any] = {}
        self.position = 32
        self.graph_bytes = 0
        self.unsaved = False
        self.calls: list[Any] = []
        self.views = 0
        self.large = np.random.default_rng(0).normal(size=(1, 64, 56, 56)) if large else None

    @property
    def standing(self) -> int:
        return self.position

    def stand(self, standing: int) -> None:
        self.position = standing

    def _move(self, name: str, to: int) -> str:
        self.calls.append(name)
        if not -1 <= to < 91:
            return "there is no step there"
        self.position = to
        self.unsaved = True
        return ""

    def run(self) -> None:
        pass

    def next(self) -> str:
        return self._move("next", self.position + 1)

    def previous(self) -> str:
        return self._move("previous", self.position - 1)

    def first_inside(self) -> str:
        self.calls.append("first_inside")
        return "a term is the finest; f comes out"

    def last_inside(self) -> str:
        return self._move("last_inside", self.position)

    def out(self) -> str:
        return self._move("out", self.position)

    def out_before(self) -> str:
        return self._move("out_before", self.position)

    def home(self) -> str:
        return self._move("home", -1)

    def end(self) -> str:
        return self._move("end", 90)

    def switch_order(self) -> str:
        return self._move("switch_order", self.position)

    def go(self, text: str) -> str:
        self.calls.append(("go", text))
        if not text.isdigit():
            raise ConvstepError(f"there is no {text}: try o1, o2 or grad(w1)")
        self.position = int(text)
        return f"at {text}"

    def go_to_operation(self, operation: int) -> str:
        self.calls.append(("operation", operation))
        return ""

    def go_to_share(self, share: float) -> str:
        self.calls.append(("share", round(share, 2)))
        return ""

    def writer(self, tensor: str, index: int) -> str:
        self.calls.append(("writer", tensor, index))
        return f"{tensor} was written here"

    def back(self) -> str:
        self.calls.append("back")
        return ""

    def completions(self) -> list[str]:
        return ["o1", "o2", "grad(o1)", "grad(w1)"]

    def propose_name(self) -> str:
        return "two_conv-32.snapshot"

    def save(self, path: str) -> str:
        self.calls.append(("save", path))
        if "/" in path:
            raise ConvstepError(f"{path}: there is no such directory")
        self.unsaved = False
        return f"saved to {path}"

    def view(self) -> View:
        self.views += 1
        term = self.position % 4 if self.position >= 0 else 0
        return View(
            name="two_conv",
            where=("backward", "o1 Conv2d", "grad(w1)[1]", f"term {term + 1} of 4"),
            status=f"TERM {self.position} of 91",
            sentence=(
                f"w1[1] met i[{term + 1}] when o1[{term + 1}] was made; C changes by {UPSTREAM[term]:g} per unit of "
                f"o1[{term + 1}]. This use adds {LOCAL[term] * UPSTREAM[term]:g}."
            ),
            formula=short_formula(term),
            tensors=self._tensors(term),
            local=local_blocks(term),
            gradients=gradient_blocks(term),
            program=PROGRAM,
            timeline=TimelineBar(
                (("forward", 0, 20), ("loss", 20, 21), ("backward", 21, 83), ("update", 83, 91)),
                self.position,
                91,
                0,
                1,
            ),
            ledger=short_ledger(term),
        )

    def _tensors(self, term: int) -> list[Any]:
        rest = dict.fromkeys((0, 1, 3, 4), Mark.REST) | {(0, 1, 3, 4)[term]: Mark.NOW}
        blocks = [
            make_grid("i", np.arange(1, 10).reshape(1, 1, 3, 3), note="1×1×3×3", marks=rest, tensor="i"),
            make_grid("w1", np.array([[[[-1, 1], [3, -2]]]]), note="1×1×2×2", marks={0: Mark.NOW}, tensor="w1"),
            make_grid("o1", np.array([[[[3, 4], [6, 7]]]]), note="1×1×2×2", marks=quarter(term), tensor="o1"),
        ]
        if self.large is not None:
            follow = 12 * 56 * 56 + self.position * 57
            blocks.insert(
                0, make_grid("x", self.large, note="1×64×56×56", follow=follow, marks={follow: Mark.NOW}, tensor="x")
            )
        return blocks


PROGRAM = [
    ProgramLine("o1", "done", 0),
    ProgramLine("o2", "done", 1),
    ProgramLine("C", "done", 2),
    ProgramLine("o2 → grad(w2)", "done", 5),
    ProgramLine("o1 → grad(w1) 0 of 4", "now", 7),
    ProgramLine("o1 → grad(i)  unused by training", "coming", 8),
]


def quarter(term: int) -> dict[int, Mark]:
    """Four cells of one sum: this one now, the others its rest."""
    return {i: Mark.NOW if i == term else Mark.REST for i in range(4)}


def local_blocks(term: int) -> list[Any]:
    """Local × upstream = products, and their sum."""
    products = LOCAL * UPSTREAM
    blank = dict.fromkeys(range(term + 1, 4), Status.BLANK)
    so_far = products[: term + 1].sum()
    form = format_of(products)
    return [
        make_grid(
            "local", LOCAL.reshape(2, 2), title="∂o1/∂w1[1]", note="the i it met", marks=quarter(term), follow=term
        ),
        make_grid(
            "upstream", UPSTREAM.reshape(2, 2), title="upstream ∂C/∂o1", sign="×", marks=quarter(term), follow=term
        ),
        make_grid(
            "products", products.reshape(2, 2), title="products", sign="=", marks={term: Mark.NOW}, status=blank,
            follow=term, format=form,
        ),
        Note(f"Σ so far {so_far:g}…", "strong"),
    ]  # fmt: skip


def gradient_blocks(term: int) -> list[Any]:
    """The gradient under way and those that are there already."""
    so_far = float((LOCAL * UPSTREAM)[: term + 1].sum())
    state = {0: Status.PARTIAL, 1: Status.BLANK, 2: Status.BLANK, 3: Status.BLANK}
    w1 = np.array([[so_far, -18], [6, 18]])
    return [
        make_grid(
            "grad(w1)", w1, note="1 of 4 begun", marks={0: Mark.WRITTEN}, status=state, tensor="grad(w1)",
            format=NumberFormat(3, 0), scale=30.0,
        ),
        make_grid("grad(o1)", UPSTREAM.reshape(2, 2), note="complete", marks=quarter(term), tensor="grad(o1)"),
        make_grid("grad(w2)", np.array([[18, 24], [36, 42]]), note="complete", tensor="grad(w2)"),
        make_grid("grad(o2)", np.array([[6]]), tensor="grad(o2)"),
    ]  # fmt: skip


def short_formula(term: int) -> Formula:
    """The four terms of grad(w1)[1]."""
    products = LOCAL * UPSTREAM
    sums = np.add.accumulate(products)

    def one(k: int) -> FormulaTerm:
        upstream = f"({UPSTREAM[k]:g})" if UPSTREAM[k] < 0 else f"{UPSTREAM[k]:g}"
        result = f"{products[k]:g}" if k < term else "·"
        if k == term:
            result = f"{products[k]:g} → {sums[k]:g}…"
        return FormulaTerm(f"i[{(1, 2, 4, 5)[k]}]·g[{k + 1}]", f"{LOCAL[k]:g}·{upstream}", result)

    return Formula("∂C/∂w1[1]", 4, one, term, "g = ∂C/∂o1", "")


def short_ledger(term: int) -> Ledger:
    """The same four terms, a row each."""
    products = LOCAL * UPSTREAM
    sums = np.add.accumulate(products)

    def row(k: int) -> tuple[str, ...]:
        done = k <= term
        return (
            str(k + 1),
            f"w1[1] → o1[{k + 1}] → o2[1] → C",
            f"i[{(1, 2, 4, 5)[k]}] = {LOCAL[k]:g}",
            f"∂C/∂o1[{k + 1}] = {UPSTREAM[k]:g}",
            f"{products[k]:g}" if done else "·",
            f"{sums[k]:g}" if done else "·",
        )

    header = ("term", "way to C", "local", "× upstream", "= product", "sum")
    return Ledger("grad(w1)[1]", header, 4, row, term)


def long_formula(count: int, now: int) -> Formula:
    """A sum of so many terms, of which no more than a screenful may be asked for."""
    return Formula(
        "o1[1]",
        count,
        lambda k: FormulaTerm(f"x[{k + 1}]·w[{k + 1}]", f"{k % 7}·{(k * 3) % 11}", "·" if k > now else str(k)),
        now,
        "",
        f"Σ {now + 1} of {count}: 12.5…",
    )


@pytest.fixture
def session() -> FakeSession:
    return FakeSession()


@pytest.fixture
def large_session() -> FakeSession:
    return FakeSession(large=True)


@pytest.fixture
def grid() -> Callable[..., Grid]:
    return make_grid


@pytest.fixture
def sum_formula() -> Callable[[int, int], Formula]:
    return long_formula


@pytest.fixture
def one_formula() -> Callable[[int], Formula]:
    return short_formula
