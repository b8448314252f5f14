"""The rules: by each mistake, the gradients that somebody could have got at one backward step."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from convstep.explain.mistakes import chain, paths, reductions, spacing, whole, windows
from convstep.explain.mistakes.backward import Site
from convstep.ops.base import Array

Rule = Callable[[Site], Iterator[Array]]

RULES: dict[str, Rule] = {
    "sum-before-multiply": chain.sum_before_multiply,
    "missing-upstream": chain.missing_upstream,
    "missing-activation-derivative": chain.missing_activation_derivative,
    "unflipped-kernel": windows.unflipped_kernel,
    "reversed-gradient": windows.reversed_gradient,
    "transposed": whole.transposed,
    "ignored-stride": spacing.ignored_stride,
    "ignored-padding": spacing.ignored_padding,
    "overwritten-overlap": windows.overwritten_overlap,
    "pool-spread": windows.pool_spread,
    "missing-bias-sum": reductions.missing_bias_sum,
    "mean-for-sum": reductions.mean_for_sum,
    "sum-for-mean": reductions.sum_for_mean,
    "missing-path": paths.missing_path,
    "wrong-sign": whole.wrong_sign,
}
"""Each gives, for one backward step, the gradients that somebody could have got instead."""
