"""Geometries of padding layers and upsampling."""

from op_cases import case, given, normal

_inf, _nan = float("inf"), float("nan")

CASES = [
    case("ZeroPad1d", normal(2, 3), padding=[1, 2]),
    case("ZeroPad2d", normal(1, 2, 3, 2), padding=[1, 0, 2, 1]),
    case("ZeroPad2d", normal(1, 1, 4, 4), padding=[-1, 1, 0, -2]),
    case("ZeroPad3d", normal(1, 1, 2, 1, 2), padding=1),
    case("ConstantPad1d", normal(1, 2, 3), padding=2, value=1.5),
    case("ConstantPad2d", normal(2, 3, 3), padding=[2, -1, 0, 1], value=-3),
    case("ConstantPad3d", normal(1, 2, 1, 2), padding=[0, 1, 1, 0, 0, 0], value=0),
    case("ReflectionPad1d", normal(1, 2, 4), padding=3),
    case("ReflectionPad1d", normal(2, 4), padding=[-1, 2]),
    case("ReflectionPad2d", normal(1, 2, 3, 4), padding=[1, 3, 2, 0]),
    case("ReflectionPad2d", normal(1, 3, 3), padding=2),
    case("ReflectionPad3d", normal(1, 1, 2, 2, 3), padding=[2, 0, 1, 1, 0, 1]),
    case("ReplicationPad1d", normal(1, 2, 3), padding=[3, 1]),
    case("ReplicationPad2d", normal(2, 1, 2, 3), padding=[2, 1, 0, 3]),
    case("ReplicationPad2d", normal(1, 3, 4), padding=[-1, 2, 1, -1]),
    case("ReplicationPad3d", normal(1, 1, 2, 1, 2), padding=1),
    case("CircularPad1d", normal(1, 1, 3), padding=[3, 2]),
    case("CircularPad2d", normal(1, 2, 3, 3), padding=[1, 2, 3, 0]),
    case("CircularPad2d", normal(1, 4, 4), padding=[-1, 2, 0, -1]),
    case("CircularPad3d", normal(1, 2, 2, 2), padding=1),
    case("Upsample", normal(1, 2, 3), scale_factor=2),
    case("Upsample", normal(1, 1, 2, 3), size=[4, 5]),
    case("Upsample", normal(1, 1, 5, 4), size=[3, 2], mode="nearest-exact"),
    case("Upsample", normal(1, 1, 2, 1, 2), scale_factor=[1, 2, 1.5]),
    case("Upsample", normal(1, 2, 4), scale_factor=2.3, mode="linear"),
    case("Upsample", normal(2, 1, 3, 2), scale_factor=2, mode="bilinear"),
    case("Upsample", normal(1, 1, 3, 2), scale_factor=[2.5, 2], mode="bilinear", recompute_scale_factor=True),
    case("Upsample", normal(1, 2, 3, 4), size=[5, 3], mode="bilinear", align_corners=True),
    case("Upsample", normal(1, 1, 3, 1), size=[1, 3], mode="bilinear", align_corners=True),
    case("Upsample", normal(1, 1, 3, 2), size=[3, 4], mode="bilinear"),
    case("Upsample", normal(1, 1, 3, 4), size=5, mode="bicubic"),
    case("Upsample", normal(1, 1, 2, 3), scale_factor=2, mode="bicubic", align_corners=True),
    case("Upsample", normal(1, 1, 2, 2, 2), size=[3, 2, 4], mode="trilinear"),
    case("Upsample", normal(1, 2, 5), size=3, mode="area"),
    case("Upsample", normal(1, 1, 3, 5), size=[4, 2], mode="area"),
    case("Upsample", normal(1, 1, 2, 3, 1), scale_factor=[1.5, 0.7, 2], mode="area", recompute_scale_factor=True),
    case("UpsamplingNearest2d", normal(1, 1, 2, 2), scale_factor=2),
    case("UpsamplingBilinear2d", normal(1, 1, 2, 3), size=[3, 4]),
]

_STRANGE = [[[[_inf, 1.0, -_inf], [_nan, 0.0, -0.0], [1e300, -1e300, 3.0]]]]
EXTREME_CASES = [
    case("ZeroPad2d", given(_STRANGE), padding=1),
    case("ConstantPad2d", given(_STRANGE), padding=1, value=-_inf),
    case("ReflectionPad2d", given(_STRANGE), padding=1),
    case("Upsample", given(_STRANGE), scale_factor=2),
    case("Upsample", given(_STRANGE), scale_factor=2, mode="bilinear"),
    case("Upsample", given(_STRANGE), size=3, mode="bilinear"),
]
