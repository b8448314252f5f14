"""Every path from the loss to one element, element by element, and what each gives to its gradient.

A path's product is what backward starts from, times the local derivative of each layer on the way. The gradient is
the sum over all paths. There may be more paths than can be listed, but not more than can be counted: the reachable
elements are few, and everything about all paths together follows from one walk over them.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count as counting
from itertools import islice

import numpy as np
import numpy.typing as npt

from convstep.engine.recording import Iteration, Recording
from convstep.engine.sums import Floats
from convstep.errors import ConvstepError
from convstep.network.graph import Node
from convstep.ops.base import IntArray

MOST_LINKS = 3_000_000
"""So many local derivatives are taken on the way from an element to the loss at most."""

_ELEMENTS_AT_ONCE = 4096

Vertex = tuple[str, int]
"""A tensor, and the place of one of its reached elements among them."""


@dataclass(frozen=True)
class Hop:
    """One layer on a path: its output element `index` reads the element before it, at operand `slot`.

    `partner` is the other factor's flat index where the layer multiplies, else -1.
    """

    layer: str
    slot: int
    index: int
    local: float
    partner: int


@dataclass(frozen=True)
class Path:
    """One path from where backward starts to the element, from the element on: `hops` lead towards the loss.

    `seed` is the gradient that backward starts from at the last one.
    """

    hops: tuple[Hop, ...]
    seed: float

    @property
    def product(self) -> float:
        """Seed × local × … × local, in the order of the backward pass."""
        with np.errstate(all="ignore"):
            product = np.float64(self.seed)
            for hop in reversed(self.hops):
                product *= hop.local
        return float(product)


@dataclass(frozen=True)
class Edges:
    """The links of the reached elements of one operand, (m, n): what each feeds in one layer."""

    layer: str
    slot: int
    index: IntArray
    local: Floats
    partner: IntArray | None
    met: npt.NDArray[np.bool_]
    place: IntArray
    """Of each fed element, its place among the reached ones; 0 where nothing is met."""

    def hops(self, row: int) -> Iterator[tuple[int, Hop]]:
        """The links of one element: the place of the fed element, and the hop there."""
        for k in np.flatnonzero(self.met[row]).tolist():
            partner = -1 if self.partner is None else int(self.partner[row, k])
            hop = Hop(self.layer, self.slot, int(self.index[row, k]), float(self.local[row, k]), partner)
            yield int(self.place[row, k]), hop


class Paths:
    """All paths of an iteration from the loss (or the given gradients) to element `index` of a tensor.

    Raises ConvstepError where the loss does not depend on the tensor, or the element reaches too much of the net.
    """

    def __init__(
        self, recording: Recording, iteration: int, tensor: str, index: int, most_links: int = MOST_LINKS
    ) -> None:
        self.recording, self.tensor, self.index = recording, tensor, index
        self.iteration: Iteration = recording.iteration(iteration)
        if tensor not in self.iteration.grads:
            raise ConvstepError(f"no path leads from the loss to {tensor}")
        self.gradient = float(self.iteration.grads[tensor].reshape(-1)[index])
        self._reached: dict[str, IntArray] = {tensor: np.array([index])}
        self._edges: dict[str, list[Edges]] = {}
        self._walk(most_links)

    # -- which elements are on the way

    def _walk(self, most_links: int) -> None:
        links = 0
        for node in self.recording.graph.nodes:
            slots = self.recording.timeline.backward_steps.get(node.name, {})
            found = []
            for slot in (slot for slot in slots if node.operands[slot] in self._reached):
                here = self._reached[node.operands[slot]]
                links += len(here) * int(np.prod(node.op.column_grid(slot)))
                if links > most_links:
                    raise ConvstepError(
                        f"the paths are too many to count: over {most_links:,} local derivatives lie on the way "
                        f"up to {node.name}; an element nearer to the loss has fewer"
                    )
                found.append(self._links(node, slot, here))
            fed = [edges.index[edges.met] for edges in found]
            if fed and sum(map(len, fed)):
                self._reach(node, np.unique(np.concatenate(fed)), found)

    def _links(self, node: Node, slot: int, here: IntArray) -> Edges:
        call = self.iteration.calls[node.name]
        parts = [
            node.op.column(call, slot, here[start : start + _ELEMENTS_AT_ONCE])
            for start in range(0, len(here), _ELEMENTS_AT_ONCE)
        ]
        index = np.concatenate([part.index for part in parts])
        met = np.concatenate([part.met for part in parts])
        partner = None
        if parts[0].partner is not None:
            partner = np.concatenate([part.partner for part in parts if part.partner is not None])
        return Edges(node.name, slot, index, np.concatenate([p.local for p in parts]), partner, met, index)

    def _reach(self, node: Node, elements: IntArray, found: list[Edges]) -> None:
        self._reached[node.name] = elements
        for edges in found:
            place = np.where(edges.met, np.searchsorted(elements, edges.index), 0)
            placed = Edges(edges.layer, edges.slot, edges.index, edges.local, edges.partner, edges.met, place)
            self._edges.setdefault(node.operands[edges.slot], []).append(placed)

    def _seed(self, tensor: str) -> Floats | None:
        seed = self.iteration.seeds.get(tensor)
        return None if seed is None else seed.reshape(-1)[self._reached[tensor]].astype(np.float64)

    # -- about all paths together: one walk back over the reached elements

    @cached_property
    def _order(self) -> list[str]:
        """The reached tensors, the nearest to the loss first."""
        return list(reversed(self._reached))

    @cached_property
    def _counts(self) -> dict[str, npt.NDArray[np.object_]]:
        """How many paths lead from each reached element to where backward starts: whole numbers of any size."""
        return self._count(with_zeros=True)

    def _count(self, with_zeros: bool) -> dict[str, npt.NDArray[np.object_]]:
        counts: dict[str, npt.NDArray[np.object_]] = {}
        for tensor in self._order:
            seed = self._seed(tensor)
            here = np.zeros(len(self._reached[tensor]), dtype=object)
            if seed is not None:
                here += 1 if with_zeros else (seed != 0).astype(int).astype(object)
            for edges in self._edges.get(tensor, []):
                on = edges.met if with_zeros else edges.met & (edges.local != 0)
                here += np.where(on, counts[edges.layer][edges.place], 0).sum(axis=1)
            counts[tensor] = here
        return counts

    @property
    def count(self) -> int:
        """How many paths there are, exactly."""
        return int(self._counts[self.tensor][0])

    @cached_property
    def nonzero(self) -> int:
        """How many of them have no local derivative (and no start) of 0."""
        return int(self._count(with_zeros=False)[self.tensor][0])

    @cached_property
    def total(self) -> float:
        """Σ of all products, added up layer by layer from the local derivatives of the elements on the way."""
        totals: dict[str, Floats] = {}
        with np.errstate(all="ignore"):
            for tensor in self._order:
                seed = self._seed(tensor)
                here = np.zeros(len(self._reached[tensor])) if seed is None else seed.copy()
                for edges in self._edges.get(tensor, []):
                    here += np.where(edges.met, edges.local * totals[edges.layer][edges.place], 0.0).sum(axis=1)
                totals[tensor] = here
        return float(totals[self.tensor][0])

    @cached_property
    def _most(self) -> dict[str, Floats]:
        """From each reached element, the largest |product| of a path on; infinite where it is no number."""
        most: dict[str, Floats] = {}
        with np.errstate(all="ignore"):
            for tensor in self._order:
                seed = self._seed(tensor)
                here = np.full(len(self._reached[tensor]), -1.0) if seed is None else _size(seed)
                for edges in self._edges.get(tensor, []):
                    on = most[edges.layer][edges.place]
                    sizes = np.where(edges.met & (on >= 0), _size(edges.local * on), -1.0)
                    here = np.maximum(here, sizes.max(axis=1, initial=-1.0))
                most[tensor] = here
        return most

    # -- single paths

    def __iter__(self) -> Iterator[Path]:
        """All paths, made as they are asked for: in file order of the layers, then by element."""
        waiting = [iter([((self.tensor, 0), tuple[Hop, ...]())])]
        while waiting:
            found = next(waiting[-1], None)
            if found is None:
                waiting.pop()
                continue
            (tensor, place), hops = found
            seed = self._seed_at(tensor, place)
            if seed is not None:
                yield Path(hops, seed)
            waiting.append(self._onward(tensor, place, hops))

    def _onward(self, tensor: str, place: int, hops: tuple[Hop, ...]) -> Iterator[tuple[Vertex, tuple[Hop, ...]]]:
        """Where a path may go on."""
        for edges in self._edges.get(tensor, []):
            for to, hop in edges.hops(place):
                if self._counts[edges.layer][to]:
                    yield (edges.layer, to), (*hops, hop)

    def _seed_at(self, tensor: str, place: int) -> float | None:
        seed = self.iteration.seeds.get(tensor)
        return None if seed is None else float(seed.reshape(-1)[self._reached[tensor][place]])

    def largest(self, most: int) -> list[Path]:
        """The paths with the largest |product|, the largest first, exactly: what a path can still become is known."""
        return list(islice(self._largest(), most))

    def _largest(self) -> Iterator[Path]:
        nth = counting()
        # The bound of a vertex with the hops to it: |locals so far| × the largest that can follow.
        queue: list[tuple[float, int, Vertex | None, float, tuple[Hop, ...], float]] = []

        def put(bound: float, vertex: Vertex | None, so_far: float, hops: tuple[Hop, ...], seed: float) -> None:
            bound = np.inf if np.isnan(bound) else bound
            # What is farther on comes first among equals, so that a path is finished before others are begun.
            heapq.heappush(queue, (-bound, -next(nth), vertex, so_far, hops, seed))

        if self._most[self.tensor][0] >= 0:
            put(float(self._most[self.tensor][0]), (self.tensor, 0), 1.0, (), 0.0)
        while queue:
            _, _, vertex, so_far, hops, seed = heapq.heappop(queue)
            if vertex is None:
                yield Path(hops, seed)
                continue
            tensor, place = vertex
            own = self._seed_at(tensor, place)
            if own is not None:
                put(so_far * abs(own), None, so_far, hops, own)
            for edges in self._edges.get(tensor, []):
                most = self._most[edges.layer]
                for to, hop in edges.hops(place):
                    if most[to] >= 0:
                        on = so_far * abs(hop.local)
                        put(on * float(most[to]), (edges.layer, to), on, (*hops, hop), 0.0)


def _size(values: Floats) -> Floats:
    """Magnitudes; what is no number may be as large as any."""
    return np.where(np.isnan(values), np.inf, np.abs(values))
