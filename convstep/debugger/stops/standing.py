"""What a breakpoint is on that is set here: the number under the cursor, or what the present step writes."""

from __future__ import annotations

from convstep.debugger.stops.breakpoints import Breakpoint
from convstep.engine.state import State
from convstep.errors import ConvstepError


def breakpoint_here(state: State, tensor: str | None, index: int) -> Breakpoint:
    """On element `index` of a tensor under the cursor; without one, on the element or the operation of this step.

    Raises ConvstepError at the start, where there is no step.
    """
    if tensor is not None:
        return Breakpoint(key=tensor, index=index)
    step = state.step
    if step is None:
        raise ConvstepError("nothing has happened yet: n takes a step and b then stops there; a in B adds one anywhere")
    if state.target is None:
        return Breakpoint(step=state.place.step)
    key = f"new({step.tensor})" if step.phase == "update" else step.writes
    return Breakpoint(key=key, index=state.target)
