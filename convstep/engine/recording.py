"""A run of the network, recorded once, iteration by iteration, and never changed."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from convstep.engine.checkpoints import Checkpoints
from convstep.engine.checkpoints import TrainingState as TrainingState
from convstep.engine.freed import give_back
from convstep.engine.timeline import Timeline
from convstep.engine.work import QUIET, Part, TooLong, Work
from convstep.errors import ArgumentError, ConvstepError
from convstep.network.draw import Draw
from convstep.network.footprint import iteration_bytes
from convstep.network.graph import Graph
from convstep.ops.base import Array, Call
from convstep.ops.optim.optimizers import Update

_KEPT_BYTES = 64 * 2**20
"""How much whole iterations may take beside the present one, and how much the checkpoints in memory."""
_BYTES_A_SECOND = 500e6
"""About so much of an iteration is made in a second: what is expected of the first one."""


@dataclass(frozen=True)
class Iteration:
    """One iteration: all tensors that its steps read and wrote.

    `values` are inputs, parameters and buffers as they were used, masks, layer outputs and the loss. `given[k]`
    is what backward step k gave to its tensor's gradient; `seeds` are the gradients that backward starts from;
    `grads` are the complete ones. `updates` are by parameter.
    """

    index: int
    values: Mapping[str, Array]
    calls: Mapping[str, Call]
    seeds: Mapping[str, Array]
    given: Mapping[int, Array]
    grads: Mapping[str, Array]
    updates: Mapping[str, Update]
    start: TrainingState
    end: TrainingState


class Recording:
    """The recorded run of a graph. Iterations are computed when they are first asked for.

    The present iteration is kept whole, others and the training states between iterations (checkpoints) within
    `kept_bytes` each, further checkpoints in temporary files (none where `kept_bytes` is 0); what is not kept is
    computed again from the state before it, to the same bits.

    `patience` is how many seconds a reader waits that gives no `Work`; what takes longer raises TooLong.
    `expected` is how many seconds an iteration is thought to take. `looked_at` is told each iteration when it
    has been run.
    """

    def __init__(
        self, graph: Graph, checkpoints: Mapping[int, TrainingState] | None = None, kept_bytes: int = _KEPT_BYTES
    ) -> None:
        self.graph = graph
        self.timeline = Timeline(graph)
        self.losses: dict[int, float] = {}
        self.patience = math.inf
        self.looked_at: Callable[[Iteration], None] | None = None
        first = {0: TrainingState(graph.parameters, graph.buffers)}
        self._checkpoints = Checkpoints({**first, **(checkpoints or {})}, kept_bytes)
        self._kept_bytes = kept_bytes
        size = iteration_bytes(graph)
        self._most_iterations = max(1, kept_bytes // max(1, size))
        self._is_large = size > _KEPT_BYTES
        self.expected = size / _BYTES_A_SECOND
        self._iterations: OrderedDict[int, Iteration] = OrderedDict()

    def iteration(
        self, index: int, progress: Callable[[int], None] | None = None, work: Work | None = None
    ) -> Iteration:
        """Iteration `index` from 0; `progress` is told each iteration that had to be computed.

        Raises Cancelled when the work is given up, and TooLong where there is no work and patience does not last.
        """
        if index in self._iterations:
            self._iterations.move_to_end(index)
            return self._iterations[index]
        at = self._nearest(index)
        if work is None and self.expected_until(index) > self.patience:
            raise TooLong(index)
        state = self._at_hand(at)
        for k in range(at, index + 1):
            self._make_room()
            state = state or self._checkpoints[at]
            start = time.perf_counter()
            self._iterations[k] = run_iteration(self.graph, self.timeline, k, state, self._part(work, k, at, index))
            self.expected = time.perf_counter() - start
            state = self._iterations[k].end
            self._note(self._iterations[k])
            if progress:
                progress(k)
        return self._iterations[index]

    def has(self, index: int) -> bool:
        """Whether an iteration need not be run."""
        return index in self._iterations

    def expected_until(self, index: int) -> float:
        """How many seconds it is thought to take until an iteration is there."""
        return 0.0 if index in self._iterations else (index + 1 - self._nearest(index)) * self.expected

    def given(self) -> tuple[Mapping[str, Array], ...]:
        """What iteration 0 starts with: inputs, parameters and buffers. Nothing is run for it."""
        if 0 in self._iterations:
            iteration = self._iterations[0]
            start, inputs = iteration.start, {name: iteration.values[name] for name in self.graph.inputs}
        else:
            start, inputs = _forced(self.graph, 0, self._state_before(0)[1]), self.graph.batch(0)
        return inputs, start.parameters, start.buffers

    @property
    def given_state(self) -> tuple[int, TrainingState]:
        """The latest training state that was given from the start, behind the iteration that starts from it."""
        return self._checkpoints.given

    def at_hand(self) -> list[Iteration]:
        """The iterations that need not be run, in their order."""
        return [self._iterations[k] for k in sorted(self._iterations)]

    def last_alone(self, progress: Callable[[int], None] | None = None) -> Iteration:
        """The last iteration for one who wants its results only, in less memory than `iteration` needs.

        What the optimizer kept is given up part by part as the new is there: see `spent` of `run_iteration`.
        """
        last = self.timeline.iterations - 1
        if last in self._iterations:
            return self._iterations[last]
        at, state = self._state_before(last)
        for k in range(at, last + 1):
            # What was given, or is kept as a checkpoint, is not ours to write over.
            spent = _copied(state.optimizer) if k == at or self._kept_bytes else dict(state.optimizer)
            state = replace(state, optimizer={})
            iteration = run_iteration(self.graph, self.timeline, k, state, spent=spent)
            self._note(iteration)
            if progress:
                progress(k)
            if k < last:
                state = iteration.end
                del iteration
        return iteration

    def _make_room(self) -> None:
        """Let go of iterations for another one, before anything of it takes memory."""
        while len(self._iterations) >= self._most_iterations:
            self._iterations.popitem(last=False)
        if self._kept_bytes and self._is_large:
            give_back()

    def _part(self, work: Work | None, k: int, first: int, last: int) -> Work:
        """The work of iteration k, of those from `first` to `last`."""
        if work is None:
            return QUIET
        text = f"iteration {k} of {self.timeline.iterations}"
        return Part(work, text, k - first, last + 1 - first, 2 * len(self.graph.nodes))

    def branch(self, graph: Graph, first: int) -> Recording:
        """The recording of a graph that runs as this one does before iteration `first`: that part is taken over."""
        at, state = self._state_before(first)
        branch = Recording(graph, {at: state} if at else None, self._kept_bytes)
        branch.losses.update({k: loss for k, loss in self.losses.items() if k < first})
        branch.patience = self.patience
        return branch

    def beside(self) -> Recording:
        """A recording of the same run for a thread of its own; the iterations that are there are shared."""
        other = Recording(self.graph, kept_bytes=self._kept_bytes)
        other._checkpoints = self._checkpoints.copy()
        other._iterations.update(self._iterations)
        return other

    def _nearest(self, index: int) -> int:
        """The nearest iteration at or before `index` whose training state is known."""
        if index in self._checkpoints or self._at_hand(index) is not None:
            return index
        ends = (k + 1 for k in self._iterations)
        return max(k for k in (*self._iterations, *ends, *self._checkpoints.indices()) if k <= index)

    def _at_hand(self, index: int) -> TrainingState | None:
        """The training state that an iteration starts from, where a kept iteration begins or ends with it."""
        here, before = self._iterations.get(index), self._iterations.get(index - 1)
        return here.start if here else before.end if before else None

    def _state_before(self, index: int) -> tuple[int, TrainingState]:
        """The nearest known training state that an iteration at or before `index` starts from."""
        at = self._nearest(index)
        return at, self._at_hand(at) or self._checkpoints[at]

    def _note(self, iteration: Iteration) -> None:
        """Keep an iteration's loss, and its end as a checkpoint; tell whoever looks at iterations."""
        if self.graph.loss is not None:
            self.losses[iteration.index] = float(iteration.values[self.graph.loss.name].sum())
        self._checkpoints.add(iteration.index + 1, iteration.end)
        if self.looked_at:
            self.looked_at(iteration)


def run_iteration(
    graph: Graph,
    timeline: Timeline,
    index: int,
    start: TrainingState,
    work: Work = QUIET,
    spent: dict[str, Mapping[str, Array]] | None = None,
) -> Iteration:
    """Forward, loss, backward and update, from a training state. Raises Cancelled between two operations.

    `spent` is the optimizer's state in place of `start`'s: each part is taken out, or written over, as the new one is
    there. Of such an iteration only the results are left: `calls`, `given` and `updates` are empty.
    """
    start = _forced(graph, index, start)
    parameters = dict(start.parameters)
    values: dict[str, Array] = {**graph.batch(index), **parameters, **start.buffers, **_masks(graph, index)}
    calls: dict[str, Call] = {}
    buffers = dict(start.buffers)
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            work.check()
            operands = tuple(values[name] for name in node.operands)
            if rewritten := node.op.rewritten(operands):
                parameters.update({node.parameters[local]: array for local, array in rewritten.items()})
                values.update(parameters)
                operands = tuple(values[name] for name in node.operands)
            saved: dict[str, Array] = {}
            try:
                output = np.asarray(node.op.forward(operands, saved))
            except ArgumentError as error:
                raise ConvstepError(f"{node.name}: {error}") from error
            calls[node.name] = Call(operands, output, saved)
            if node.op.training and node.buffers:
                new = node.op.new_buffers(calls[node.name])
                buffers.update({node.buffers[local]: array for local, array in new.items()})
            values[node.name] = graph.force(index, node.name, output)
        seeds = _seeds(graph, values)
        given, grads = _backward(graph, timeline, calls, seeds, work)
        if spent is not None:
            calls, given = {}, {}
        updates: dict[str, Update] = {}
        after, optimizer = dict(parameters), dict(start.optimizer)
        before = start.optimizer if spent is None else spent
        for name, update in _updates(graph, timeline, index, parameters, before, grads, work, spent is not None):
            after[name], optimizer[name] = update.new_parameter, update.new_state
            if spent is None:
                updates[name] = update
            else:
                spent.pop(name, None)
    end = TrainingState(after, buffers, optimizer)
    return Iteration(index, values, calls, seeds, given, grads, updates, start, end)


def _copied(kept: Mapping[str, Mapping[str, Array]]) -> dict[str, Mapping[str, Array]]:
    return {name: {key: tensor.copy() for key, tensor in state.items()} for name, state in kept.items()}


def _forced(graph: Graph, index: int, start: TrainingState) -> TrainingState:
    """The training state with what is set by hand at the start of this iteration."""
    if not graph.forced:
        return start
    parameters = {name: graph.force(index, name, tensor) for name, tensor in start.parameters.items()}
    buffers = {name: graph.force(index, name, tensor) for name, tensor in start.buffers.items()}
    return replace(start, parameters=parameters, buffers=buffers)


def _masks(graph: Graph, index: int) -> dict[str, Array]:
    """The masks of one iteration, drawn from the net's seed, their names and the iteration."""
    masks = {}
    for node in graph.nodes:
        for local, name in node.masks.items():
            uniform = Draw(graph.seed, f"{name}[{index}]").uniform(node.op.masks[local])
            masks[name] = graph.force(index, name, node.op.draw(local, uniform).astype(graph.dtype))
    return masks


def _seeds(graph: Graph, values: Mapping[str, Array]) -> dict[str, Array]:
    if graph.loss is not None:
        return {graph.loss.name: np.ones_like(values[graph.loss.name])}
    return {name: np.asarray(seed) for name, seed in graph.seeds.items()}


def _backward(
    graph: Graph, timeline: Timeline, calls: Mapping[str, Call], seeds: Mapping[str, Array], work: Work
) -> tuple[dict[int, Array], dict[str, Array]]:
    """What each backward step gave, and the complete gradients: in the order of the steps, left to right."""
    grads = dict(seeds)
    given: dict[int, Array] = {}
    for node in reversed(graph.nodes):
        steps = timeline.backward_steps.get(node.name)
        if not steps:
            continue
        work.check()
        wanted = [slot in steps for slot in range(len(node.operands))]
        gradients = node.op.vjp(calls[node.name], grads[node.name], wanted)
        for slot, k in steps.items():
            gradient, tensor = gradients[slot], node.operands[slot]
            assert gradient is not None, f"{node.op_name} gave no gradient for operand {slot}"
            # numpy's arithmetic turns arrays without dimensions into plain numbers.
            given[k] = np.asarray(gradient)
            grads[tensor] = np.asarray(grads[tensor] + gradient) if tensor in grads else given[k]
    return given, grads


def _updates(
    graph: Graph,
    timeline: Timeline,
    index: int,
    parameters: Mapping[str, Array],
    kept: Mapping[str, Mapping[str, Array]],
    grads: Mapping[str, Array],
    work: Work,
    spent: bool,
) -> Iterator[tuple[str, Update]]:
    """The updates by parameter, one after the other; `kept` is the optimizer's state before them, perhaps `spent`."""
    optimizer = graph.optimizer_at(index)
    if optimizer is None:
        return
    for step in timeline.steps:
        if step.phase == "update":
            work.check()
            name = step.tensor
            parameter, gradient, state = parameters[name], grads[name], kept.get(name, {})
            new_parameter, new_state = optimizer.update(index + 1, parameter, gradient, state, spent)
            yield name, Update(optimizer, index + 1, parameter, gradient, state, new_parameter, new_state)
