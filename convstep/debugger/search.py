"""`/`: names and values. `conv`, `0.25`, `> 1`, `grad(w1) < 0` give a list of places to go to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from convstep.debugger.goto import tensor
from convstep.debugger.moves import Landing, Spot, place_of
from convstep.debugger.stops.clock import Clock
from convstep.debugger.stops.timed import SIGNS, Evaluation
from convstep.engine.recording import Recording
from convstep.engine.state import tensor_of
from convstep.engine.work import Work
from convstep.errors import ConvstepError
from convstep.explain.language.conditions import parse_condition
from convstep.explain.language.kinds import INSIDE, kind_of, uses
from convstep.explain.language.nodes import Compare, Node, Reference, Test, walk
from convstep.explain.language.vocabulary import Vocabulary
from convstep.explain.numbers import short

MOST_HITS = 200
_BARE = re.compile(r"\s*(<=|>=|==|!=|<|>|≤|≥|≠)\s*(.+)")
_NUMBER = re.compile(r"[-−+]?(?:[0-9]+\.?([0-9]*)|\.([0-9]+))(?:[eE][+-]?[0-9]+)?")
_STRANGE = {"nan": np.isnan, "inf": np.isinf}


@dataclass(frozen=True)
class Hit:
    """A place that was found: a tensor `key`, or its element `index`. `about` is its value, or what it is."""

    name: str
    about: str
    key: str
    index: int | None


@dataclass(frozen=True)
class Hits:
    """What was found, in the order in which it is written; `more`: there is more than is listed."""

    hits: tuple[Hit, ...]
    more: bool


@dataclass(frozen=True)
class Finder:
    """Searches the iteration in which a spot is."""

    recording: Recording
    words: Vocabulary
    spot: Spot

    def check(self, text: str) -> None:
        """Raises ConvstepError where the text means nothing."""
        text = text.strip()
        if not text:
            raise ConvstepError("what for? a name (conv), a number (0.25), or a condition (> 1, grad(w1) < 0)")
        if not self._asks_for_values(text):
            return
        bare = _BARE.fullmatch(text)
        if bare:
            _number(bare[2])
        elif _is_condition(text):
            self._tensor(self._read(text), text)

    def find(self, text: str, work: Work) -> Hits:
        """The first `MOST_HITS` places. Raises ConvstepError where there is none, and Cancelled."""
        text = text.strip()
        self.check(text)
        hits = tuple(
            islice(self._values(text, work) if self._asks_for_values(text) else self._names(text), MOST_HITS + 1)
        )
        if not hits:
            raise ConvstepError(f"nothing here is called or is {text}")
        return Hits(hits[:MOST_HITS], len(hits) > MOST_HITS)

    def landing(self, hit: Hit) -> Landing:
        """Where it was written, in this iteration. Raises ConvstepError where no step wrote it."""
        return tensor(self.recording, self.words.names, self.spot, hit.key, hit.index)

    def _asks_for_values(self, text: str) -> bool:
        if text in self.words.names.all():
            return False
        return bool(_NUMBER.fullmatch(text)) or text.lower() in _STRANGE or _is_condition(text)

    # -- names

    def _names(self, text: str) -> Iterator[Hit]:
        """Tensors whose name, symbol or operation has the text in it."""
        names, low = self.words.names, text.lower()
        operations = {step.tensor: step.op for step in self.recording.timeline.steps if step.phase != "backward"}
        graph = self.recording.graph
        stored = dict(graph.aliases)
        for key in self._keys():
            inner = key.partition("(")[2].rstrip(")") or key
            known = {names.tensor(key), key, *(name for name, to in stored.items() if to == inner)}
            op = operations.get(inner, "") if key in (inner, f"new({inner})") else ""
            if any(low in name.lower() for name in known) or low in op.lower():
                size = "×".join(map(str, names.shape(key))) or "one number"
                yield Hit(names.tensor(key), f"{op} {size}".strip(), key, None)

    def _keys(self) -> list[str]:
        """All tensors: those that are there from the start, then in the order in which they are written."""
        steps = self.recording.timeline.steps
        written = dict.fromkeys(f"new({step.tensor})" if step.phase == "update" else step.writes for step in steps)
        return [*sorted(self.words.keys - written.keys()), *written]

    # -- values

    def _values(self, text: str, work: Work) -> Iterator[Hit]:
        if _is_condition(text) and not _BARE.fullmatch(text):
            node = self._read(text)
            work.check()
            key, where = self._tensor(node, text), self._where(node, work)
            yield from self._elements(key, self._tensor_of(key, work), where)
            return
        for key in self._keys():
            work.check()
            values = self._tensor_of(key, work)
            yield from self._elements(key, values, _holds(values, text))

    def _tensor_of(self, key: str, work: Work) -> npt.NDArray[np.float64]:
        iteration = self.recording.iteration(place_of(self.recording.timeline, self.spot).iteration, work=work)
        return np.asarray(tensor_of(iteration, key), dtype=np.float64)

    def _elements(self, key: str, tensor: npt.NDArray[np.float64], where: npt.NDArray[np.bool_]) -> Iterator[Hit]:
        names, shape, values = self.words.names, self.words.names.shape(key), tensor.reshape(-1)
        for index in np.flatnonzero(where.reshape(-1))[: MOST_HITS + 1]:
            yield Hit(names.element(key, int(index), shape), short(float(values[index])), key, int(index))

    def _read(self, text: str) -> Node:
        node = parse_condition(text, self.words)
        if uses(node, *INSIDE, "position", "phase", "layer", "op", "level"):
            raise ConvstepError(
                "/ searches tensors; g goes to where a condition on sums, products or positions becomes true"
            )
        return node

    def _tensor(self, node: Node, text: str) -> str:
        """The tensor whose elements a condition is about: the one that stands in it, whole, first."""
        whole = [each for each in walk(node) if isinstance(each, Reference) and each.index is None]
        if not whole or not isinstance(node, (Compare, Test)):
            raise ConvstepError(f"/ takes one comparison of a whole tensor, such as grad(w1) < 0; g {text} goes there")
        return whole[0].key

    def _where(self, node: Node, work: Work) -> npt.NDArray[np.bool_]:
        assert kind_of(node) == "truth"
        place = place_of(self.recording.timeline, self.spot)
        clock = Clock(self.recording, "op", self.spot.order, work)
        values = Evaluation(clock, place.iteration).timed(node).values
        key = next(each.key for each in walk(node) if isinstance(each, Reference) and each.index is None)
        shape = self.words.names.shape(key)
        if values.shape != shape:
            raise ConvstepError("this comparison is about no single tensor: name the larger one first")
        return values


def _is_condition(text: str) -> bool:
    return any(sign in text for sign in "<>=≤≥≠!") or text.startswith(("isnan", "isinf", "isfinite"))


def _number(text: str) -> float:
    try:
        return float(text.strip().replace("−", "-"))
    except ValueError:
        raise ConvstepError(f"{text.strip()} is no number: > 1, or grad(w1) < 0") from None


def _holds(values: npt.NDArray[np.float64], text: str) -> npt.NDArray[np.bool_]:
    """Where a tensor has this value, as far as it was written out, or is above or below it."""
    with np.errstate(all="ignore"):
        if text.lower() in _STRANGE:
            return np.asarray(_STRANGE[text.lower()](values))
        if bare := _BARE.fullmatch(text):
            sign = {"≤": "<=", "≥": ">=", "≠": "!="}.get(bare[1], bare[1])
            return np.asarray(SIGNS[sign](values, _number(bare[2])))
        number = _number(text)
        match = _NUMBER.fullmatch(text)
        assert match is not None
        decimals = len(match[1] or match[2] or "")
        near = 0.5 * 10.0**-decimals * (1 + 1e-9) if decimals >= 3 and "e" not in text.lower() else 1e-9 * abs(number)
        return np.asarray((values == number) | (np.abs(values - number) <= near))
