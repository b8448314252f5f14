"""Why a number is what it is, to walk through: its formula, its step, what it was made from and feeds, its paths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from convstep.debugger.whatif.comparing import set_by_hand
from convstep.engine.state import State, Status
from convstep.engine.timeline import Place
from convstep.errors import ConvstepError
from convstep.explain.example import one_of_many
from convstep.explain.formula.formula import Formulas
from convstep.explain.formula.notation import Notation
from convstep.explain.formula.writing import as_text, explain
from convstep.explain.naming import Names
from convstep.explain.numbers import short
from convstep.explain.provenance.path_writing import ledger_of, more, rows, title, total
from convstep.explain.provenance.provenance import Address, Group, Origins
from convstep.explain.provenance.uses import feeds
from convstep.explain.sentences import count_of

MOST_ROWS = 8
_MOST_LINKS = 100_000
"""Local derivatives on the way to the loss that are gone through at a key."""

_MADE = {
    "operand": "{of} read by {layer}",
    "upstream": "{of} upstream, by way of {layer}",
    "local": "{of} in the local derivatives of {layer}",
    "update": "{of} read by the update",
    "carried": "{of} from the iteration before",
    "given": "{of}, where backward starts",
}
_FED = {
    "operand": "{of}, which {layer} made of it",
    "upstream": "{of} whose upstream gradient it is",
    "local": "{of} in whose local derivative it stands",
    "update": "{of}: the update",
    "carried": "{of} of the next iteration",
    "given": "{of}: backward starts there",
}


@dataclass(frozen=True)
class Row:
    """A line of the explanation. `style`: plain, title, caption.

    A link has the number at its other end, and the step that wrote or will write it, None where none does.
    """

    text: str
    style: str = "plain"
    address: Address | None = None
    place: Place | None = None


@dataclass(frozen=True)
class Explained:
    """One number, explained."""

    address: Address
    name: str
    rows: tuple[Row, ...]

    @property
    def text(self) -> str:
        """All of it, to copy."""
        return "\n".join(row.text for row in self.rows)


class Explainer:
    """Explains numbers as they stand at one state; what is still to come keeps its value to itself."""

    def __init__(self, state: State, names: Names) -> None:
        self.state, self.names = state, names
        self._origins: dict[int, Origins] = {}

    @cached_property
    def subject(self) -> Address:
        """The number that the present step is about. Raises ConvstepError at the start."""
        step = self.state.step
        if step is None:
            raise ConvstepError("nothing has happened yet, so there is nothing to explain; n takes a step")
        key = f"new({step.tensor})" if step.phase == "update" else step.writes
        target = self.state.target
        return Address(self.state.place.iteration, key, one_of_many(self.state, step) if target is None else target)

    def explained(self, address: Address) -> Explained:
        """Everything about one number. Raises ConvstepError where it is not written yet."""
        *_, whole = self.parts(address)
        return whole

    def parts(self, address: Address) -> Iterator[Explained]:
        """What is read first, then everything: what a number feeds may take ten times as long as what it is made from.

        Raises ConvstepError where it is not written yet.
        """
        status = self.check(address)
        rows: tuple[Row, ...] = ()
        for part in (self._beginning, self._following):
            rows = *rows, *part(address, status)
            yield Explained(address, self.name(address), rows)

    def check(self, address: Address) -> Status:
        """How final a number is. Raises ConvstepError where it is not written yet."""
        status = self._status(address)
        if status == Status.BLANK:
            raise ConvstepError(f"{self.name(address)} is not written yet")
        return status

    # -- rows

    def _beginning(self, address: Address, status: Status) -> Iterator[Row]:
        origins = self._at(address.iteration)
        if status == Status.PARTIAL:
            yield Row(f"{self.name(address)} is not finished here: this is what it becomes.")
        graph, iteration = self.state.recording.graph, self.state.recording.iteration(address.iteration)
        if told := set_by_hand(iteration, graph, self.names, address.key, address.index):
            yield Row(told)
        formula = as_text(explain(origins.formulas, address.key, address.index))
        yield from (Row(line) for line in formula.splitlines())
        yield Row("Written by", "title")
        yield self._written(address)
        yield from self._groups("Made from", _MADE, origins.made_from(address.key, address.index), made=True)

    def _following(self, address: Address, status: Status) -> Iterator[Row]:
        origins = self._at(address.iteration)
        yield from self._groups("Feeds", _FED, feeds(origins, address.key, address.index), made=False)
        if address.key.startswith("grad("):
            yield Row("Paths", "title")
            yield from self._paths(origins.formulas, address)

    def _written(self, address: Address) -> Row:
        place = self._at(address.iteration).writer(address.key, address.index)
        if place is None:
            return Row("no step: it is there from the start", "caption")
        step = self.state.timeline.steps[place.step]
        layer = self.names.tensor(step.layer)
        doing = f"{step.op} → {self.names.tensor(step.writes)}" if step.phase == "update" else f"{layer} {step.op}"
        iteration = "" if place.iteration == self.state.place.iteration else f", iteration {place.iteration}"
        return Row(f"{step.phase} › {doing}{iteration}", address=address, place=place)

    def _groups(self, heading: str, words: dict[str, str], groups: list[Group], made: bool) -> Iterator[Row]:
        yield Row(heading, "title")
        real = [group for group in groups if group.count]
        if not real:
            yield Row("nothing that a step reads" if made else "nothing", "caption")
        for group in real:
            of = f"{count_of(group.count, 'number')} of {self.names.tensor(self._plain(group.key))}"
            tail = "" if group.is_whole else f" (looked for in {group.looked_at:,} of {group.of:,} places)"
            yield Row(words[group.role].format(of=of, layer=self.names.tensor(group.layer)) + tail, "caption")
            shown = group.first(MOST_ROWS) if group.count <= MOST_ROWS else np.sort(group.largest(MOST_ROWS - 2))
            for k in shown.tolist():
                yield self._tie(group, k, made)
            if len(shown) < group.count:
                yield self._rest(group, shown)

    def _tie(self, group: Group, k: int, made: bool) -> Row:
        address = group.address(k)
        written = self._status(address) == Status.DONE
        value = f" = {short(float(group.values[k]))}" if written else " (still to come)"
        local, amount = float(group.local[k]), float(group.amounts[k])
        gives = "" if np.isnan(amount) or (not made and not written) else f"gives {short(amount)}"
        if made and gives and group.role in ("operand", "upstream") and not np.isnan(local):
            gives = f"× {short(local)} = {short(amount)}"
        text = f"{self.name(address)}{value}" + (f"   {gives}" if gives else "")
        return Row(text, address=address, place=self._place(group, address))

    def _rest(self, group: Group, shown: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> Row:
        others = np.delete(group.amounts, shown)
        worth = f", together {short(float(others.sum()))}" if not np.isnan(others).any() else ""
        return Row(f"… and {count_of(len(others), 'other')}{worth}; shown are the largest", "caption")

    def _paths(self, formulas: Formulas, address: Address) -> Iterator[Row]:
        if self._status(address) != Status.DONE:
            yield Row("shown when the gradient is complete", "caption")
            return
        tensor = address.key[len("grad(") : -1]
        try:
            ledger = ledger_of(formulas, tensor, address.index, MOST_ROWS, _MOST_LINKS)
        except ConvstepError as error:
            yield Row(str(error), "caption")
            yield Row("convstep explain … --paths looks at more", "caption")
            return
        yield Row(title(ledger), "caption")
        for path, (way, names, numbers, product) in zip(ledger.shown, rows(ledger), strict=True):
            nearest = path.hops[0] if path.hops else None
            link = Address(address.iteration, f"grad({nearest.layer})", nearest.index) if nearest else address
            place = self._at(address.iteration).writer(link.key, link.index)
            yield Row(f"{way}:  {product}", address=link, place=place)
            yield Row(f"{names} = {numbers}", "caption")
        if ledger.more:
            yield Row(f"… {more(ledger)}, worth {short(ledger.rest)}", "caption")
        yield Row(total(ledger), "caption")

    # -- what is where

    def _at(self, iteration: int) -> Origins:
        if iteration not in self._origins:
            self._origins[iteration] = Origins(self.state.recording, self.names, iteration)
        return self._origins[iteration]

    def _plain(self, key: str) -> str:
        return key if not key.startswith("given(") else f"grad({key[len('given(') : -1]})"

    def name(self, address: Address) -> str:
        """`grad(w1)[1]`, with its iteration where that is another one."""
        other = self.state.place.iteration
        formulas = self._at(min(address.iteration, other)).formulas
        try:
            written = Notation(formulas).element(address.key, address.index)
        except KeyError:  # the optimizer's state, before there is any
            shape = self.names.shape(address.key.rpartition(".")[0])
            written = self.names.tensor(address.key) + self.names.index(address.index, shape)
        return written if address.iteration == other else f"{written} in iteration {address.iteration}"

    def _status(self, address: Address) -> Status:
        """Whether a number is written at the present state."""
        now = self.state.place.iteration
        if address.iteration != now:
            return Status.DONE if address.iteration < now else Status.BLANK
        try:
            return Status(int(self.state.read(address.key, np.array([address.index]))[1][0]))
        except KeyError:  # the optimizer's state and given gradients are there from the start
            return Status.DONE

    def _place(self, group: Group, address: Address) -> Place | None:
        """The step that makes the number at the other end, in the layer that the tie is about."""
        steps = self.state.timeline.steps
        for k, step in enumerate(steps):
            if step.is_backward and step.layer == group.layer and step.writes == address.key:
                return Place(address.iteration, k, address.index)
        if address.iteration > self.state.place.iteration:
            # What the next iteration starts with, this one's update writes.
            updates = (
                k for k, s in enumerate(steps) if s.phase == "update" and f"{address.key}.".startswith(f"{s.tensor}.")
            )
            return next((Place(address.iteration - 1, k, address.index) for k in updates), None)
        return self._at(address.iteration).writer(address.key, address.index)
