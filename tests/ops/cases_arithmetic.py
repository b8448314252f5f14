"""Geometries of arithmetic on tensors: broadcasting, products of matrices, sums and means."""

from op_cases import case, distinct, given, normal

_inf, _nan = float("inf"), float("nan")

CASES = [
    case("Sub", normal(2, 3), normal(2, 3)),
    case("Sub", normal(3), normal(2, 1)),
    case("Mul", normal(2, 3), normal(2, 3)),
    case("Mul", normal(2, 1, 3), normal(4, 1)),
    case("Mul", given(1.5), normal(2)),
    case("Div", normal(2, 3), distinct(2, 3)),
    case("Div", normal(3), distinct(2, 1)),
    case("Div", distinct(2, 2), given(-0.5)),
    case("MatMul", normal(2, 3), normal(3, 4)),
    case("MatMul", normal(3), normal(3)),
    case("MatMul", normal(3), normal(3, 2)),
    case("MatMul", normal(2, 3), normal(3)),
    case("MatMul", normal(2, 2, 3), normal(3, 2)),
    case("MatMul", normal(2, 3), normal(2, 3, 2)),
    case("MatMul", normal(2, 1, 2, 3), normal(3, 3, 1)),
    case("MatMul", normal(3), normal(2, 2, 3, 2)),
    case("MatMul", normal(2, 1, 3), normal(3)),
    case("MatMul", normal(1, 1), normal(1, 1)),
    case("Sum", normal(2, 3)),
    case("Sum", normal(2, 3), dim=1),
    case("Sum", normal(2, 3, 2), dim=[0, -1], keepdim=True),
    case("Sum", normal(2, 3), dim=[]),
    case("Sum", normal(1, 3), dim=0),
    case("Sum", given(1.5), keepdim=True),
    case("Mean", normal(2, 3)),
    case("Mean", normal(2, 3, 2), dim=-2),
    case("Mean", normal(2, 3, 2), dim=[2, 0], keepdim=True),
    case("Mean", given(1.5), dim=0),
    case("Mean", normal(3), keepdim=True),
]

_STRANGE = [[_inf, 1.0, -_inf], [_nan, 0.0, -0.0], [1e300, -1e300, 3.0]]
_OTHER = [[_inf, 0.0, 2.0], [1.0, 0.0, 1.0], [1e-300, 0.0, _inf]]
EXTREME_CASES = [
    *(case(op, given(_STRANGE), given(_OTHER)) for op in ("Sub", "Mul", "Div", "MatMul")),
    case("Sum", given(_STRANGE), dim=1),
    case("Mean", given(_STRANGE), dim=0),
]
