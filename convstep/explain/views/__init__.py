"""Other views of the same step: each computes the same number its own way, term by term where it can."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from convstep.engine.state import State
from convstep.explain.naming import Names
from convstep.explain.views.columns import im2col
from convstep.explain.views.convolution import convolutions
from convstep.explain.views.linear import matrices
from convstep.explain.views.sheet import OtherView
from convstep.explain.views.shortcuts import cross_entropy, norm
from convstep.explain.views.site import Site, site_of
from convstep.explain.views.sums import gathered, jacobian, mask, scattered

_VIEWS: tuple[Callable[[Site], Iterator[OtherView]], ...] = (
    gathered,
    scattered,
    convolutions,
    im2col,
    matrices,
    mask,
    jacobian,
    cross_entropy,
    norm,
)


def views_of(state: State, names: Names) -> tuple[Site, list[OtherView]] | None:
    """The views of the sum that the step is about; None where it is about none: at the start, in an update."""
    site = site_of(state, names)
    return None if site is None else (site, [view for views in _VIEWS for view in views(site)])
