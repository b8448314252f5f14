"""Edits tried out in a session: made, taken back, made again; the original run stays beside the edited one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convstep.engine.recording import Recording
from convstep.engine.work import QUIET, Work
from convstep.errors import ConvstepError
from convstep.explain.naming import Names
from convstep.network.forced import Forced
from convstep.network.graph import Graph

if TYPE_CHECKING:
    from convstep.debugger.whatif.edits import Edit

_CONSTANT = "its derivative passes through unchanged"


@dataclass(frozen=True)
class Trial:
    """The edits in force, those that were undone (the last one first to come back), and the recording with them."""

    original: Recording
    recording: Recording
    edits: tuple[Edit, ...] = ()
    undone: tuple[Edit, ...] = ()

    def extras(self) -> dict[str, Any]:
        """What a snapshot keeps."""
        from convstep.debugger.whatif.edits import as_data

        return {"edits": [as_data(e) for e in self.edits], "undone": [as_data(e) for e in self.undone]}

    def notice(self, names: Names, iteration: int) -> str:
        """The list of the edits in force."""
        from convstep.debugger.whatif.edits import described

        listed = ", ".join(described(edit, self.original.graph, names, iteration) for edit in self.edits)
        return f"what if {listed} · u undoes"

    def with_edit(self, edit: Edit) -> Trial:
        """One more edit; what was undone before is forgotten."""
        return self._with((*self.edits, edit), ())

    def undo(self) -> Trial:
        """Without the last edit. Raises ConvstepError where there is none."""
        if not self.edits:
            raise ConvstepError("nothing is edited; i changes a number and shows what follows")
        return self._with(self.edits[:-1], (*self.undone, self.edits[-1]))

    def redo(self) -> Trial:
        """With the edit that was undone last. Raises ConvstepError where there is none."""
        if not self.undone:
            raise ConvstepError("no edit was undone")
        return self._with((*self.edits, self.undone[-1]), self.undone[:-1])

    def _with(self, edits: tuple[Edit, ...], undone: tuple[Edit, ...]) -> Trial:
        from convstep.debugger.whatif.comparing import edited

        return Trial(self.original, edited(self.original, edits), edits, undone)

    def run(self, iteration: int, work: Work = QUIET) -> None:
        """Have an iteration of both runs there. Raises what `Recording.iteration` raises."""
        for recording in dict.fromkeys((self.original, self.recording)):
            recording.iteration(iteration, work=work)

    def outcome(self, names: Names, iteration: int) -> str:
        """What the edits change in an iteration that is there, and what the last one replaced, in one line."""
        from convstep.debugger.whatif.comparing import effect
        from convstep.debugger.whatif.edits import described, was

        if not self.edits:
            return "no edits any more: these are the original numbers"
        graph, edit = self.recording.graph, self.edits[-1]
        before = self.original.iteration(iteration)
        found = effect(before, self.recording.iteration(iteration), graph)
        old = was(edit, self.original.graph, before)
        text = described(edit, self.original.graph, names, iteration) + (f", was {old}" if old else "")
        text = f"{text}; {found.text(names.tensor(graph.loss.name) if graph.loss else '')}"
        outputs = {node.name for node in graph.nodes}
        return f"{text}; {_CONSTANT}" if isinstance(edit, Forced) and edit.tensor in outputs else text


def from_extras(original: Recording, extras: Mapping[str, Any]) -> Trial:
    """The trial that a snapshot keeps; edits that are none of this network's are left out."""
    trial = Trial(original, original)
    if not extras.get("edits") and not extras.get("undone"):
        return trial
    from convstep.debugger.whatif.comparing import edited

    try:
        edits, undone = (_edits(original.graph, extras.get(key, [])) for key in ("edits", "undone"))
        return Trial(original, edited(original, edits), edits, undone)
    except ConvstepError:
        return trial


def edited_graph(original: Graph, extras: Mapping[str, Any]) -> tuple[Graph, str]:
    """The network with the edits that a snapshot keeps, as `from_extras` takes them, and their list in words."""
    if not extras.get("edits"):
        return original, ""
    from convstep.debugger.whatif.comparing import with_edits
    from convstep.debugger.whatif.edits import described

    try:
        edits, _ = (_edits(original, extras.get(key, [])) for key in ("edits", "undone"))
        graph = with_edits(original, edits)
    except ConvstepError:
        return original, ""
    names = Names(original)
    return graph, ", ".join(described(edit, original, names, 0) for edit in edits)


def _edits(original: Graph, data: Any) -> tuple[Edit, ...]:
    from convstep.debugger.whatif.edits import from_data

    if not isinstance(data, list):
        raise ConvstepError("edits are a list")
    return tuple(from_data(item, original) for item in data)
