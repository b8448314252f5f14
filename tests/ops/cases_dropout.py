"""Geometries of dropout, in train and eval mode."""

from op_cases import case, given, normal

CASES = [
    case("Dropout", normal(3, 4)),
    case("Dropout", normal(2, 3), p=0.2, inplace=True),
    case("Dropout", normal(2, 3), p=0.0),
    case("Dropout", normal(2, 3), p=1.0),
    case("Dropout", given(1.5)),
    case("Dropout", normal(2, 3), training=False),
    case("Dropout1d", normal(3, 2, 4)),
    case("Dropout1d", normal(5, 2), p=0.3),
    case("Dropout1d", normal(5, 2), training=False),
    case("Dropout2d", normal(2, 3, 2, 2)),
    case("Dropout2d", normal(3, 4, 2), p=0.6),
    case("Dropout2d", normal(2, 3, 2, 2), p=1.0, training=False),
]

_inf, _nan = float("inf"), float("nan")

EXTREME_CASES = [
    case("Dropout", given([[_inf, -_inf, _nan, 1e308], [_inf, -_inf, _nan, 1.0]])),
    case("Dropout", given([_inf, _nan, 1.0]), p=1.0),
]
