"""Whether the claims of a network can be read: before anything is run."""

from __future__ import annotations

from convstep.errors import ConvstepError
from convstep.explain.language.language import parse
from convstep.explain.naming import Names
from convstep.network.graph import Graph


def unreadable(graph: Graph) -> tuple[int, str] | None:
    """The number of the first claim whose expression cannot be read, and why; None where all can."""
    names = Names(graph)
    for number, claim in enumerate(graph.claims):
        try:
            if isinstance(claim.text, str):
                parse(claim.text, names)
        except ConvstepError as error:
            return number, str(error)
    return None
