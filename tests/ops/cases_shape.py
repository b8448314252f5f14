"""Geometries of operations that give the same numbers another shape."""

from op_cases import case, given, normal

CASES = [
    case("Identity", normal(2, 3)),
    case("Identity", given(2.5)),
    case("Unflatten", normal(2, 6), dim=1, unflattened_size=[2, 3]),
    case("Unflatten", normal(4, 2), dim=-2, unflattened_size=[2, -1, 1]),
    case("Reshape", normal(2, 6), shape=[3, -1]),
    case("Reshape", normal(2, 3), shape=-1),
    case("Reshape", normal(1, 1), shape=[]),
    case("Reshape", given(2.5), shape=[1, 1]),
    case("Permute", normal(2, 3, 4), dims=[2, 0, 1]),
    case("Permute", normal(2, 3), dims=[-1, 0]),
    case("Permute", given(2.5), dims=[]),
    case("PixelShuffle", normal(1, 8, 2, 3), upscale_factor=2),
    case("PixelShuffle", normal(9, 1, 2), upscale_factor=3),
    case("PixelShuffle", normal(2, 1, 4, 1, 1), upscale_factor=2),
    case("PixelUnshuffle", normal(1, 2, 4, 6), downscale_factor=2),
    case("PixelUnshuffle", normal(1, 3, 6), downscale_factor=3),
]
EXTREME_CASES = []
