"""Gradients that someone's own code computed, beside the true ones: `--mine`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from convstep.engine.recording import Recording
from convstep.engine.work import Work
from convstep.errors import ConvstepError
from convstep.explain.naming import Names

if TYPE_CHECKING:
    from convstep.explain.difference import Compared, Difference, Given


@dataclass(frozen=True)
class Mine:
    """The gradients of a file, compared with those of their iteration. `file` is its name for the screen.

    `given` is all that the file holds, `renamed` what --as said. `explained`: whether the mistakes that may be behind
    wrong ones have been looked for, which takes long.
    """

    file: str
    difference: Difference
    explained: bool = False
    given: Mapping[str, Given] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def _by_tensor(self) -> dict[str, Compared]:
        found: dict[str, Compared] = {}
        for compared in self.difference.gradients:
            if compared.tensor not in found or not compared.ok:
                found[compared.tensor] = compared
        return found

    @property
    def iteration(self) -> int:
        """The iteration that they belong to."""
        return self.difference.iteration

    def of(self, tensor: str) -> Compared | None:
        """What there is for a tensor's gradient, by its stored name; of two names' the wrong one."""
        return self._by_tensor.get(tensor)

    def greeting(self, names: Names) -> str:
        """What there is to know before the first step."""
        compared = self.difference.first_wrong
        if compared is None:
            return f"all gradients of {self.file} are right; k lists them"
        first, of = compared.first_wrong, f"grad({compared.tensor})"
        where = names.element(of, first[0], compared.truth.shape) if first else names.tensor(of)
        return f"{where} is the first of {self.file} that differs; k lists all"

    def as_data(self) -> dict[str, Any]:
        """Plain data and arrays, for a snapshot."""
        arrays = {name: [given.numbers, given.precision] for name, given in self.given.items()}
        return {"file": self.file, "arrays": arrays, "renamed": dict(self.renamed)}

    def explaining(self, recording: Recording) -> Callable[[Work], Mine]:
        """The work that looks for the mistakes. The recording is to be that thread's own."""

        def explain(work: Work) -> Mine:
            from convstep.explain.difference import explained

            return _ready(replace(self, difference=explained(recording, self.difference, work), explained=True))

        return explain


def _ready(mine: Mine) -> Mine:
    """The same with everything known that takes a look at whole gradients."""
    for compared in mine.difference.gradients:
        _ = compared.differs
    return mine


def read_mine(recording: Recording, file: str, given: Mapping[str, Given], renamed: Mapping[str, str]) -> Mine:
    """Compare what a file holds with the truth. Raises ConvstepError for names and shapes that cannot be."""
    from convstep.explain.difference import beside_truth

    difference = beside_truth(recording, given, renamed)
    return _ready(Mine(file, difference, difference.ok, given, renamed))


def from_data(recording: Recording, data: Any) -> Mine | None:
    """What `as_data` gave, compared anew; None where it is something else, or nothing of this network's."""
    from convstep.explain.difference import Given

    try:
        given = {name: Given(numbers, str(kept_as)) for name, (numbers, kept_as) in data["arrays"].items()}
        if not all(isinstance(each.numbers, np.ndarray) for each in given.values()):
            return None
        return read_mine(recording, str(data["file"]), given, dict(data["renamed"]))
    except (KeyError, TypeError, ValueError, AttributeError, ConvstepError):
        return None
