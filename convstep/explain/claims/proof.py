"""How it is shown that an expression is a gradient whatever the numbers are, not with these alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from convstep.engine.recording import Recording
from convstep.engine.state import split_name
from convstep.explain.claims.claim_terms import same
from convstep.explain.claims.expansion import Expansion
from convstep.explain.claims.polynomial import Polynomial, TooManyTerms, element
from convstep.explain.language.nodes import Node, references
from convstep.ops.conv.convolution import Convolution
from convstep.ops.linear.linear import Linear

BY_TERMS = "both expand to the same terms"
BY_ALGEBRA = "their difference comes to 0 whatever the numbers are"

_MOST_ELEMENTS = 64

_Equal = Callable[[Polynomial, Polynomial], bool]


def proof(recording: Recording, node: Node, tensor: str, indices: Sequence[int]) -> str:
    """Why the elements of an expression always are those elements of a gradient; "" where that is not shown."""
    if len(indices) > _MOST_ELEMENTS:
        return ""
    claim = _Claim(recording, node, tensor, indices)
    # What a person named, and what a product layer made, may be any numbers: so much less is left to be shown.
    named = frozenset(key for key in references(node) if split_name(key)[0] == "grad")
    if claim.shown(named) or claim.shown(frozenset(), same):
        return BY_TERMS
    from convstep.explain.claims.algebra import always_equal

    layers = frozenset(node.name for node in recording.graph.layers if isinstance(node.op, (Convolution, Linear)))
    shown = any(claim.shown(symbols, always_equal) for symbols in (named | layers, layers, frozenset[str]()))
    return BY_ALGEBRA if shown else ""


class _Claim:
    def __init__(self, recording: Recording, node: Node, tensor: str, indices: Sequence[int]) -> None:
        self.recording, self.node, self.tensor, self.indices = recording, node, tensor, indices

    def shown(self, symbols: frozenset[str], equal: _Equal | None = None) -> bool:
        """Whether all elements are the same as they stand, or equal by some means when expanded down to `symbols`."""
        expansion = Expansion(self.recording, symbols)
        try:
            truths = [self._truth(expansion, index) for index in self.indices]
            for one, truth in zip(expansion.typed(self.node).reshape(-1), truths, strict=True):
                if same(one, truth):
                    continue
                if equal is None or not equal(expansion.to_inputs(one), expansion.to_inputs(truth)):
                    return False
        except TooManyTerms:
            return False
        return not expansion.has_constants

    def _truth(self, expansion: Expansion, index: int) -> Polynomial:
        """The true gradient of an element; where the claim speaks of that very gradient, itself."""
        itself = f"grad({self.tensor})"
        return element(itself, index) if itself in expansion.symbols else expansion.gradient(self.tensor, index)
