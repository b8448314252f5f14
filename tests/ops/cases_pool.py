"""Geometries of pooling: over one axis, uneven windows, powers."""

from op_cases import case, distinct, given, normal, positive, tied

_inf, _nan = float("inf"), float("nan")

CASES = [
    case("MaxPool1d", distinct(2, 2, 5), kernel_size=2),
    case("MaxPool1d", distinct(3, 7), kernel_size=[3], stride=2, padding=1, dilation=2, ceil_mode=True),
    case("MaxPool1d", tied(2, 9), kernel_size=3, stride=1, smooth=False, note="ties"),
    case("AvgPool1d", normal(2, 2, 5), kernel_size=2),
    case("AvgPool1d", normal(2, 6), kernel_size=3, stride=2, padding=1, ceil_mode=True, count_include_pad=False),
    case("AvgPool1d", normal(1, 1, 6), kernel_size=[4], stride=[3], padding=2, ceil_mode=True),
    case("AdaptiveAvgPool1d", normal(2, 2, 7), output_size=3),
    case("AdaptiveAvgPool1d", normal(2, 4), output_size=[1]),
    case("AdaptiveAvgPool1d", normal(1, 1, 2), output_size=5),
    case("AdaptiveAvgPool1d", normal(2, 50), output_size=3),
    case("AvgPool1d", normal(1, 12), kernel_size=9, stride=1),
    case("AvgPool1d", normal(1, 12), kernel_size=9, stride=1, padding=4, count_include_pad=False),
    case("AdaptiveAvgPool2d", normal(2, 2, 4, 6), output_size=2),
    case("AdaptiveAvgPool2d", normal(2, 5, 7), output_size=[3, None]),
    case("AdaptiveAvgPool2d", normal(1, 2, 5, 3), output_size=[2, 5]),
    case("AdaptiveAvgPool2d", normal(2, 3, 3, 3), output_size=1),
    case("AdaptiveMaxPool1d", distinct(2, 2, 7), output_size=3),
    case("AdaptiveMaxPool1d", distinct(1, 2), output_size=3),
    case("AdaptiveMaxPool2d", distinct(2, 2, 4, 6), output_size=2),
    case("AdaptiveMaxPool2d", distinct(2, 5, 7), output_size=[None, 3]),
    case("AdaptiveMaxPool2d", distinct(1, 1, 6, 6), output_size=1),
    case("AdaptiveMaxPool2d", tied(1, 2, 5, 7), output_size=[2, 3], smooth=False, note="ties"),
    case("LPPool1d", positive(2, 2, 5), norm_type=3, kernel_size=2),
    case("LPPool1d", positive(2, 5), norm_type=0.5, kernel_size=[3], stride=2, ceil_mode=True),
    case("LPPool2d", normal(2, 2, 4, 4), norm_type=2, kernel_size=2),
    case("LPPool2d", positive(2, 5, 4), norm_type=1.5, kernel_size=[3, 2], stride=[2, 1], ceil_mode=True),
    case("LPPool2d", normal(1, 1, 3, 3), norm_type=1, kernel_size=2, stride=1),
    case("LPPool2d", given([[[0.0, 0.0, 1.0, 0.0]]]), norm_type=2, kernel_size=[1, 2], smooth=False, note="zeros"),
]

_EXTREMES = [[1.0, _inf, -_inf, 2.0, _nan], [_nan, 1.0, 30.0, -_inf, _nan], [1e300, 1e308, 1e307, 40.0, -_inf]]

EXTREME_CASES = [
    case("MaxPool1d", given(_EXTREMES), kernel_size=2, stride=1, padding=1),
    case("AvgPool1d", given(_EXTREMES), kernel_size=2, stride=1, padding=1),
    case("AdaptiveAvgPool2d", given([_EXTREMES]), output_size=[2, 3]),
    case("AdaptiveMaxPool1d", given(_EXTREMES), output_size=1),
    case("AdaptiveMaxPool1d", given(_EXTREMES), output_size=3),
    case("AdaptiveMaxPool2d", given([_EXTREMES]), output_size=[2, 3]),
    case("LPPool1d", given(_EXTREMES), norm_type=3, kernel_size=2, stride=1),
    case("LPPool1d", given([[0.0, 0.0, 4.0, -1.0]]), norm_type=0.5, kernel_size=2, note="roots"),
]
