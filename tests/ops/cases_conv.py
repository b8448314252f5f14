"""Geometries of convolutions and transposed convolutions."""

from op_cases import case, given, normal

_inf, _nan = float("inf"), float("nan")

CASES = [
    case("Conv1d", normal(2, 2, 6), out_channels=2, kernel_size=3, stride=2, padding=1),
    case("Conv1d", normal(4, 5), out_channels=2, kernel_size=[2], padding="same", dilation=3, groups=2, bias=False),
    case("Conv1d", normal(1, 1, 4), out_channels=1, kernel_size=3, padding=3, padding_mode="reflect"),
    case("Conv1d", normal(1, 1, 3), out_channels=1, kernel_size=3, padding=4, padding_mode="replicate"),
    case("Conv1d", normal(2, 1, 3), out_channels=1, kernel_size=2, padding=3, stride=2, padding_mode="circular"),
    case("Conv2d", normal(1, 2, 3, 4), out_channels=2, kernel_size=3, padding=[1, 2], padding_mode="reflect"),
    case("Conv2d", normal(2, 2, 3, 3), out_channels=2, kernel_size=3, padding=2, groups=2, padding_mode="replicate"),
    case("Conv2d", normal(1, 1, 3, 3), out_channels=1, kernel_size=3, padding=[1, 3], padding_mode="circular"),
    case("Conv2d", normal(1, 4, 3), out_channels=1, kernel_size=2, padding="same", padding_mode="circular"),
    case("Conv2d", normal(1, 1, 4, 4), out_channels=1, kernel_size=[4, 2], padding="same", padding_mode="reflect"),
    case("Conv3d", normal(1, 2, 3, 3, 4), out_channels=2, kernel_size=2, stride=[1, 2, 1], padding=[1, 0, 1]),
    case("Conv3d", normal(2, 2, 3, 2), out_channels=2, kernel_size=[1, 2, 2], groups=2, padding="same"),
    case("Conv3d", normal(1, 1, 2, 2, 3), out_channels=1, kernel_size=2, padding=1, padding_mode="replicate"),
    case("ConvTranspose1d", normal(2, 2, 4), out_channels=2, kernel_size=3),
    case("ConvTranspose1d", normal(2, 3), out_channels=4, kernel_size=3, stride=3, output_padding=1, groups=2),
    case("ConvTranspose2d", normal(1, 1, 2, 2), out_channels=1, kernel_size=2, stride=2, bias=False),
    case("ConvTranspose2d", normal(2, 2, 3, 3), out_channels=3, kernel_size=3, stride=2, padding=1, output_padding=1),
    case(
        "ConvTranspose2d",
        normal(1, 4, 3, 2),
        out_channels=2,
        kernel_size=[2, 3],
        stride=[1, 2],
        padding=[0, 2],
        dilation=[3, 2],
        output_padding=[2, 0],
        groups=2,
    ),
    case("ConvTranspose2d", normal(2, 3, 3), out_channels=1, kernel_size=1, stride=1),
    case("ConvTranspose3d", normal(1, 2, 2, 2, 2), out_channels=1, kernel_size=2, stride=[1, 2, 1], padding=[1, 0, 0]),
]

_STRANGE = [[[_inf, 1.0, -_inf], [_nan, 0.0, 2.0], [1e300, -1e300, 3.0]]]
EXTREME_CASES = [
    case("Conv2d", given(_STRANGE), out_channels=2, kernel_size=2, padding=1, padding_mode="reflect"),
    case("ConvTranspose2d", given(_STRANGE), out_channels=2, kernel_size=2, stride=2, padding=1, output_padding=1),
]
