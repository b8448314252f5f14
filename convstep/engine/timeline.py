"""Positions: every step of a network is a number, and a number is a step, by arithmetic alone.

Steps form a tree, operation > output element > term, whose sizes follow from shapes and are the same in every
iteration. Nothing here has seen a number of the network.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from math import prod
from typing import Literal, NamedTuple, get_args

from convstep.engine.gradients import Gradients
from convstep.network.footprint import differentiated
from convstep.network.graph import Graph, Node
from convstep.ops.base import OUTPUT, Shape

Level = Literal["op", "element", "term"]
Order = Literal["gather", "scatter"]
Phase = Literal["forward", "loss", "backward", "update"]
LEVELS: tuple[Level, ...] = get_args(Level)
ORDERS: tuple[Order, ...] = get_args(Order)
PHASES: tuple[Phase, ...] = get_args(Phase)


class Step(NamedTuple):
    """One step on the operation level: what writes one tensor.

    `tensor` is the tensor written, or in the backward phase the one whose gradient is; `slot` is its operand in
    `node`. An update has no node: `layer` owns the parameter, `op` is the optimizer. `shape` is the tensor's,
    `upstream_shape` the shape of the gradient that a backward step starts from. `elements` and `terms` (of each
    element) are counts, in gather and scatter order.
    """

    phase: Phase
    layer: str
    op: str
    tensor: str
    node: Node | None
    slot: int
    shape: Shape
    upstream_shape: Shape
    elements: dict[Order, int]
    terms: dict[Order, int]

    @property
    def writes(self) -> str:
        """The name of what is written, as traces print it: `o1`, `grad(o1)`, `o1.weight`."""
        return f"grad({self.tensor})" if self.phase == "backward" else self.tensor

    @property
    def is_backward(self) -> bool:
        return self.phase == "backward"

    def scatters(self, order: Order) -> bool:
        """Whether an element step of this step is one upstream element that gives its shares."""
        return self.is_backward and order == "scatter"

    def element_shape(self, order: Order) -> Shape:
        """The shape that an element step's number counts in."""
        return self.upstream_shape if self.scatters(order) else self.shape


class Place(NamedTuple):
    """A position, taken apart. `element` and `term` are None where the level is coarser.

    `step` -1 in iteration 0 is the start, where nothing has happened yet.
    """

    iteration: int
    step: int
    element: int | None = None
    term: int | None = None

    @property
    def level(self) -> Level:
        return "op" if self.element is None else "element" if self.term is None else "term"


START = Place(0, -1)


class Timeline:
    """The steps of a network, and the arithmetic between positions and places."""

    def __init__(self, graph: Graph) -> None:
        self.steps: tuple[Step, ...] = tuple(_steps(graph))
        self.backward_steps: dict[str, dict[int, int]] = {}
        """The backward steps of each layer, by operand slot."""
        self.phases: dict[Phase, range] = {}
        """The operations of each phase that there is."""
        self._writers: dict[str, list[int]] = {}
        for k, step in enumerate(self.steps):
            self._writers.setdefault(step.writes, []).append(k)
            self.phases[step.phase] = range(self.phases.get(step.phase, range(k, k)).start, k + 1)
            if step.is_backward:
                self.backward_steps.setdefault(step.layer, {})[step.slot] = k
        roots = [graph.loss.name] if graph.loss else graph.seeds
        self.gradients = Gradients(self._writers, (f"grad({name})" for name in roots))
        self.iterations = graph.iterations
        # ends[level, order][k]: steps of that level up to and including operation k, within an iteration.
        self._ends: dict[tuple[Level, Order], list[int]] = {}
        for order in ORDERS:
            counts: dict[Level, list[int]] = {
                "op": [1] * len(self.steps),
                "element": [s.elements[order] for s in self.steps],
                "term": [s.elements[order] * s.terms[order] for s in self.steps],
            }
            for level in LEVELS:
                self._ends[level, order] = list(accumulate(counts[level]))

    def count(self, level: Level, order: Order = "gather") -> int:
        """Steps of one iteration."""
        ends = self._ends[level, order]
        return ends[-1] if ends else 0

    def length(self, level: Level, order: Order = "gather") -> int:
        """Steps of all iterations."""
        return self.count(level, order) * self.iterations

    def first(self, step: int, level: Level, order: Order) -> int:
        """The position, within an iteration, of the first step of this level inside an operation."""
        return self._ends[level, order][step - 1] if step > 0 else 0

    def place(self, level: Level, order: Order, position: int) -> Place:
        """Where a position is; -1 is the start."""
        if position < 0:
            return START
        iteration, within = divmod(position, self.count(level, order))
        step = bisect_right(self._ends[level, order], within)
        inside = within - self.first(step, level, order)
        if level == "op":
            return Place(iteration, step)
        if level == "element":
            return Place(iteration, step, inside)
        return Place(iteration, step, *divmod(inside, self.steps[step].terms[order]))

    def position(self, order: Order, place: Place) -> int:
        """The position of a place on its own level."""
        if place.step < 0:
            return -1
        level = place.level
        position = place.iteration * self.count(level, order) + self.first(place.step, level, order)
        if place.element is None:
            return position
        if place.term is None:
            return position + place.element
        return position + place.element * self.steps[place.step].terms[order] + place.term

    def writers(self, tensor: str) -> list[int]:
        """The operations that write a tensor, by the name in `Step.writes`, in order."""
        return self._writers.get(tensor, [])


def _steps(graph: Graph) -> list[Step]:
    steps = [_forward(node, "loss" if node is graph.loss else "forward") for node in graph.nodes]
    reached = differentiated(graph)
    for node in reversed(graph.nodes):
        if node.name not in reached:
            continue
        count = len(node.inputs)
        slots = [*range(count, count + len(node.parameters)), *range(count)]
        steps += [_backward(node, slot) for slot in slots if node.op.is_differentiable(slot)]
    if graph.optimizer is not None:
        owners = {stored: name.rpartition(".")[0] for name, stored in graph.aliases.items() if name == stored}
        for node in graph.nodes:
            for stored in node.parameters.values():
                if stored in reached and owners[stored] == node.name:
                    steps.append(_update(graph, stored, node.name))
    return steps


def _forward(node: Node, phase: Phase) -> Step:
    shape = node.op.output.shape
    elements, terms = prod(shape), node.op.term_count()
    return _step(phase, node.name, node.op_name, node.name, node, OUTPUT, shape, elements, terms)


def _backward(node: Node, slot: int) -> Step:
    shape, upstream = node.op.operand_shape(slot), node.op.output.shape
    return Step(
        "backward",
        node.name,
        node.op_name,
        node.operands[slot],
        node,
        slot,
        shape,
        upstream,
        {"gather": prod(shape), "scatter": prod(upstream)},
        {"gather": prod(node.op.column_grid(slot)), "scatter": prod(node.op.row_grid(slot))},
    )


def _update(graph: Graph, parameter: str, layer: str) -> Step:
    assert graph.optimizer is not None
    shape, terms = graph.owned[parameter].shape, graph.optimizer.term_count()
    op = type(graph.optimizer).__name__
    return _step("update", layer, op, parameter, None, OUTPUT, shape, prod(shape), terms)


def _step(
    phase: Phase,
    layer: str,
    op: str,
    tensor: str,
    node: Node | None,
    slot: int,
    shape: Shape,
    elements: int,
    terms: int,
) -> Step:
    both_elements: dict[Order, int] = dict.fromkeys(ORDERS, elements)
    return Step(phase, layer, op, tensor, node, slot, shape, (), both_elements, dict.fromkeys(ORDERS, terms))


def flat_index(index: Sequence[int], shape: Shape) -> int:
    """Row-major flat index of a torch index; negative components count from the end.

    Raises IndexError where it lies outside.
    """
    if len(index) != len(shape) or any(not -n <= i < n for i, n in zip(index, shape, strict=True)):
        raise IndexError(tuple(index))
    flat = 0
    for i, n in zip(index, shape, strict=True):
        flat = flat * n + i % n
    return flat


def torch_index(flat: int, shape: Shape) -> list[int]:
    """The torch index of a flat one; a scalar's is empty."""
    index: list[int] = []
    for n in reversed(shape):
        flat, i = divmod(flat, n)
        index.insert(0, i)
    return index
