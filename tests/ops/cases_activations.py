"""Activations: one line each, or more where an argument or a kink changes what happens."""

from op_cases import case, given, normal, sure

_KINKS = given([[-3.0, -1.0, -0.5, -0.0], [0.0, 0.5, 1.0, 2.0], [3.0, 6.0, 7.5, -4.0]])
_SMOOTH = given([[-4.0, -1.3, -0.2, 0.3], [0.7, 1.6, 2.5, 7.0]])

CASES = [
    case("CELU", _SMOOTH, alpha=0.7),
    case("ELU", _SMOOTH, alpha=1.5),
    case("GELU", normal(2, 3)),
    case("GELU", normal(2, 3), approximate="tanh"),
    case("GLU", normal(2, 4)),
    case("GLU", normal(2, 6, 3), dim=1),
    case("Hardshrink", _SMOOTH),
    case("Hardshrink", _SMOOTH, lambd=-1.0),
    case("Hardsigmoid", _SMOOTH, inplace=True),
    case("Hardswish", _SMOOTH),
    case("Hardtanh", _SMOOTH, min_val=-0.25, max_val=2.0),
    case("LeakyReLU", _SMOOTH),
    case("LeakyReLU", normal(2, 3), negative_slope=-0.5),
    case("LogSigmoid", normal(5)),
    case("LogSoftmax", normal(2, 3)),
    case("LogSoftmax", normal(2, 3, 2), dim=-1),
    case("LogSoftmax", sure, dim=1, note="sure"),
    case("LogSoftmax", given(0.5)),
    case("Mish", normal(2, 3)),
    case("PReLU", _SMOOTH),
    case("PReLU", normal(2, 3, 2), num_parameters=3, init=0.1),
    case("PReLU", given(-1.5)),
    case("ReLU6", _SMOOTH),
    case("SELU", _SMOOTH),
    case("SiLU", normal(2, 3)),
    case("Softmax2d", normal(2, 3, 1, 2)),
    case("Softmax2d", normal(3, 2, 2)),
    case("Softmin", normal(2, 3)),
    case("Softmin", normal(2, 3, 2)),
    case("Softmin", sure, dim=-1, note="sure"),
    case("Softplus", _SMOOTH),
    case("Softplus", _SMOOTH, beta=2.0, threshold=4.0),
    case("Softplus", normal(4), beta=-0.5),
    case("Softshrink", _SMOOTH, lambd=0.25),
    case("Softsign", normal(2, 3)),
    case("Tanhshrink", normal(2, 3)),
    case("Threshold", _SMOOTH, threshold=0.5, value=-1.5),
    *(
        case(op, _KINKS, smooth=False, note="kinks", **arguments)
        for op, arguments in {
            "CELU": {"alpha": 2.0},
            "ELU": {"alpha": 2.0},
            "Hardshrink": {},
            "Hardsigmoid": {},
            "Hardswish": {},
            "Hardtanh": {},
            "LeakyReLU": {"negative_slope": 0.0},
            "PReLU": {},
            "ReLU6": {},
            "SELU": {},
            "Softplus": {"threshold": 3.0},
            "Softshrink": {},
            "Softsign": {},
            "Threshold": {"threshold": 0.5, "value": 0.5},
        }.items()
    ),
]

_inf, _nan = float("inf"), float("nan")
_EXTREMES = given([[-1e300, -1000.0, -30.0, -_inf], [1e300, 1000.0, 30.0, _inf], [_nan, 5e-324, -5e-324, -0.0]])

_SHAPED = {"Softmax2d"}
_NEEDED = {"Threshold": {"threshold": 0.1, "value": 20.0}}

EXTREME_CASES = [
    *(
        case(op, _EXTREMES, note="extreme", **_NEEDED.get(op, {}))
        for op in sorted({case.op for case in CASES} - _SHAPED)
    ),
    case("CELU", _SMOOTH, alpha=1e-50),
]
