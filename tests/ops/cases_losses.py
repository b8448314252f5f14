"""Losses: every reduction, every argument, and what torch takes where there is no derivative."""

import numpy as np
from op_cases import case, given, labels, normal, shares, sure


def logs(*shape):
    """Logarithms of probabilities."""
    return lambda rng: np.log(shares(*shape)(rng))


def between(*shape):
    """Probabilities, well inside 0 … 1."""
    return lambda rng: rng.uniform(0.05, 0.95, size=shape)


def positive(*shape):
    return lambda rng: rng.uniform(0.5, 3.0, size=shape)


_SIGNS = given([[1.0, -1.0, -1.0], [-1.0, 1.0, 1.0]])
_YES_NO = given([[0.0, 1.0, 1.0], [0.0, 0.0, 1.0]])
_APART = given([[0.1, 0.4, 1.7], [-2.6, 0.3, -0.7]])

CASES = [
    case("MSELoss", normal(2, 3), normal(2, 3), size_average=False),
    case("L1Loss", normal(2, 3), normal(2, 3), reduction="sum", reduce=False),
    case("CrossEntropyLoss", normal(2, 3), labels(3, 2), reduction="none", size_average=True),
    case("L1Loss", normal(2, 3), normal(2, 3)),
    case("L1Loss", normal(2, 3), normal(3), reduction="sum"),
    case("L1Loss", given([1.0, 2.0]), given([1.0, 5.0]), reduction="none", smooth=False, note="equal"),
    case("L1Loss", given([1.0, 2.0]), given([3, 5]), reduction="none", note="whole"),
    case("SmoothL1Loss", _APART, normal(2, 3)),
    case("SmoothL1Loss", _APART, normal(2, 3), beta=0.5, reduction="sum"),
    case("SmoothL1Loss", normal(2, 3), normal(2, 1), beta=0.0, reduction="none"),
    case("SmoothL1Loss", given([0.0, 1.0, -1.0, 2.0]), given([0.0, 2.0, -2.0, 1.0]), smooth=False, note="edges"),
    case("SmoothL1Loss", given([0.0, 1.0]), given([0.0, 2.0]), beta=0.0, smooth=False, note="edges"),
    case("HuberLoss", _APART, normal(2, 3)),
    case("HuberLoss", _APART, normal(2, 3), delta=0.3, reduction="none"),
    case("HuberLoss", _APART, normal(3), delta=2.5, reduction="sum"),
    case("HuberLoss", given([0.0, 1.0, -1.0]), given([0.0, 3.0, -3.0]), delta=2.0, smooth=False, note="edges"),
    case("BCELoss", between(2, 3), between(2, 3)),
    case("BCELoss", between(2, 3), _YES_NO, reduction="none"),
    case("BCELoss", between(2, 3), between(2, 3), reduction="sum", weight=True),
    case("BCELoss", between(2), between(2), reduction="none", weight=True),
    case("BCEWithLogitsLoss", normal(2, 3), between(2, 3)),
    case("BCEWithLogitsLoss", normal(2, 3), between(2, 3), weight=True, reduction="sum"),
    case("BCEWithLogitsLoss", normal(2, 3), between(2, 3), weight=True, pos_weight=True),
    case("BCEWithLogitsLoss", normal(2, 3), _YES_NO, pos_weight=True, reduction="none"),
    case("BCEWithLogitsLoss", given(0.7), given(1.0)),
    case("KLDivLoss", logs(2, 3), shares(2, 3)),
    case("KLDivLoss", logs(2, 3), shares(2, 3), reduction="batchmean"),
    case("KLDivLoss", logs(2, 3), logs(2, 3), reduction="batchmean", log_target=True),
    case("KLDivLoss", logs(2, 3), shares(3), reduction="sum"),
    case("KLDivLoss", logs(2, 3), logs(2, 3), reduction="none", log_target=True),
    case("PoissonNLLLoss", normal(2, 3), positive(2, 3)),
    case("PoissonNLLLoss", normal(2, 3), given([0.5, 2.0, 3.0]), full=True, reduction="none"),
    case("PoissonNLLLoss", positive(2, 3), positive(2, 3), log_input=False, reduction="sum"),
    case("PoissonNLLLoss", positive(2), positive(2), log_input=False, full=True, eps=0.1),
    case("PoissonNLLLoss", normal(2, 3), given([[0, 1, 2], [3, 0, 1]]), note="whole"),
    case("GaussianNLLLoss", normal(2, 3), normal(2, 3), positive(2, 3)),
    case("GaussianNLLLoss", normal(2, 3), normal(2, 3), positive(2, 1), full=True, reduction="sum"),
    case("GaussianNLLLoss", normal(2, 3), normal(2, 3), positive(2), reduction="none"),
    case("GaussianNLLLoss", normal(2, 3, 2), normal(2, 3, 2), positive(2, 1, 2), eps=1.5, smooth=False),
    case("HingeEmbeddingLoss", _APART, _SIGNS),
    case("HingeEmbeddingLoss", _APART, _SIGNS, margin=0.5, reduction="none"),
    case("HingeEmbeddingLoss", _APART, given([[1, -1, -1], [-1, 1, 1]]), reduction="sum", note="whole"),
    case(
        "HingeEmbeddingLoss",
        given([1.0, 0.5, 0.5, 2.0]),
        given([-1.0, 1.0, 0.0, -1.0]),
        reduction="none",
        smooth=False,
        note="edges",
    ),
    case("SoftMarginLoss", normal(2, 3), _SIGNS),
    case("SoftMarginLoss", normal(2, 3), _SIGNS, reduction="sum"),
    case("SoftMarginLoss", normal(2, 3), given([[1, -1, 1], [1, 1, -1]]), reduction="none"),
    case("CrossEntropyLoss", normal(4, 3), labels(3, 4), weight=True),
    case("CrossEntropyLoss", sure, given([2, 1, 2]), weight=True, reduction="none", note="unsure"),
    case("CrossEntropyLoss", normal(4, 3), given([0, 1, 2, 1]), weight=True, ignore_index=1, label_smoothing=0.1),
    case("CrossEntropyLoss", normal(2, 3, 2), labels(3, 2, 2), weight=True, label_smoothing=0.3, reduction="sum"),
    case("CrossEntropyLoss", normal(2, 3, 2), shares(2, 3, 2), weight=True, label_smoothing=0.2),
    case("CrossEntropyLoss", normal(3, 4), shares(3, 4), weight=True, reduction="none"),
    case("CrossEntropyLoss", normal(3), labels(3), weight=True),
    case("NLLLoss", logs(4, 3), labels(3, 4)),
    case("NLLLoss", logs(4, 3), labels(3, 4), weight=True),
    case("NLLLoss", logs(4, 3), given([0, 1, 2, 1]), ignore_index=1, weight=True),
    case("NLLLoss", logs(2, 3, 2), labels(3, 2, 2), weight=True, reduction="none"),
    case("NLLLoss", logs(2, 3, 2), labels(3, 2, 2), reduction="sum"),
    case("NLLLoss", logs(3), labels(3)),
    case("MSELoss", normal(2, 3), normal(3), reduction="sum", note="again"),
]

_inf, _nan = float("inf"), float("nan")
_X = given([1000.0, -1000.0, _inf, -_inf, _nan, 1.0, 0.0])
_Y = given([1.0, 1.0, 1.0, 1.0, 1.0, _nan, -0.0])

EXTREME_CASES = [
    case("CrossEntropyLoss", normal(2, 3), given([-100, -100]), weight=True, note="all ignored"),
    case("NLLLoss", normal(2, 3), given([-100, -100]), note="all ignored"),
    case("NLLLoss", given([[-_inf, _nan], [_inf, 1.0]]), given([0, 0]), reduction="none", note="extreme"),
    *(
        case(op, _X, _Y, reduction="none", note="extreme")
        for op in ("L1Loss", "SmoothL1Loss", "HuberLoss", "BCEWithLogitsLoss", "HingeEmbeddingLoss", "SoftMarginLoss")
    ),
    case("BCELoss", given([0.0, 1.0, 0.5, 0.0, 1.0]), given([0.0, 1.0, 0.3, 1.0, 0.0]), reduction="none", note="edges"),
    case("BCEWithLogitsLoss", _X, _Y, pos_weight=True, reduction="none", note="extreme"),
    case("KLDivLoss", given([-0.5, -1.0, -_inf, -0.3]), given([0.0, 0.3, 0.2, 0.0]), reduction="none", note="zeros"),
    case("KLDivLoss", given([-0.5, -1.0]), given([-_inf, -0.3]), log_target=True, reduction="none", note="zeros"),
    case("PoissonNLLLoss", _X, _Y, reduction="none", note="extreme"),
    case("PoissonNLLLoss", given([0.5, 1.0, 2.0]), given([0.0, 1.0, -1.0]), full=True, reduction="none", note="zeros"),
    case("PoissonNLLLoss", given([0.5, 0.0, -1.0]), given([0.0, 1.0, 2.0]), log_input=False, reduction="none"),
    case("GaussianNLLLoss", given([1.0, 0.5]), given([-1.0, 1.0]), given([0.0, 1.0]), reduction="none", note="zero"),
]
